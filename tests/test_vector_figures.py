"""Figures on pages: pictures for both themes and widths, and the colors of the dark one."""

import re
from html import escape
from types import SimpleNamespace
from xml.etree import ElementTree

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import vector_figures
from figure_forms import MIME_TYPE, forms
from matplotlib.colors import to_rgb
from myst_nb.core.render import MimeData, get_mime_priority
from vector_figures import DARK, darkened

from course_lib import plots
from course_lib.plots import COLORS

DARK_PAGE = "#14181d"


@pytest.fixture
def figure():
    """Return a figure in the style of the course, with a map."""
    with mpl.rc_context():
        plots.use_style()
        figure, (left, right) = plt.subplots(1, 2)
        left.plot([0, 1], [0, 1], "o", markeredgecolor="white")
        right.imshow(np.eye(2))
        right.plot([0, 1], [0, 1], color=COLORS["blue"])
        yield figure
        plt.close("all")


def luminance(color):
    """Return the relative luminance of WCAG."""
    channels = np.array(to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("color", COLORS.values())
def test_every_color_of_the_course_has_a_dark_one_that_is_seen(color):
    assert (luminance(DARK[color]) + 0.05) / (luminance(DARK_PAGE) + 0.05) >= 4.5


def test_colors_are_mapped_except_on_a_map(figure):
    light = forms(figure)["wide"]["svg"]
    dark = darkened(light)
    ElementTree.fromstring(dark)
    assert COLORS["ink"] in light and COLORS["ink"] not in dark
    assert "#ffffff" not in dark
    blue = re.compile(COLORS["blue"])
    assert len(blue.findall(light)) > len(blue.findall(dark)) == 1
    assert darkened(light) == dark


def painted(drawing):
    """Return the pixels of the only image of a drawing, and the drawing without it."""
    (image,) = vector_figures.images(ElementTree.fromstring(drawing))
    return vector_figures.pixels(image), re.sub(r"data:image[^\"]*", "", drawing)


@pytest.mark.usefixtures("styled")
def test_ink_on_paper_becomes_light_ink_on_nothing():
    dark, _ = painted(darkened(forms(plots.image_grid(np.eye(2)[None], columns=1))["wide"]["svg"]))
    ink = [*to_rgb(DARK["#000000"]), 1]
    assert dark[0, 0] == pytest.approx(ink, abs=0.01) and dark[1, 1] == pytest.approx(ink, abs=0.01)
    assert dark[0, 1, 3] == dark[1, 0, 3] == 0


@pytest.mark.usefixtures("styled")
def test_tints_keep_their_strength_in_the_dark_and_what_is_written_on_them_is_light():
    light = forms(plots.confusion(np.array([[9, 4], [1, 8]]), "ab"))["wide"]["svg"]
    shown, _ = painted(light)
    dark, rest = painted(darkened(light))
    for i, j in ((0, 1), (1, 0)):
        assert dark[i, j, :3] == pytest.approx(to_rgb(DARK[COLORS["red"]]), abs=0.01)
        assert dark[i, j, 3] == pytest.approx(1 - shown[i, j, :3].min(), abs=0.01)
    assert dark[0, 0, 3] == dark[1, 1, 3] == 0
    assert COLORS["ink"] not in rest and COLORS["gray"] not in rest


@pytest.mark.usefixtures("styled")
def test_areas_of_classes_are_dark_with_their_points_on_them():
    figure, axes = plt.subplots()
    axes.contourf([[0, 0], [1, 1]], levels=[-0.5, 0.5, 1.5], colors=vector_figures.AREAS)
    axes.scatter([0, 1], [0, 1], color=COLORS["blue"])
    light = forms(figure)["wide"]["svg"]
    dark = darkened(light)
    for color in (*vector_figures.AREAS, COLORS["blue"]):
        assert color in light and color not in dark and DARK[color] in dark


@pytest.mark.parametrize("color", [COLORS["blue"], COLORS["red"]])
@pytest.mark.parametrize("area", vector_figures.AREAS)
def test_points_are_seen_on_dark_areas(color, area):
    assert (luminance(DARK[color]) + 0.05) / (luminance(DARK[area]) + 0.05) >= 3


def renderer(folder):
    """Return what the extension needs of myst-nb's renderer, and the warnings that it is given."""
    told = []

    def write_file(path, content, **options):
        (folder / path[0]).write_bytes(content)
        return f"/{path[0]}"

    options = {"alt": 'Two "lines" & a map'}
    return SimpleNamespace(
        renderer=SimpleNamespace(get_cell_level_config=lambda *a, **k: options),
        logger=SimpleNamespace(warning=lambda text, **options: told.append(text)),
        write_file=write_file,
        told=told,
    )


def test_a_page_has_both_themes_and_both_widths(figure, tmp_path):
    host = renderer(tmp_path)
    data = MimeData(MIME_TYPE, forms(figure))
    (node,) = vector_figures.FigureRenderer.handle_mime(host, data, False)
    builder = SimpleNamespace(
        outdir=str(tmp_path / "html"),
        imagedir="_images",
        imgpath="../_images",
        app=SimpleNamespace(srcdir=str(tmp_path)),
    )
    translator = SimpleNamespace(
        builder=builder,
        body=[],
        attval=escape,
    )
    with pytest.raises(vector_figures.nodes.SkipNode):
        vector_figures.visit(translator, node)
    html = "".join(translator.body)
    assert html.count("<picture class=") == 2
    assert html.count('alt="Two &quot;lines&quot; &amp; a map"') == 2
    files = set(re.findall(r"_images/(\w+\.svg)", html))
    assert len(files) == 4
    assert {path.name for path in (tmp_path / "html" / "_images").iterdir()} == files
    assert len(re.findall(r'width="\d+" height="\d+"', html)) == 4


def test_a_broken_figure_keeps_its_png_and_is_told(tmp_path):
    host = renderer(tmp_path)
    data = MimeData(MIME_TYPE, {"error": "ValueError: no"})
    assert vector_figures.FigureRenderer.handle_mime(host, data, False) == []
    assert host.told == ["a figure is shown as PNG, since its drawing failed: ValueError: no"]
    png = MimeData("image/png", "")
    assert vector_figures.FigureRenderer.handle_mime(host, png, False) is None


def test_only_pages_prefer_the_forms(monkeypatch):
    monkeypatch.setattr(
        "myst_nb.core.render.load_mime_renders", lambda: [vector_figures.FigureRenderer]
    )
    assert get_mime_priority("html", [])[0] == MIME_TYPE
    for builder in ("epub", "latex"):
        assert MIME_TYPE not in get_mime_priority(builder, [])
