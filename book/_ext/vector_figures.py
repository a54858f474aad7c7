"""Show figures as vector drawings: wide or for a phone, in the colors of either theme.

A figure that the site's kernels have described by its forms (see `figure_forms`) becomes a pair of
``<picture>`` elements, one for each theme; where a form is missing, a warning tells why, and the
PNG is shown. Other builders take the PNG anyway.

The dark form has the colors of `DARK` in place of those of the style sheet. What `figure_forms`
put into groups named ``keep`` stays as it is where its ground is a map of deep colors. A ground as
pale as paper would be a white slab on a dark page: it becomes as dark as the page, with what was
drawn on it in the colors of `DARK`, and in images ink of those colors on nothing.
"""

import base64
import hashlib
import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from docutils import nodes
from matplotlib.colors import to_rgb
from myst_nb.core.render import MimeData, NbElementRenderer, load_mime_renders
from numpy.typing import NDArray
from PIL import Image
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from figure_forms import KEEP, MIME_TYPE, SVG

BUILDERS = ("html", "dirhtml", "singlehtml")
PHONE = "(max-width: 600px)"
"""When the form for phones is shown; course.css has it for the words of captions as well."""
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
    # areas of two classes
    "#c9dfee": "#1f3444",
    "#ffd0cc": "#42282a",
}
"""Light color -> dark color; course.css has those of the series and of the page as well."""
AREAS = ("#c9dfee", "#ffd0cc")
INKS = (*list(DARK)[:6], "#000000")
PALE = 0.7  # least of the channels of the lightest pixel, from 0 to 1
COLOR = re.compile(r"#[0-9a-f]{6}\b")
CLIP = re.compile(r"<clipPath[^>]*><rect([^>]*)")
SIDE = re.compile(r'\b(x|y|width|height)="([-\d.]+)"')
HREF = "{http://www.w3.org/1999/xlink}href"
PNG = "data:image/png;base64,"

Pixels = NDArray[np.float64]


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
        stacked = is_stacked(forms["wide"]["svg"], forms["narrow"]["svg"])
        node = course_figure(alt=options.get("alt", ""), forms={}, stacked=stacked)
        for name in ("wide", "narrow"):
            form = forms[name]
            sizes = {"width": form["width"], "height": form["height"]}
            for theme, text in (("light", form["svg"]), ("dark", darkened(form["svg"]))):
                content = text.encode()
                file = f"{hashlib.sha256(content).hexdigest()[:20]}.svg"
                source = renderer.write_file([file], content, exists_ok=True)
                node["forms"][f"{name} {theme}"] = {"source": source, "name": file, **sizes}
        return [node]


def panels(text: str) -> set[tuple[float, ...]]:
    """Return left, top, right and bottom of the panels of a drawing, to which it is clipped."""
    found = (dict(SIDE.findall(rectangle)) for rectangle in CLIP.findall(text))
    boxes = ([float(box[name]) for name in ("x", "y", "width", "height")] for box in found)
    return {(x, y, x + width, y + height) for x, y, width, height in boxes}


def is_row(boxes: set[tuple[float, ...]]) -> bool:
    """Return whether all panels, two at least, stand side by side."""
    return len(boxes) > 1 and max(box[1] for box in boxes) < min(box[3] for box in boxes)


def is_column(boxes: set[tuple[float, ...]]) -> bool:
    """Return whether all panels, two at least, stand below one another."""
    return len(boxes) > 1 and max(box[0] for box in boxes) < min(box[2] for box in boxes)


def is_stacked(wide: str, narrow: str) -> bool:
    """Return whether the panels of a figure are a row on a wide page and a column on a phone."""
    return is_row(panels(wide)) and is_column(panels(narrow))


def darkened(text: str) -> str:
    """Return a drawing in the colors of the dark theme."""
    root = ElementTree.fromstring(text)
    repaint(root, on_paper(root))
    root.set("fill", DARK["#000000"])  # Matplotlib writes no fill where it is black
    return ElementTree.tostring(root, encoding="unicode")


def repaint(element: ElementTree.Element, paper: bool) -> None:
    """Change the colors of an element and of what it holds; groups keep theirs, but on paper."""
    kept = element.get("id", "").startswith(KEEP)
    if kept and not paper:
        element.set("fill", "#000000")
        return
    if kept:
        for image in images(element):
            image.set(HREF, written(inked(pixels(image))))
    if "style" in element.attrib:
        style = element.attrib["style"]
        element.attrib["style"] = COLOR.sub(lambda found: DARK.get(found[0], found[0]), style)
    for child in element:
        repaint(child, paper)


def on_paper(root: ElementTree.Element) -> bool:
    """Return whether what keeps its colors stands on grounds as pale as paper, all of them."""
    groups = [e for e in root.iter() if e.get("id", "").startswith(KEEP)]
    found = [pixels(image) for group in groups for image in images(group)]
    areas = any(
        area in part.get("style", "") for group in groups for part in group.iter() for area in AREAS
    )
    pale = all(image[..., :3].min(axis=-1).max() > PALE for image in found)
    return pale and (areas or bool(found))


def images(group: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """Yield the images of a group, which may be one itself."""
    return group.iter(f"{{{SVG}}}image")


def pixels(image: ElementTree.Element) -> Pixels:
    """Return the red, green, blue and opacity of each pixel, from 0 to 1."""
    content = base64.b64decode(image.attrib[HREF].removeprefix(PNG))
    with Image.open(io.BytesIO(content)) as opened:
        return np.asarray(opened.convert("RGBA")) / 255


def written(colors: Pixels) -> str:
    """Return pixels as the address of an image."""
    file = io.BytesIO()
    Image.fromarray(np.rint(255 * colors).astype(np.uint8)).save(file, "PNG", optimize=True)
    return PNG + base64.b64encode(file.getvalue()).decode()


def inked(colors: Pixels) -> Pixels:
    """Return an image on paper as ink on nothing, in the dark color of the ink most like it.

    An ink that covers the paper in part is a mixture with white, and its opacity is what is missing
    to white in its darkest channel.
    """
    cover = 1 - colors[..., :3].min(axis=-1, keepdims=True)
    pure = 1 - (1 - colors[..., :3]) / np.where(cover > 0, cover, 1)
    known = np.array([to_rgb(ink) for ink in INKS])
    known = 1 - (1 - known) / (1 - known.min(axis=-1, keepdims=True))
    nearest = np.square(pure[..., None, :] - known).sum(axis=-1).argmin(axis=-1)
    dark = np.array([to_rgb(DARK[ink]) for ink in INKS])
    return np.concatenate([dark[nearest], cover * colors[..., 3:]], axis=-1)


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
