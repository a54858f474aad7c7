"""The first page: the directives ``promise``, its picture, and ``chapter-map``, its cards.

The picture is ``docs/promise.svg``, which ``tools/landing_picture.py`` draws. Its panels stand side
by side, or one above the other on a phone. The lines of a map name documents and what they ask::

    ```{chapter-map} Chapters
    book/necessity: What can a network not do without a nonlinearity?
    ```

A map named like a part of the table of contents must have all documents of that part. A card
tells how long a document takes to read, and its cells to run: the time of the execution whose
outputs the site shows, which the execution cache keeps.
"""

import math
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

import execution_cache

PICTURE = Path("docs") / "promise.svg"
SVG = "http://www.w3.org/2000/svg"
PACE = 220
"""Words that a reader reads in a minute."""
WORD = re.compile(r"\w[\w'’-]*")


class chapter_map(nodes.General, nodes.Element):
    """Stands where a map will be, until all documents are read."""


# The picture.


def panels(drawing: str) -> str:
    """Return the panels of a drawing, each a drawing of its own, and their style."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(drawing)
    style = root.find(f"{{{SVG}}}style")
    found = root.findall(f"{{{SVG}}}svg")
    for panel in found:
        for name in ("x", "y"):
            del panel.attrib[name]
    if style is not None:
        found[0].insert(0, style)
    told = "".join(ElementTree.tostring(panel, encoding="unicode").strip() for panel in found)
    return f'<div class="promise">{told}</div>'


class Promise(SphinxDirective):
    """The directive ``promise``; its content is the caption."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the figure."""
        path = Path(self.env.srcdir) / PICTURE
        self.env.note_dependency(str(path))
        drawing = panels(path.read_text(encoding="utf-8"))
        text, messages = self.parse_inline(" ".join(self.content), lineno=self.lineno)
        begin = f'<figure class="promise-figure">{drawing}<figcaption>'  # one without a number
        return [
            nodes.raw("", begin, format="html"),
            nodes.inline("", "", *text),  # no paragraph: the first of a page describes it
            nodes.raw("", "</figcaption></figure>", format="html"),
            *messages,
        ]


# The map.


def part(root: Path, caption: str) -> list[str]:
    """Return the documents of a part of the table of contents."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    found = [entry for entry in toc.get("parts", []) if entry.get("caption") == caption]
    return [chapter["file"] for entry in found for chapter in entry["chapters"]]


class ChapterMap(SphinxDirective):
    """The directive ``chapter-map``."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return a place for the map."""
        self.env.note_reread()  # the times may have changed
        asked = dict(line.split(": ", 1) for line in self.content if ": " in line)
        unread = [line for line in self.content if line.strip() and ": " not in line]
        if unread:
            raise self.error(f"expected 'document: question', got {unread[0]!r}")
        for name in asked.keys() - self.env.found_docs:
            raise self.error(f"there is no document {name!r} in _toc.yml")
        missing = [n for n in part(Path(self.env.srcdir), self.arguments[0]) if n not in asked]
        if missing:
            raise self.error(f"the part {self.arguments[0]!r} also has {', '.join(missing)}")
        return [chapter_map(asked=asked)]


def words(doctree: nodes.document) -> int:
    """Return the number of words in paragraphs and titles; a formula counts as one."""
    prose = (node for node in doctree.findall(nodes.TextElement) if is_prose(node))
    return sum(len(WORD.findall(node.astext())) for node in prose)


def is_prose(node: nodes.TextElement) -> bool:
    """Return whether a node is a paragraph or a title, outside of a cell's output."""
    if not isinstance(node, nodes.paragraph | nodes.title | nodes.caption):
        return False
    above = node.parent
    while above is not None:
        if "cell_output" in above.get("classes", []):
            return False
        above = above.parent
    return True


def minutes(count: int) -> str:
    """Return how long a number of words takes, in words; a long time in steps of 5 minutes."""
    needed = max(1, math.ceil(count / PACE))
    return f"{needed if needed <= 15 else 5 * round(needed / 5)} min"


def seconds(time: float) -> str:
    """Return a time to run, in words, as coarse as it is known."""
    if time < 10:
        return "10 s"
    return f"{10 * math.ceil(time / 10)} s" if time <= 60 else f"{math.ceil(time / 30) / 2:g} min"


def run_time(env: BuildEnvironment, docname: str) -> float | None:
    """Return the seconds that the cells of a document took when its outputs were made."""
    path = Path(env.doc2path(docname))
    if path.suffix != ".ipynb" or not Path(env.config.nb_execution_cache_path).is_dir():
        return None
    with execution_cache.opened(env.config.nb_execution_cache_path) as cache:
        try:
            record = cache.match_cache_notebook(nbformat.read(path, 4))
        except KeyError:
            return None
    return (record.data or {}).get("execution_seconds")


def cost(env: BuildEnvironment, docname: str) -> str:
    """Return what a card tells about the time that a document takes, if it is one to be read."""
    if not env.doc2path(docname).endswith(".ipynb"):
        return ""
    told = f"{minutes(words(env.get_doctree(docname)))} to read"
    time = run_time(env, docname)
    return told if time is None else f"{told}, {seconds(time)} to run"


def card(app: Sphinx, page: str, docname: str, question: str) -> nodes.list_item:
    """Return the card of a document: its number and name, what it asks, what it takes."""
    numbers = app.env.toc_secnumbers.get(docname, {}).get("", ())
    title = app.env.titles[docname].astext().split(":")[0]
    address = app.builder.get_relative_uri(page, docname)
    link = nodes.reference("", "", internal=True, refuri=address, classes=["chapter-link"])
    if numbers:
        number = ".".join(map(str, numbers))
        link += nodes.inline("", number, classes=["chapter-number"])
    link += nodes.Text(title)
    entry = nodes.list_item("", nodes.paragraph("", "", link, classes=["chapter-name"]))
    entry += nodes.paragraph("", question)
    if time := cost(app.env, docname):
        entry += nodes.paragraph("", time, classes=["chapter-cost"])
    return entry


def fill_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the maps in their places."""
    for node in list(doctree.findall(chapter_map)):
        cards = (card(app, docname, name, asked) for name, asked in node["asked"].items())
        node.replace_self(nodes.bullet_list("", *cards, classes=["chapter-map"]))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_node(chapter_map)
    app.add_directive("promise", Promise)
    app.add_directive("chapter-map", ChapterMap)
    app.connect("doctree-resolved", fill_in)
    return {"parallel_read_safe": True, "env_version": 1}
