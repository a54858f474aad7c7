"""Every page, in a browser: quiet, light, within its window, accessible, also without scripts."""

import re
from contextlib import contextmanager

import pytest
import site_checks
from accessibility import violations
from bs4 import BeautifulSoup
from build_book import ROOT

DOCUMENTS = site_checks.documents(ROOT)
PAGES = [f"{name}.html" for name in DOCUMENTS]
CHAPTERS = [f"book/{name}.html" for name in site_checks.chapters(ROOT)]
GENERATED = ["search.html", "genindex.html"]
WIDTHS = [1280, 768, 390]
NARROWEST = 320
"""A window of 1280 px at 400 %."""
THEMES = ["light", "dark"]
HEAVIEST = 900_000
MOST_REQUESTS = 25
LARGEST_SHIFT = 0.02

WIDER_THAN = """(selector) => [...document.querySelectorAll(selector)]
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)
  .map((e) => e.textContent.trim().slice(0, 80))"""
SMALL = """() => [...document.querySelectorAll("article svg text")]
  .filter((e) => e.checkVisibility() && e.textContent.trim())
  .map((e) => [parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a, e.textContent])
  .filter(([size]) => size < 9)"""
PLACES = """() => [...document.querySelectorAll("figure:has(.only-narrow)")].map((figure) => [
  ...[".only-wide", ".only-narrow"].map((name) => figure.querySelector(name).checkVisibility()),
  [...figure.querySelectorAll("source")].some((source) => matchMedia(source.media).matches)])"""
OVERFLOWING = "document.documentElement.scrollWidth - innerWidth"
ALONE = """() => [...document.querySelectorAll("dt.sig")].filter((e) => {
  const sign = (node) => /^[,)]/.test(node.textContent.trim());
  return [...e.childNodes].some((node, i) => sign(node) && e.childNodes[i - 1]?.matches?.("em"));
}).map((e) => e.textContent)"""
"""Signatures with a sign that may stand alone in a line, since it is in no parameter."""
BROKEN = """() => {
  const found = [], texts = document.createTreeWalker(document.querySelector("article"), 4);
  const top = (text, at) => {
    const range = document.createRange();
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect().top;
  };
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    if (text.parentElement.closest("a, code, pre, svg, script")) continue;
    for (const { index } of text.data.matchAll(/(?<=\\w)[-\u2013\u2212](?=\\d)/g))
      if (text.parentElement.checkVisibility() && top(text, index + 1) > top(text, index) + 6)
        found.push(text.data.slice(Math.max(0, index - 20), index + 20));
  }
  return found;
}"""
"""Numbers that a line breaks at a hyphen, a dash or a sign of minus."""
FOR_TERMINALS = re.compile(r"\^|->|\bn_(?:in|out)\b|(?:^|[\s([])-\d|\w'\w| - [\d(]")
"""Marks that a terminal shows for powers, arrows, indices, signs of minus and apostrophes."""
FOLDER = pytest.mark.parametrize("folder", [False, True], ids=["served", "folder"])


OPEN = """(selector) => {
  window.folded = [...document.querySelectorAll(selector)].filter((box) => !box.open);
  for (const box of window.folded) box.open = true;
}"""


@contextmanager
def unfolded(page, selector):
    """Open boxes that are folded, for a look."""
    page.evaluate(OPEN, selector)
    try:
        yield
    finally:
        page.evaluate("for (const box of window.folded) box.open = false")


@FOLDER
@pytest.mark.parametrize("name", PAGES + GENERATED)
def test_a_page_is_quiet_and_asks_nothing_of_others(opened, name, folder, site, served):
    assert opened.complaints == []
    assert opened.failures == []
    own = (served, site.as_uri(), "data:")
    assert [url for url in opened.requests if not url.startswith(own)] == []
    assert len(opened.requests) == len(set(opened.requests)), "something is loaded twice"


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_first_view_of_a_chapter_is_light(opened, name):
    assert len(opened.requests) <= MOST_REQUESTS
    assert opened.size <= HEAVIEST


@pytest.mark.parametrize("width", [*WIDTHS, NARROWEST])
@pytest.mark.parametrize("name", PAGES + GENERATED)
def test_nothing_is_wider_than_the_window_and_nothing_jumps(opened, name, width):
    assert opened.page.evaluate(OVERFLOWING) <= 0
    assert opened.shift < LARGEST_SHIFT


@pytest.mark.parametrize("name", PAGES)
def test_no_code_scrolls_on_a_laptop(opened, name):
    with unfolded(opened.page, "details"):
        assert opened.page.evaluate(WIDER_THAN, "article .highlight > pre") == []


@pytest.mark.parametrize("name", PAGES)
def test_no_table_scrolls_on_a_laptop(opened, name):
    assert opened.page.evaluate(WIDER_THAN, "article .scrolls") == []


def test_the_keyboard_scrolls_a_table_that_is_wider_than_a_phone(visit):
    page = visit("book/api/activations.html", 390).page
    wide = page.evaluate(WIDER_THAN, "article .scrolls")
    assert len(wide) == page.locator("article .scrolls[tabindex='0']").count() > 0


@pytest.mark.view(width=390)
@pytest.mark.parametrize("name", PAGES)
def test_no_number_breaks_on_a_phone_and_no_sign_of_a_signature_stands_alone(opened, name):
    with unfolded(opened.page, "article details"):
        assert opened.page.evaluate(BROKEN) == []
        assert opened.page.evaluate(ALONE) == []


@pytest.mark.parametrize("name", PAGES)
def test_no_text_has_marks_of_a_terminal(site, name):
    page = BeautifulSoup((site / name).read_text(encoding="utf-8"), "html.parser")
    for apart in page.find_all(["code", "pre", "svg", "math", "script"]) + page.select("dt.sig"):
        apart.decompose()
    texts = [str(text) for text in page.article.find_all(string=True)]
    assert [text for text in texts if FOR_TERMINALS.search(text)] == []


@pytest.mark.view(width=390)
@pytest.mark.parametrize("name", PAGES)
def test_no_text_of_a_drawing_is_small_on_a_phone(opened, name):
    assert opened.page.evaluate(SMALL) == []


def test_entries_of_the_index_take_the_width_of_a_phone(visit):
    cells = visit("genindex.html", 390).page.locator(".indextable td")
    assert min(cell.bounding_box()["width"] for cell in cells.all()[:9]) > 300


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", PAGES + GENERATED)
def test_axe_finds_nothing(opened, name, theme):
    assert violations(opened.page) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_read_without_scripts(visit, name):
    opened = visit(name, java_script_enabled=False)
    assert opened.page.locator("h1").is_visible()
    assert not opened.page.locator("#theme").is_visible()
    assert opened.page.locator("main").inner_text().count(" ") > 50


@pytest.mark.parametrize("width", WIDTHS)
def test_a_caption_names_panels_where_they_stand(visit, width):
    """The words *Left* and *Top* are exchanged where the drawings are."""
    opened = visit("book/overfitting.html", width)
    shown = opened.page.evaluate(PLACES)
    assert len(shown) >= 4
    for wide_words, narrow_words, narrow_drawing in shown:
        assert narrow_words is narrow_drawing is not wide_words
    assert any(row[2] for row in shown) is (width == 390)
