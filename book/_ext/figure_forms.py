"""Give every figure of a chapter vector forms for the site: a wide one and one for phones.

The build of the site, and nothing else, starts its kernels with a file that calls ``install``.
From then on IPython describes a Matplotlib figure by one more MIME type beside the PNG, whether
``plt.show()`` or the end of a cell shows it. The figure itself is left as it is: both forms are
drawn from copies. Where that fails, the reason takes the place of the drawings, and the page keeps
its PNG.

Equal figures give equal drawings. What stands in an area that colors fill, such as a map of
losses, is put into groups named ``keep``, since its colors belong to that area in both themes.
"""

import io
import pickle
import re
import warnings
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from IPython.core.formatters import DisplayFormatter, JSONFormatter
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection
from matplotlib.colors import to_hex
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from traitlets import ObjectName, Unicode

from figure_narrow import narrow

MIME_TYPE = "application/vnd.course-figure+json"
KEEP = "keep"
NO_MARKER = ("None", None, "", " ")
MOST_BYTES = 140_000
TOO_MANY = (1000, 250)  # places of one artist, tried in turn
STYLE = {"svg.fonttype": "path", "svg.hashsalt": "course", "path.simplify": True}
METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
SVG = "http://www.w3.org/2000/svg"
REFERENCE = re.compile(r'(?:url\(|href=")#([^")]+)')
NAME = re.compile(r'((?:url\(|href=")#|\bid=")([^")]+)')
LARGE = re.compile(r"-?[1-9]\d*\.\d{3,}")
LONG = re.compile(r"-?\d+\.\d{3,}")
SPACE = re.compile(r"\s*([A-Za-z])\s*|\s+$")

ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")

Forms = dict[str, Any]


class FigureFormatter(JSONFormatter):
    """Describes figures by their forms, and nothing else."""

    format_type = Unicode(MIME_TYPE)
    print_method = ObjectName("_repr_course_figure_")

    def __call__(self, shown: Any) -> Forms | None:
        """Return the forms of a figure, or None.

        Functions registered by type would be lost: the inline backend removes those of figures.
        """
        return forms(shown) if isinstance(shown, Figure) else None


def install(display: DisplayFormatter) -> None:
    """Let IPython describe figures by their forms, too.

    That comes first, since a figure without layout engine has another one after its PNG is drawn.
    """
    display.formatters = {MIME_TYPE: FigureFormatter(parent=display), **display.formatters}


def forms(figure: Figure) -> Forms:
    """Return the drawings of a figure and their sizes in CSS pixels, or what went wrong."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # in a cell, it would be an output
            warnings.filterwarnings("ignore", "There are no gridspecs")  # nor need there be
            wide = copied(figure)
            wide.draw_without_rendering()  # what limits and texts depend on, settles here
            wide.set_layout_engine("none")
            small = narrow(copied(wide))
            return {"wide": drawing(wide, bbox_inches="tight"), "narrow": drawing(small)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def copied(figure: Figure) -> Figure:
    """Return a copy that pyplot does not know of, and would not show again."""
    manager, figure.canvas.manager = figure.canvas.manager, None
    try:
        copy = pickle.loads(pickle.dumps(figure))
    finally:
        figure.canvas.manager = manager
    FigureCanvasAgg(copy)
    return copy


def drawing(figure: Figure, **options: Any) -> dict[str, Any]:
    """Return the SVG of a figure, without background, and its width and height."""
    prepare(figure)
    text = svg(figure, **options)
    for least in TOO_MANY:
        if len(text) <= MOST_BYTES:
            break
        for artist in detailed(figure, least):
            artist.set_rasterized(True)
        text = svg(figure, **options)
    width, height = (round(float(size) * 96 / 72) for size in re.findall(r'="([\d.]+)pt"', text))
    return {"svg": text, "width": width, "height": height}


def svg(figure: Figure, **options: Any) -> str:
    """Return the SVG of a figure, without what it can be shown without."""
    file = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(file, format="svg", metadata=METADATA, dpi=150, **options)
    root = ElementTree.fromstring(file.getvalue())
    used = set(REFERENCE.findall(file.getvalue()))
    lighten(root, used)
    root.set("stroke-linejoin", "round")  # as Matplotlib says in a style sheet, which is gone
    names = {name: f"i{number}" for number, name in enumerate(sorted(used))}
    text = ElementTree.tostring(root, encoding="unicode")
    return NAME.sub(lambda found: found[1] + names.get(found[2], found[2]), text)


def lighten(element: ElementTree.Element, used: set[str]) -> None:
    """Drop white space, unused names and empty groups; cut places to a hundredth of a point."""
    element.text = element.tail = None
    name = element.get("id", "")
    if name not in used and not name.startswith(KEEP):
        element.attrib.pop("id", None)
    for place in ("d", "x", "y"):
        if place in element.attrib:
            element.attrib[place] = SPACE.sub(r"\1", LONG.sub(rounded, element.attrib[place]))
    if "transform" in element.attrib:  # scales below 1 stay
        element.attrib["transform"] = LARGE.sub(rounded, element.attrib["transform"])
    if "style" in element.attrib:
        element.attrib["style"] = element.attrib["style"].replace(": ", ":").replace("; ", ";")
    for child in list(element):
        lighten(child, used)
    element[:] = unwrapped(element)
    styles = {child.get("style") for child in element}
    if len(element) > 1 and len(styles) == 1 and all(c.tag == f"{{{SVG}}}use" for c in element):
        style = styles.pop()
        if style is not None and "style" not in element.attrib:
            element.set("style", style)
            for child in element:
                del child.attrib["style"]


def unwrapped(element: ElementTree.Element) -> list[ElementTree.Element]:
    """Return the children of an element, without metadata and groups that say nothing."""
    children: list[ElementTree.Element] = []
    for child in element:
        if child.tag == f"{{{SVG}}}g" and not child.attrib:
            children += child
        elif child.tag != f"{{{SVG}}}metadata":
            children.append(child)
    return children


def rounded(number: re.Match[str]) -> str:
    """Return a number with two decimals at most."""
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def prepare(figure: Figure) -> None:
    """Make the white ground transparent, and name what keeps its colors."""
    figure.patch.set_visible(False)
    for line in figure.findobj(Line2D):
        line.get_path().simplify_threshold = 0.25  # points
    count = 0
    for axes in figure.axes:
        for image in axes.images:
            image.set_interpolation("none")  # its own pixels, which the browser scales
        if is_filled(axes):
            for artist in kept(axes):
                count += 1
                artist.set_gid(f"{KEEP}-{count}")
        elif to_hex(axes.patch.get_facecolor()) == "#ffffff":
            axes.patch.set_visible(False)


def is_filled(axes: Axes) -> bool:
    """Return whether an image, a mesh or filled contours are the ground of the axes."""
    filled = [c for c in axes.collections if isinstance(c, ContourSet) and c.filled]
    meshes = [c for c in axes.collections if type(c).__name__ in ("QuadMesh", "PolyQuadMesh")]
    return bool(axes.images or filled or meshes)


def kept(axes: Axes) -> Iterator[Artist]:
    """Yield what is drawn within axes, without their frame and what is written around them."""
    frame = axes.get_window_extent()
    yield from (*axes.images, *axes.lines, *axes.collections, *axes.patches)
    for text in axes.texts:
        box = text.get_window_extent()
        if frame.contains((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2):
            yield text
            if getattr(text, "arrow_patch", None) is not None:
                yield text.arrow_patch


def detailed(figure: Figure, least: int) -> Iterator[Artist]:
    """Yield what takes at least so many places to write down."""
    for axes in figure.axes:
        for artist in (*axes.lines, *axes.collections):
            if weight(artist) >= least:
                yield artist


def weight(artist: Line2D | Collection) -> int:
    """Return about how many places an artist takes to write down; plain lines are simplified."""
    if isinstance(artist, Line2D):
        return len(artist.get_xydata()) // (1 if artist.get_marker() not in NO_MARKER else 10)
    points = sum(len(path.vertices) for path in artist.get_paths())
    return max(points, len(artist.get_offsets()))
