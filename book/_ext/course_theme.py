"""The book's own theme: what its templates need to know, and HTML that works without scripts.

The theme lies in ``book/_theme/course``. It inherits Sphinx's ``basic`` and loads one style sheet,
two scripts and the fonts that stand beside them. A solution and folded code become ``<details>``.
"""

import hashlib
import re
import subprocess
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.config import Config
from sphinx.environment.adapters.toctree import TocTree
from sphinx.writers.html5 import HTML5Translator
from sphinx_exercise.nodes import solution_node

from downloads import launches, repository

ROOT = Path(__file__).resolve().parents[2]
THEME = ROOT / "book" / "_theme" / "course"
OWN_FILES = ("course.", "course-words.", "ledger.", "math.", "styles/", "scripts/")
"""How the names of style sheets and scripts begin that a page loads; all others are left out."""
FIRST_FONTS = sorted(path.name for path in (THEME / "static" / "fonts").glob("*.woff2"))
"""All of them: a font that comes late is not used, and half a typeface is worse than none."""
DEEPEST = 3
"""How deep the contents of a page go: its title, sections and their parts."""
LONGEST = 160
"""Characters of a description; search engines cut it there."""
INDEXES = {"genindex": "Index", "py-modindex": "Python Module Index"}
"""The titles of pages whose templates set them, too late for the window."""


class CourseTranslator(HTML5Translator):
    """HTML whose tables scroll by themselves and whose solutions open without a script."""

    def visit_table(self, node: nodes.Element) -> None:
        """Begin a table and what it scrolls in."""
        self.body.append('<div class="scrolls">')
        super().visit_table(node)

    def depart_table(self, node: nodes.Element) -> None:
        """End a table and what it scrolls in."""
        super().depart_table(node)
        self.body.append("</div>\n")

    def visit_title(self, node: nodes.Element) -> None:
        """Begin a title; that of a solution opens it."""
        if isinstance(node.parent, solution_node):
            self.body.append("<summary>")
        else:
            super().visit_title(node)

    def depart_title(self, node: nodes.Element) -> None:
        """End a title."""
        if isinstance(node.parent, solution_node):
            self.body.append("</summary>\n")
        else:
            super().depart_title(node)


def visit_solution(self: CourseTranslator, node: nodes.Element) -> None:
    """Begin a folded solution."""
    node["classes"] = ["solution"]
    self.body.append(self.starttag(node, "details"))


def depart_details(self: CourseTranslator, node: nodes.Element) -> None:
    """End what was folded."""
    self.body.append("</details>\n")


def visit_folded_code(self: CourseTranslator, node: nodes.Element) -> None:
    """Begin folded code, with its number of lines."""
    lines = sum(block.astext().count("\n") + 1 for block in node.findall(nodes.literal_block))
    told = escape(node.get("told", "Code"))
    size = f"{lines} line{'s' * (lines != 1)}"
    self.body.append(f'<details class="code"><summary>{told}, {size}</summary>\n')


def use_theme(app: Sphinx, config: Config) -> None:
    """Choose the theme, and drop what Jupyter Book sets for its own."""
    config.html_theme = "course"  # type: ignore[attr-defined]
    config.html_theme_options = {}  # type: ignore[attr-defined]


def own(file: Any) -> bool:
    """Return whether a style sheet or script belongs to the theme."""
    name = str(getattr(file, "filename", file) or "").removeprefix("_static/").removeprefix("../")
    return name.startswith(OWN_FILES)


def page_title(title: str, project: str) -> str:
    """Return the title of a page in the window, one for each."""
    plain = re.sub(r"<[^>]+>", "", title)
    return plain if plain == project else f"{plain} · {project}"


def description(doctree: nodes.document | None) -> str:
    """Return the beginning of a page's first paragraph without formulas, in whole words."""
    found = doctree.findall(nodes.paragraph) if doctree else iter(())
    first = next((p for p in found if not any(True for _ in p.findall(nodes.math))), None)
    text = " ".join(first.astext().split()) if first else ""
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0] + " …"


def pruned(toc: nodes.Element, depth: int = DEEPEST) -> nodes.Element:
    """Return the contents of a page without their deepest levels."""
    for entry in list(toc.findall(nodes.bullet_list)):
        above = 0
        parent = entry
        while parent is not toc and parent.parent is not None:
            parent = parent.parent
            above += isinstance(parent, nodes.bullet_list)
        if above >= depth:
            entry.parent.remove(entry)
    return toc


def contents(app: Sphinx, docname: str) -> str:
    """Return the list of a page's sections, or nothing for a page with fewer than two."""
    if docname not in app.env.tocs or not isinstance(app.builder, StandaloneHTMLBuilder):
        return ""
    toc = pruned(TocTree(app.env).get_toc_for(docname, app.builder))
    inner = next((item for item in toc.findall(nodes.bullet_list) if item is not toc), None)
    if inner is None or len(inner) < 2:
        return ""
    return str(app.builder.render_partial(inner)["fragment"])


def commit() -> str:
    """Return the commit that the book is built from, or nothing outside a repository."""
    command = ["git", "rev-parse", "--short=9", "HEAD"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def preview(site: str) -> str:
    """Return the address of the picture for previews of links, if that of the site is known."""
    return f"{site.rstrip('/')}/_static/preview.png" if site else ""


def page_context(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Tell the templates what they show, and leave out the files of other themes."""
    source = str(app.env.doc2path(pagename, base=False)) if pagename in app.env.all_docs else ""
    notebook = source if source.endswith(".ipynb") else ""
    where = app.env.course_repository  # type: ignore[attr-defined]
    context |= {
        "page_title": page_title(
            context.get("title") or INDEXES.get(pagename, ""), app.config.project
        ),
        "description": description(doctree),
        "page_toc": contents(app, pagename),
        "commit": app.env.course_commit,  # type: ignore[attr-defined]
        "repository_url": where.url,
        "launches": launches(where, notebook),
        "preview_url": preview(app.config.html_baseurl),
        "author": app.config.author,
        "fonts": FIRST_FONTS,
        "notebook": notebook,
        "css_files": [file for file in context.get("css_files", []) if own(file)],
        "script_files": [file for file in context.get("script_files", []) if own(file)],
    }


def extensions_digest() -> str:
    """Return a digest of the extensions: Sphinx does not see by itself when they change."""
    told = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        told.update(path.name.encode() + path.read_bytes())
    return told.hexdigest()


def remember(app: Sphinx) -> None:
    """Look up once what stands in the foot of every page."""
    app.env.course_commit = commit()  # type: ignore[attr-defined]
    app.env.course_repository = repository()  # type: ignore[attr-defined]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the theme."""
    app.add_config_value("comments_config", {}, "")  # Jupyter Book sets it for another extension
    # If it changes, every page is read anew.
    app.add_config_value("extensions_digest", extensions_digest(), "env")
    app.add_html_theme("course", str(THEME))
    app.set_translator("html", CourseTranslator)
    app.add_node(solution_node, override=True, html=(visit_solution, depart_details))
    app.add_node(HideCodeCellNode, override=True, html=(visit_folded_code, depart_details))
    for name in ("course.js", "course-words.js"):
        app.add_js_file(name, loading_method="defer")
    app.connect("config-inited", use_theme, priority=900)
    app.connect("builder-inited", remember)
    app.connect("html-page-context", page_context, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
