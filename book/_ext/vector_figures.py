"""Show figures as vector drawings: wide or for a phone, in the colors of either theme.

A figure that the site's kernels have described by its forms (see `figure_forms`) becomes a pair of
``<picture>`` elements, one for each theme; where a form is missing, a warning tells why, and the
PNG is shown. Other builders take the PNG anyway.

The dark form has the colors of `DARK` in place of those of the style sheet. What `figure_forms`
put into groups named ``keep`` stays as it is.
"""

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer, load_mime_renders
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from figure_forms import KEEP, MIME_TYPE

BUILDERS = ("html", "dirhtml", "singlehtml")
PHONE = "(max-width: 600px)"
DARK = {
    # the cycle of the style sheet, gray and ink
    "#0a69a8": "#4aa5e0",
    "#ff271d": "#ff6a5f",
    "#00a3a2": "#2bc4c2",
    "#7354d7": "#a48cf5",
    "#6b9f38": "#8fc45a",
    "#d92a68": "#f0689a",
    "#747b85": "#a9b1bb",
    "#2b313a": "#e4e2dc",
    # frames and grids; white parts of marks and grounds of labels; black; a ground of a panel
    "#5a6270": "#a9b1bb",
    "#e3e6ea": "#2f3741",
    "#ffffff": "#14181d",
    "#000000": "#e4e2dc",
    "#f3e3e0": "#3a2524",
}
"""Light color -> dark color; course.css has those of the series and of the page as well."""
COLOR = re.compile(r"#[0-9a-f]{6}\b")


class course_figure(nodes.General, nodes.Inline, nodes.Element):
    """A figure in its four forms, with its alternative text."""


class FigureRenderer:
    """Tells myst-nb how to show a figure by its forms, and to prefer them to the PNG."""

    mime_priority_overrides = tuple((name, MIME_TYPE, 0) for name in BUILDERS)

    @staticmethod
    def handle_mime(
        renderer: NbElementRenderer, data: MimeData, inline: bool
    ) -> list[nodes.Element] | None:
        """Write the forms into files; return the node that shows them. Leave others alone."""
        if data.mime_type != MIME_TYPE:
            return None
        forms: Any = data.content
        if "error" in forms:
            told = f"a figure is shown as PNG, since its drawing failed: {forms['error']}"
            renderer.logger.warning(told, subtype="figure", line=data.line)
            return []
        options = renderer.renderer.get_cell_level_config(
            "render_image_options", data.cell_metadata, line=data.line
        )
        node = course_figure(alt=options.get("alt", ""), forms={})
        for name in ("wide", "narrow"):
            form = forms[name]
            sizes = {"width": form["width"], "height": form["height"]}
            for theme, text in (("light", form["svg"]), ("dark", darkened(form["svg"]))):
                content = text.encode()
                file = f"{hashlib.sha256(content).hexdigest()[:20]}.svg"
                source = renderer.write_file([file], content, exists_ok=True)
                node["forms"][f"{name} {theme}"] = {"source": source, "name": file, **sizes}
        return [node]


def darkened(text: str) -> str:
    """Return a drawing in the colors of the dark theme."""
    root = ElementTree.fromstring(text)
    repaint(root)
    root.set("fill", DARK["#000000"])  # Matplotlib writes no fill where it is black
    return ElementTree.tostring(root, encoding="unicode")


def repaint(element: ElementTree.Element) -> None:
    """Change the colors of an element and of what it holds, except in groups that keep theirs."""
    if element.get("id", "").startswith(KEEP):
        element.set("fill", "#000000")
        return
    if "style" in element.attrib:
        style = element.attrib["style"]
        element.attrib["style"] = COLOR.sub(lambda found: DARK.get(found[0], found[0]), style)
    for child in element:
        repaint(child)


def visit(translator: HTML5Translator, node: course_figure) -> None:
    """Write the pictures of both themes, and put their files beside the page's other images."""
    builder = translator.builder
    folder = Path(builder.outdir, builder.imagedir)
    folder.mkdir(parents=True, exist_ok=True)
    for form in node["forms"].values():
        if not (folder / form["name"]).exists():
            source = Path(builder.app.srcdir, form["source"].lstrip("/"))
            shutil.copyfile(source, folder / form["name"])
    for theme in ("light", "dark"):
        wide, narrow = (node["forms"][f"{name} {theme}"] for name in ("wide", "narrow"))
        translator.body += [
            f'<picture class="only-{theme}">',
            f'<source media="{PHONE}" srcset="{builder.imgpath}/{narrow["name"]}"',
            f' width="{narrow["width"]}" height="{narrow["height"]}">',
            f'<img src="{builder.imgpath}/{wide["name"]}" alt="{translator.attval(node["alt"])}"',
            f' width="{wide["width"]}" height="{wide["height"]}" loading="lazy"></picture>\n',
        ]
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    renderers = load_mime_renders()  # myst-nb knows no other way in than installed packages
    if FigureRenderer not in renderers:
        renderers.append(FigureRenderer)
    app.add_node(course_figure, html=(visit, None))
    return {"version": "1", "env_version": 1, "parallel_read_safe": True}
