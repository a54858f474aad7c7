"""The search, in a browser: what it finds, how it tells it, and where a hit leads."""

import json
import re
from urllib.parse import quote

import pytest
import site_search
from accessibility import violations
from test_pages import FOLDER, OVERFLOWING, THEMES

LARGEST_INDEX = 20_300  # bytes for each page of the book, as when 650,000 were for 32 pages
FROM_TOP = "(place) => document.getElementById(place).getBoundingClientRect().top"


@pytest.fixture(scope="module")
def index(site):
    """Return the index as the script has it."""
    script = (site / "_static" / site_search.INDEX).read_text(encoding="utf-8")
    return json.loads(script.removeprefix("window.COURSE_SEARCH=").removesuffix(";\n"))


@pytest.fixture
def find(visit):
    """Return a function that opens the search page with a question."""

    def ask(asked, **options):
        return visit(f"search.html?q={quote(asked)}", **options)

    return ask


def told(opened):
    """Return what the page says that it found."""
    return opened.page.locator("#search-count").inner_text()


def links(opened):
    """Return the titles and the addresses of the hits that are shown."""
    return opened.page.evaluate(
        "[...document.querySelectorAll('#hits a')].map((a) => `${a.textContent} ${a.href}`)"
    )


FINDS = {  # what is asked, a pattern that one of the first five hits has, and a word that is marked
    "σ": ("sigmoid", "σ"),
    "ς": ("sigmoid", "σ"),
    "kaiming": ("initializ", "He"),
    "backprop": ("propagation.html", "Backpropagation"),
    "he_normal": ("initializ", "He"),
    "relu": (r"\.relu |relu\.html", "relu"),
    "RELU": (r"\.relu |relu\.html", "relu"),
    "log-sum-exp": ("logsumexp", "logsumexp"),
    "dead units": (r"Dead units .*gradients.html\?marked=[\w+]+#dead-units", "Dead"),
    "how to saturate": ("satur", "saturated"),
    "Jastrzebski": (r"bibliography.html\?.*#", "Jastrzębski"),
    "course_lib.network.mlp": ("mlp", "mlp"),
    "activ": ("ctivation", "Activation"),
}


@FOLDER
@pytest.mark.parametrize("asked", FINDS)
def test_it_finds(find, asked, folder):
    opened = find(asked, folder=folder)
    assert opened.complaints == []
    pattern, word = FINDS[asked]
    assert re.search(pattern, "\n".join(links(opened)[:5]))
    marked = opened.page.locator("#hits mark").all_inner_texts()
    assert any(word.casefold() in mark.casefold() for mark in marked)
    assert re.fullmatch(rf"\d+ places? for “{asked}”\.", told(opened))


@FOLDER
def test_a_hit_in_a_folded_solution_opens_it(find, index, folder):
    page, place, _, _, text, _ = next(e for e in index["entries"] if e[2] == "solution")
    phrase = " ".join(re.findall(r"[a-z]+ [a-z]+ [a-z]+ [a-z]+", text)[:1])
    opened = find(f'"{phrase}"', folder=folder)
    address = index["pages"][page][0]
    hit = opened.page.locator(f'#hits a[href^="{address}?"][href$="#{place}"]')
    assert phrase in hit.locator("xpath=..").locator(".excerpt").inner_text()
    hit.click()
    opened.page.wait_for_load_state("load")
    solution = opened.page.locator(f'details[id="{place}"]')
    assert solution.get_attribute("open") is not None
    assert 0 <= opened.page.evaluate(FROM_TOP, place) < 400


def test_a_phrase_must_stand_as_it_is(find):
    assert links(find('"learning rate"'))
    assert links(find("rate learning")) and not links(find('"rate learning units"'))


@pytest.mark.parametrize("asked", ["what is it", "of the", '"!!!" relu', '" " relu'])
def test_small_words_alone_and_phrases_without_words_find_something(find, asked):
    assert links(find(asked))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("sigmiod", "sigmoid"), ("dropuot", "dropout"), ("overfiting", "overfitting")],
)
def test_a_typing_error_is_mended_and_told(find, typed, meant):
    opened = find(typed)
    assert f"Nothing was found for “{typed}”. Showing results for “{meant}”" in told(opened)
    assert links(opened)


@pytest.mark.parametrize("asked", ["qxzwvk", "sigmoid qxzwvk", "***"])
def test_nonsense_is_told_and_answered_with_what_to_try(find, asked):
    opened = find(asked)
    assert told(opened).startswith(f"Nothing was found for “{asked}”. Try fewer words")
    assert links(opened) == []
    assert opened.page.locator("main a[href='genindex.html']").first.is_visible()


def test_a_question_is_text_and_not_html(find):
    asked = "<script>alert(1)</script><img src=x onerror=alert(1)> qxzwvk"
    opened = find(asked)
    assert asked in told(opened)
    assert opened.complaints == [] and opened.failures == []
    assert opened.page.locator("main article :is(script, img)").count() == 0
    assert opened.page.locator("#query").input_value() == asked


def test_fifty_are_shown_and_more_on_demand(find):
    opened = find("activation")
    assert len(links(opened)) == 50
    opened.page.locator("#more").click()
    assert len(links(opened)) > 50
    assert opened.page.evaluate("document.activeElement.closest('li:nth-child(51)') !== null")


@FOLDER
def test_who_comes_back_finds_as_many_hits_as_were_shown(find, folder):
    page = find("activation", folder=folder).page
    page.locator("#more").click()
    page.locator("#hits a").nth(70).click()
    page.wait_for_url("**marked=**")
    page.go_back()
    page.wait_for_url("**search.html**")
    assert page.locator("#hits li").count() > 50
    page.locator("#query").fill("sigmoid")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=sigmoid")
    assert page.locator("#hits li").count() == 50


@FOLDER
def test_the_keyboard_is_enough(visit, folder):
    opened = visit("book/gradients.html", folder=folder)
    assert not any(site_search.INDEX in url for url in opened.requests)
    keyboard = opened.page.keyboard
    keyboard.press("/")
    keyboard.type("dead units")
    with opened.page.expect_navigation():
        keyboard.press("Enter")
    assert "search.html?q=dead+units" in opened.page.url
    opened.page.locator("#hits a").first.wait_for()
    for _ in range(60):
        keyboard.press("Tab")
        if opened.page.evaluate("document.activeElement.matches('#hits a')"):
            break
    with opened.page.expect_navigation():
        keyboard.press("Enter")
    assert re.search(r"book/gradients\.html\?marked=[\w+]+#dead-units$", opened.page.url)
    assert 0 <= opened.page.evaluate(FROM_TOP, "dead-units") < 200


# Where a hit leads.

SECTION = "book/gradients.html?marked={}#dead-units"
MARKS = "[...document.querySelectorAll('article mark')].map((mark) => mark.textContent)"
TEXT = "document.querySelector('article').textContent"


@FOLDER
def test_the_words_are_marked_where_a_hit_leads_until_escape(find, visit, folder):
    page = find("dead units", folder=folder).page
    page.locator("#hits a[href^='book/gradients.html'][href$='#dead-units']").click()
    page.wait_for_load_state("load")
    marks = page.evaluate(MARKS)
    assert {mark.casefold() for mark in marks} >= {"dead", "unit", "units"}
    inside = page.locator("#dead-units mark").count()
    assert inside == len(marks) > 5
    assert 0 <= page.evaluate(FROM_TOP, "dead-units") < 200
    page.keyboard.press("Escape")
    assert page.evaluate(MARKS) == []
    assert page.evaluate(TEXT) == visit(SECTION.format(""), folder=folder).page.evaluate(TEXT)
    assert page.locator(".unmark").count() == 0


def test_marks_that_are_taken_away_stay_away(visit):
    page = visit(SECTION.format("dead")).page
    page.evaluate("location.hash = 'summary'")
    before = page.evaluate("scrollY")
    page.locator(".unmark").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert abs(page.evaluate("scrollY") - before) < 5
    assert page.url.endswith("book/gradients.html#summary")
    page.reload()
    assert page.evaluate(MARKS) == []


@FOLDER
@pytest.mark.parametrize(
    "state",
    [
        quote("<img src=x onerror=alert(1)><script>alert(1)</script> qxzwvk"),
        "%",
        "%E0%A4%A",
        "",
        quote("qxzwvk " * 2000),
        "dead&marked=%22%3E%3Cb%3E",
    ],
)
def test_a_hostile_state_is_text(visit, state, folder):
    opened = visit(SECTION.format(state), folder=folder)
    assert opened.complaints == [] and opened.failures == []
    assert opened.page.locator("article :is(script, b)").count() == 0
    assert opened.page.evaluate(TEXT) == visit("book/gradients.html").page.evaluate(TEXT)


@pytest.mark.parametrize("place", ["%", "%E0%A4%A", "nowhere", "main", "<b>"])
def test_a_place_that_is_none_marks_the_page(visit, place):
    opened = visit(f"book/gradients.html?marked=dead#{place}")
    assert opened.complaints == []
    assert len(opened.page.evaluate(MARKS)) > opened.page.locator("#dead-units mark").count() > 0
    opened.page.click("#theme")  # the rest of the page works
    assert opened.page.get_attribute("html", "data-theme") == "dark"


def test_a_name_of_the_library_and_a_folded_solution_are_marked(visit, index):
    page = visit("book/api/activations.html?marked=gelu#course_lib.activations.gelu").page
    assert page.locator("dt[id='course_lib.activations.gelu'] mark").count() >= 1
    assert page.locator("dt[id='course_lib.activations.relu'] mark").count() == 0
    number, place, *_ = next(e for e in index["entries"] if e[2] == "solution")
    page = visit(f"{index['pages'][number][0]}?marked=the#{place}").page
    assert page.locator(f"details[id='{place}'] mark").first.is_visible()


def test_a_symbol_in_a_formula_is_marked_with_its_formula(visit):
    page = visit("book/functions.html?marked=σ").page
    assert page.locator("math.marked").count() > 3
    assert page.locator("math mark").count() == 0
    page.keyboard.press("Escape")
    assert page.locator("math.marked").count() == 0


@pytest.mark.parametrize("theme", THEMES)
def test_marks_can_be_read_by_everyone(visit, theme):
    opened = visit("book/gradients.html?marked=activation+dead+unit+import+relu", theme=theme)
    opened.page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert len(opened.page.evaluate(MARKS)) > 50
    assert violations(opened.page) == []


def test_without_scripts_a_hit_leads_to_its_place_and_marks_nothing(visit):
    page = visit(SECTION.format("dead"), java_script_enabled=False).page
    box = page.locator("#dead-units").bounding_box()
    assert 0 <= box["y"] < 200
    assert page.locator("article mark, .unmark").count() == 0


# Without words, without scripts, without an index.


def test_the_empty_page_waits_for_words(visit):
    opened = visit("search.html")
    assert opened.page.evaluate("document.activeElement.id") == "query"
    assert told(opened) == ""
    opened.page.keyboard.press("Enter")
    assert opened.page.url.endswith("search.html")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("asked", ["softmax", "sigmiod", "qxzwvk"])
def test_results_can_be_read_by_everyone(find, asked, width, theme):
    opened = find(asked, width=width, theme=theme)
    assert violations(opened.page) == []
    assert opened.page.evaluate(OVERFLOWING) <= 0


def test_without_scripts_it_says_where_to_look(visit):
    opened = visit("search.html", java_script_enabled=False)
    assert "needs JavaScript" in opened.page.locator("main").inner_text()
    assert opened.page.locator("main a[href='genindex.html']").first.is_visible()
    assert not opened.page.locator("#query").is_visible()


@pytest.mark.parametrize("name", [site_search.INDEX, "vendor/minisearch.js", "course-words.js"])
def test_a_script_that_does_not_load_is_told(browser, served, name):
    with browser.new_context() as window:
        page = window.new_page()
        page.route(f"**/{name}*", lambda route: route.abort())
        page.goto(f"{served}search.html?q=relu")
        assert "did not load" in page.locator("#search-count").inner_text()


def test_the_index_is_not_too_large(site, index):
    size = (site / "_static" / site_search.INDEX).stat().st_size
    assert size <= LARGEST_INDEX * len(index["pages"])


def test_every_page_has_entries_and_every_entry_has_its_place(site, index):
    assert {entry[0] for entry in index["entries"]} == set(range(len(index["pages"])))
    for number, (address, title) in enumerate(index["pages"]):
        html = (site / address).read_text(encoding="utf-8")
        places = {entry[1] for entry in index["entries"] if entry[0] == number and entry[1]}
        assert title and not {place for place in places if f'id="{place}"' not in html}


def test_every_group_of_synonyms_leads_somewhere(index):
    text = " ".join(f"{e[1]} {e[3]} {e[4]}" for e in index["entries"]).casefold()
    assert [g for g in index["synonyms"] if not any(w.casefold() in text for w in g)] == []
