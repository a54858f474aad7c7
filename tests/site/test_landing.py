"""The first page, the explorer and the foot, in a browser."""

import json
import re

import pytest
from test_pages import CHAPTERS, DOCUMENTS, FOLDER, GENERATED, PAGES, THEMES, WIDTHS

EXPLORER = "book/explorer.html"
DESCRIPTION = "document.querySelector('meta[name=description]')?.content ?? ''"


def boxes(page, selector):
    """Return where elements are."""
    return [found.bounding_box() for found in page.locator(selector).all()]


# The first page.


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_picture_stands_in_the_first_view_side_by_side_or_stacked(visit, width, theme):
    page = visit("index.html", width, theme).page
    left, right = boxes(page, ".promise > svg")
    stacked = right["y"] > left["y"]
    assert stacked == (width < 600)
    assert left["width"] > 300 and left["y"] < 700
    ink, ground = page.evaluate(
        """() => [".promise .title", "body"].map((selector) => {
          const style = getComputedStyle(document.querySelector(selector));
          return selector === "body" ? style.backgroundColor : style.fill;
        })"""
    )
    light = [sum(map(int, re.findall(r"\d+", color))) > 384 for color in (ink, ground)]
    assert light == [theme == "dark", theme == "light"]


def test_the_picture_follows_the_switch_of_the_page(visit):
    page = visit("index.html").page
    fill = "getComputedStyle(document.querySelector('.promise .title')).fill"
    before = page.evaluate(fill)
    page.locator("#theme").click()
    assert page.evaluate(fill) != before


def test_letters_of_the_picture_can_be_read_on_a_phone(visit):
    page = visit("index.html", 390).page
    assert min(box["height"] for box in boxes(page, ".promise text")) >= 12


def test_the_map_leads_to_every_document_and_tells_times(visit):
    page = visit("index.html").page
    cards = page.locator(".chapter-map > li")
    mapped = [name for name in DOCUMENTS[1:] if not name.startswith("book/api/")]
    assert cards.count() == len(mapped)
    links = [link.get_attribute("href") for link in page.locator(".chapter-link").all()]
    assert [f"{name}.html" for name in mapped] == links
    for name, text in zip(mapped, cards.all_inner_texts(), strict=True):
        if f"{name}.html" in CHAPTERS:
            assert re.search(r"\d+ min to read, [\d.]+ (s|min) to run", text)
    cards.nth(1).click(position={"x": 20, "y": 60})  # all of a card is its link
    assert page.url.endswith("book/functions.html")


def test_commands_can_be_copied(visit):
    page = visit("index.html", permissions=["clipboard-read", "clipboard-write"]).page
    block = page.locator(".highlight", has_text="make book").first
    block.hover()
    block.locator(".copy").click()
    assert page.evaluate("navigator.clipboard.readText()") == "make book"


# What others see of a page.


def test_every_page_has_a_title_and_a_description_of_its_own(visit, served):
    titles, descriptions = [], []
    page = visit(PAGES[0]).page
    for name in PAGES:
        page.goto(served + name, wait_until="load")
        titles.append(page.title())
        descriptions.append(page.evaluate(DESCRIPTION))
    assert len(set(titles)) == len(titles)
    assert len(set(descriptions)) == len(descriptions)
    assert min(map(len, descriptions)) >= 40


@pytest.mark.parametrize("name", GENERATED)
def test_an_index_has_a_title_too(visit, name):
    assert re.match(r"\w+ · Why Networks Bend$", visit(name).page.title())


def test_without_an_address_of_the_site_no_picture_is_promised(visit):
    page = visit("index.html").page
    assert page.locator("meta[property='og:image']").count() == 0
    assert page.locator("meta[property='og:title']").count() == 1


@FOLDER
def test_a_notebook_can_be_downloaded(visit, folder, tmp_path):
    page = visit(CHAPTERS[0], folder=folder).page
    with page.expect_download() as started:
        page.get_by_role("link", name="Download the notebook").click()
    assert started.value.suggested_filename == "necessity.ipynb"
    started.value.save_as(tmp_path / "chapter.ipynb")
    notebook = json.loads((tmp_path / "chapter.ipynb").read_text(encoding="utf-8"))
    assert "pip install" in "".join(notebook["cells"][0]["source"])


def test_a_notebook_without_its_script_is_shown(visit):
    page = visit(CHAPTERS[0], folder=True).page
    page.evaluate("document.querySelector('a[download]').dataset.script = 'missing.js'")
    page.get_by_role("link", name="Download the notebook").click()
    page.wait_for_url("**/necessity.ipynb")


def test_the_foot_tells_version_and_commit(visit):
    foot = visit("index.html").page.locator("footer .made").inner_text()
    assert re.fullmatch(r"Version \d+\.\d+\.\d+, commit [0-9a-f]{9,}", foot)


# The explorer.


@FOLDER
def test_the_explorer_shows_what_a_link_asks_for(visit, folder):
    minus = "−" if folder else "-"  # as it is typed, and as the page shows it
    page = visit(f"{EXPLORER}#f=gelu&g=relu&x={minus}0.75", folder=folder).page
    assert page.get_by_label("Function f").input_value() == "gelu"
    assert page.get_by_label("Compare with g").input_value() == "relu"
    assert "x = −0.75" in page.locator(".reading").inner_text()
    assert not page.locator(".unknown").is_visible()


@FOLDER
def test_what_is_chosen_stands_in_the_address(visit, folder):
    page = visit(EXPLORER, folder=folder).page
    page.get_by_label("Function f").select_option("tanh")
    page.get_by_label("Compare with g").select_option("sigmoid")
    page.get_by_label("Input x").focus()
    page.keyboard.press("ArrowLeft")
    assert page.url.endswith("#f=tanh&g=sigmoid&x=0.95")


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("f=geluu", ["“geluu”", "Did you mean gelu", "Expected: ", "softplus"]),
        ("f=nothing-like-it", ["“nothing-like-it”", "Expected: "]),
        ("g=Relu", ["“Relu”", "Did you mean relu?"]),
        ("f=GELU", ["“GELU”", "Did you mean gelu?"]),
        ("x=7", ["“7”", "from −6 to 6"]),
        ("x=left", ["“left”", "from −6 to 6"]),
        ("h=relu", ["“h”", "f, g and x"]),
    ],
)
def test_an_unknown_state_is_answered_in_a_sentence(visit, state, told):
    opened = visit(f"{EXPLORER}#{state}")
    sentence = opened.page.locator(".unknown").inner_text()
    assert [part for part in told if part not in sentence] == []
    assert opened.complaints == []
    assert opened.page.locator(".activation-explorer svg").is_visible()
    opened.page.get_by_label("Function f").select_option("relu")
    assert not opened.page.locator(".unknown").is_visible()


def test_a_place_on_the_page_is_no_state(visit):
    assert not visit(f"{EXPLORER}#main").page.locator(".unknown").is_visible()


def test_the_explorer_answers_to_the_keyboard(visit):
    page = visit(EXPLORER).page
    page.get_by_label("Function f").focus()
    page.keyboard.press("ArrowDown")
    before = page.locator(".known strong").first.inner_text()
    assert before != "f = sigmoid"
    for _ in range(2):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "range"


def test_without_scripts_the_explorer_is_a_drawing(visit):
    page = visit(EXPLORER, 390, java_script_enabled=False).page
    drawing = page.locator(".activation-explorer > svg")
    assert drawing.is_visible()
    assert "Without JavaScript" in page.locator(".activation-explorer").inner_text()
    assert min(box["height"] for box in boxes(page, ".activation-explorer text")) >= 10
    assert page.locator(".activation-explorer select").count() == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_labels_of_the_explorer_do_not_collide(visit, width):
    page = visit(f"{EXPLORER}#f=gelu&g=silu", width).page
    places = boxes(page, ".activation-explorer svg text")
    for i, one in enumerate(places):
        for other in places[i + 1 :]:
            across = min(one["x"] + one["width"], other["x"] + other["width"]) - max(
                one["x"], other["x"]
            )
            down = min(one["y"] + one["height"], other["y"] + other["height"]) - max(
                one["y"], other["y"]
            )
            assert across <= 1 or down <= 3, (one, other)


def test_the_chapter_leads_to_the_explorer(visit):
    page = visit("book/functions.html").page
    assert page.locator(".activation-explorer").count() == 0
    assert page.locator("article a[href='explorer.html']").count() >= 1
