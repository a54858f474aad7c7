"""Every character of a page is in the font that it is set in, or is named here."""

import re
from collections import defaultdict
from html.parser import HTMLParser

import pytest
from browser import SHIFT
from build_book import ROOT
from fontTools.ttLib import TTFont

FOLDER = ROOT / "book" / "_theme" / "course" / "static" / "fonts"
FONTS = {
    "text": ["source-serif-4", "source-serif-4-italic", "source-sans-3"],
    "code": ["jetbrains-mono"],
    "formula": ["stix-two-math"],
}
ELSEWHERE = {
    "text": "",
    "code": "εη∂∞⁰⁴⁵⁶⁷⁸⁹⁻",  # names of axes and powers of ten, in code that draws
    "formula": "\ufe00",  # asks for a form of the sign before it
}
"""Characters that may come from a font of the reader's system."""
CHINESE = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uff65]")
"""Lines of poems, in code alone: a font of the site's own would weigh more than a chapter."""
CODE = {"code", "pre", "kbd", "samp"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Reader(HTMLParser):
    """Keeps the characters of pages by the sort of text, each with a page that has it.

    It follows the tags itself: a tree of every page would take ten times as long.
    """

    def __init__(self):
        """Begin with no page."""
        super().__init__()
        self.found = defaultdict(dict)

    def read(self, path, name):
        """Add the characters of a page."""
        self.name, self.around = name, []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.around == [], f"{name} leaves {self.around} open"
        self.reset()

    def handle_starttag(self, tag, attributes):
        """Go into an element."""
        if tag not in VOID:
            self.around.append(tag)

    def handle_endtag(self, tag):
        """Leave an element."""
        if tag not in VOID:
            assert self.around.pop() == tag, f"{self.name}: a {tag} is closed that is not open"

    def handle_data(self, text):
        """Keep what is shown."""
        around = set(self.around)
        if "body" in around and not around & {"script", "style", "annotation"}:
            sort = "formula" if "math" in around else "code" if around & CODE else "text"
            for character in set(text) - self.found[sort].keys():
                self.found[sort][character] = self.name


@pytest.fixture(scope="module")
def characters(site):
    """Return the characters of all pages by the sort of text, each with a page that has it."""
    reader = Reader()
    for path in sorted(site.rglob("*.html")):
        reader.read(path, path.relative_to(site).as_posix())
    return reader.found


@pytest.mark.parametrize("sort", FONTS)
def test_every_character_is_in_its_font(characters, sort):
    missing = {
        (font, character): page
        for font in FONTS[sort]
        for known in [set(map(chr, TTFont(FOLDER / f"{font}.woff2").getBestCmap()))]
        for character, page in characters[sort].items()
        if character.isprintable() and character not in known | set(ELSEWHERE[sort])
        if sort != "code" or not CHINESE.match(character)
    }
    assert missing == {}


@pytest.mark.parametrize("sort", FONTS)
def test_what_is_named_is_on_a_page(characters, sort):
    assert set(ELSEWHERE[sort]) <= set(characters[sort])


FORMULAS = "book/api/meanfield.html"
"""A page that begins with formulas."""


@pytest.mark.parametrize("name", ["index.html", FORMULAS])
def test_text_does_without_fonts_that_come_after_a_second_and_never_moves(browser, served, name):
    window = browser.new_context(viewport={"width": 1280, "height": 800})
    page, held = window.new_page(), []
    page.route("**/*.woff2", lambda route: held.append(route))
    page.goto(f"{served}{name}", wait_until="domcontentloaded")
    page.wait_for_selector("html.without-fonts", state="attached")
    for route in held:
        route.continue_()
    page.wait_for_timeout(1000)
    assert page.evaluate(SHIFT) == 0
    assert page.locator("html.without-fonts:not(.settling)").count() == 1
    assert "Source" not in page.evaluate("getComputedStyle(document.body).fontFamily")
    window.close()


PATIENT = """const { setTimeout } = window;
window.setTimeout = (call, after, ...rest) =>
  after === 900 ? 0 : setTimeout(call, after, ...rest);"""
"""A page that never gives fonts up, however slow the machine is."""


@pytest.mark.parametrize("late", ["source-serif-4.woff2", "stix-two-math.woff2"])
def test_text_waits_for_the_last_of_its_fonts(browser, served, late):
    window = browser.new_context(viewport={"width": 1280, "height": 800})
    page, held = window.new_page(), []
    page.add_init_script(PATIENT)
    page.route(f"**/{late}", lambda route: held.append(route))
    page.goto(f"{served}{FORMULAS}", wait_until="domcontentloaded")
    page.wait_for_timeout(500)
    assert page.locator("html.settling").count() == len(held) == 1
    for route in held:
        route.continue_()
    page.wait_for_selector("html:not(.settling)", state="attached")
    assert page.evaluate(SHIFT) == 0
    window.close()
