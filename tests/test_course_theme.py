"""The theme: what its templates are told, folding without scripts, and colors that can be read."""

import re
import subprocess
from types import SimpleNamespace

import course_theme
import page_repairs
import pytest
import vector_figures
from docutils import nodes
from downloads import Repository

STYLE = (course_theme.THEME / "static" / "course.css").read_text(encoding="utf-8")
TOKENS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\);", STYLE)
}


def luminance(color):
    """Return the relative luminance of a color, as WCAG 2.2 defines it."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """Return the contrast of two colors, from 1 to 21."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


SURFACES = {
    "page": ["text", "muted", "link", "accent", "holds", "holds-if", "fails"],
    "surface": ["text", "muted", "link"],
    "raised": ["text", "muted"],
    "code": ["text", "keyword", "string", "number", "comment", "name", "link"],
    "holds-surface": ["text", "muted", "holds", "link"],
    "holds-if-surface": ["text", "muted", "holds-if", "link"],
    "fails-surface": ["text", "muted", "fails", "link"],
    "mark": ["text"],
}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("surface", SURFACES)
def test_text_can_be_read(surface, theme):
    pairs = [(ink, TOKENS[ink][theme], TOKENS[surface][theme]) for ink in SURFACES[surface]]
    found = {ink: round(contrast(one, other), 2) for ink, one, other in pairs}
    assert min(found.values()) >= 4.5, found


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["focus", *(f"series-{n}" for n in range(1, 7))])
def test_lines_can_be_seen(name, theme):
    assert contrast(TOKENS[name][theme], TOKENS["page"][theme]) >= 3


@pytest.mark.parametrize("name", ["page", *(f"series-{n}" for n in range(1, 7))])
def test_figures_have_the_colors_of_the_page(name):
    light, dark = TOKENS[name]
    if name == "page":  # figures are drawn on white
        light = "#ffffff"
    assert vector_figures.DARK[light] == dark


def test_every_color_of_the_style_sheet_is_a_token():
    body = STYLE[STYLE.index('[data-theme="light"]') : STYLE.index("/* Paper. */")]
    assert re.findall(r"#[0-9a-f]{3,8}\b", body) == []
    assert set(re.findall(r"var\(--([\w-]+)\)", STYLE)) <= {
        *TOKENS,
        *["serif", "sans", "mono", "ink", "tint", "sign", "cover"],
    }


@pytest.mark.parametrize("font", sorted(set(re.findall(r"fonts/[\w-]+\.woff2", STYLE))))
def test_every_font_is_there(font):
    file = course_theme.THEME / "static" / font
    assert file.read_bytes()[:4] == b"wOF2"


def test_every_font_has_its_license():
    folder = course_theme.THEME / "static" / "fonts"
    for font in folder.glob("*.woff2"):
        license_file = folder / f"{font.stem.removesuffix('-italic')}-OFL.txt"
        assert "SIL OPEN FONT LICENSE" in license_file.read_text(encoding="utf-8").upper()


def test_colored_code_has_its_colors():
    assert {c for c in page_repairs.COLORED if not re.search(rf"\.{c}\b", STYLE)} == set()


def test_a_page_has_a_title_of_its_own():
    titled = course_theme.page_title('<span class="n">1. </span>A <em>b</em>', "Book")
    assert titled == "1. A b · Book"
    assert course_theme.page_title("Book", "Book") == "Book"


@pytest.mark.parametrize("name", ["genindex", "py-modindex"])
def test_an_index_has_a_title_too(name):
    app = SimpleNamespace(
        env=SimpleNamespace(
            all_docs={},
            tocs={},
            course_commit="",
            course_repository=Repository("", "main"),
        ),
        config=SimpleNamespace(project="Book", html_baseurl="", author=""),
        builder=None,
    )
    context = {}
    course_theme.page_context(app, name, "", context, None)
    assert context["page_title"].endswith("Index · Book")


def document(*texts):
    """Return a document with these paragraphs."""
    found = nodes.document(None, None)
    found += [nodes.paragraph("", text) for text in texts]
    return found


def test_a_description_is_the_first_paragraph_in_whole_words():
    assert course_theme.description(None) == ""
    assert course_theme.description(document()) == ""
    assert course_theme.description(document("One\n two.", "Three.")) == "One two."
    formula = document("", "Words.")
    formula[0] += nodes.math("", "x")
    assert course_theme.description(formula) == "Words."
    told = course_theme.description(document("word " * 50))
    assert re.fullmatch(r"(word )+…", told) and len(told) <= course_theme.LONGEST + 2


def test_files_of_other_themes_are_left_out():
    mine = ["_static/course.css", "_static/../styles/x.css", "course.js", "course-words.js"]
    assert [name for name in [*mine, "_static/basic.css", None] if course_theme.own(name)] == mine


def test_the_commit_is_that_of_the_repository_or_nothing(monkeypatch, tmp_path):
    assert re.fullmatch(r"[0-9a-f]{9,}", course_theme.commit())
    monkeypatch.setattr(course_theme, "ROOT", tmp_path)
    assert course_theme.commit() == ""

    def missing(*arguments, **options):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", missing)
    assert course_theme.commit() == ""


def test_a_changed_extension_has_another_digest(monkeypatch, tmp_path):
    monkeypatch.setattr(course_theme, "__file__", str(tmp_path / "course_theme.py"))
    told = []
    for name, text in [("a.py", "1"), ("a.py", "2"), ("b.py", ""), ("notes.txt", "no extension")]:
        (tmp_path / name).write_text(text, encoding="utf-8")
        told.append(course_theme.extensions_digest())
    assert len(set(told)) == 3 and told[2] == told[3]


def test_a_picture_for_previews_needs_the_address_of_the_site():
    assert course_theme.preview("") == ""
    assert course_theme.preview("https://x.org/y/") == "https://x.org/y/_static/preview.png"


def nested(depth):
    """Return lists within lists, each with one entry."""
    entry = nodes.list_item("", nodes.paragraph("", f"level {depth}"))
    if depth < 5:
        entry += nested(depth + 1)
    return nodes.bullet_list("", entry)


def test_deep_levels_of_the_contents_are_left_out():
    told = course_theme.pruned(nested(1), depth=2).astext()
    assert "level 2" in told and "level 3" not in told
