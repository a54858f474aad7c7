"""The reference and its links in the built site, and cards by mouse, keyboard and finger."""

import re
from importlib import import_module

import pytest

import course_lib

MODULES = [*course_lib.__all__, *course_lib._OPTIONAL, "numerics", "pairs"]
CHAPTER = "book/functions.html"
CARD = "#card"


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_one_anchor_and_a_source(site, module):
    page = (site / "book" / "api" / f"{module}.html").read_text(encoding="utf-8")
    for name in import_module(f"course_lib.{module}").__all__:
        full = f"course_lib.{module}.{name}"
        assert page.count(f'id="{full}"') == 1, full
        entry = page.partition(f'id="{full}"')[2].partition("</dt>")[0]
        assert re.search(r'class="source[^>]*href="[^"]+#|href="[^"]+#[^>]*source', entry), full


def test_a_function_names_the_sections_that_teach_it(visit):
    page = visit("book/api/activations.html").page
    entry = page.locator('dt[id="course_lib.activations.gelu"] + dd')
    links = entry.locator(".taught a")
    assert 1 <= links.count() <= 3
    assert re.match(r"[1-6]\.\d+ \w", links.first.inner_text())
    links.first.click()
    assert re.search(r"/book/[a-z]+\.html#[a-z-]+$", page.url)


def test_code_links_to_the_reference_and_that_to_the_source(visit):
    page = visit(CHAPTER).page
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    page.locator(".cell_input a[href$='#course_lib.activations.sigmoid']").nth(1).click()
    assert page.url.endswith("book/api/activations.html#course_lib.activations.sigmoid")
    page.locator('dt[id="course_lib.activations.sigmoid"] a.source').click()
    assert page.locator("h1").inner_text() == "Source of course_lib.activations.sigmoids"
    assert "def sigmoid(" in page.locator("article pre").inner_text()
    page.locator("[id='course_lib.activations.sigmoid']").click()
    assert page.url.endswith("activations.html#course_lib.activations.sigmoid")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("kind", ["a.term", "a[href*='bibliography.html#']"])
def test_a_card_shows_by_the_mouse_and_goes_by_escape(visit, kind, width):
    page = visit(CHAPTER, width).page
    link = page.locator(f"article {kind}").first
    link.hover()
    page.wait_for_selector(CARD, state="visible")
    assert len(page.locator(CARD).inner_text()) > 30
    box = page.locator(CARD).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= page.evaluate("document.body.clientWidth")
    page.keyboard.press("Escape")
    assert page.locator(CARD).is_hidden()


def test_a_card_shows_by_the_keyboard_and_describes_its_link(visit):
    page = visit(CHAPTER).page
    link = page.locator("article a.term").first
    link.focus()
    assert page.locator(CARD).is_visible()
    assert link.get_attribute("aria-describedby") == "card"
    page.keyboard.press("Escape")
    assert page.locator(CARD).is_hidden()
    assert link.get_attribute("aria-describedby") is None


def test_a_card_stays_while_the_pointer_is_on_it(visit):
    page = visit(CHAPTER).page
    page.locator("article a.term").first.hover()
    page.wait_for_selector(CARD, state="visible")
    page.locator(CARD).hover()
    page.wait_for_timeout(400)
    assert page.locator(CARD).is_visible()
    page.mouse.move(5, 400)
    page.wait_for_selector(CARD, state="hidden")


def test_the_first_tap_shows_a_card_and_the_second_follows(visit):
    page = visit(CHAPTER, 390, has_touch=True).page
    link = page.locator("article a.term").first
    link.tap()
    assert page.locator(CARD).is_visible()
    assert page.url.endswith(CHAPTER)
    link.tap()
    page.wait_for_url("**/glossary.html#term-*")


def test_without_scripts_the_definition_is_the_title(visit):
    page = visit(CHAPTER, java_script_enabled=False).page
    assert len(page.locator("article a.term").first.get_attribute("title")) > 30


def test_a_claim_in_the_glossary_shows_its_verdict(visit):
    page = visit("book/glossary.html").page
    page.locator("article a[href*='#claim-']").first.focus()
    assert re.match(r"(Holds|Holds if|Fails): ", page.locator(CARD).inner_text())
