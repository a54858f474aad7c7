"""The switches of the bar: light or dark, text only; the menu; copying; what is linked opens."""

from test_pages import FOLDER

PAGE = "book/necessity.html"
BACKGROUND = "getComputedStyle(document.body).backgroundColor"


@FOLDER
def test_the_choice_of_colors_lasts(visit, folder):
    page = visit(PAGE, folder=folder).page
    light = page.evaluate(BACKGROUND)
    page.click("#theme")
    dark = page.evaluate(BACKGROUND)
    assert dark != light
    page.reload()
    assert page.evaluate(BACKGROUND) == dark
    assert page.get_attribute("#theme", "aria-pressed") == "true"
    page.click("#theme")
    assert page.evaluate(BACKGROUND) == light


def test_the_system_decides_without_a_choice_and_without_scripts(visit):
    colors = {
        (theme, scripts): visit(PAGE, theme=theme, java_script_enabled=scripts).page.evaluate(
            BACKGROUND
        )
        for theme in ["light", "dark"]
        for scripts in [True, False]
    }
    assert colors["light", True] == colors["light", False]
    assert colors["dark", True] == colors["dark", False]
    assert colors["light", True] != colors["dark", True]


def test_text_and_figures_only_lasts(visit):
    page = visit(PAGE).page
    code = page.locator("article .cell_input, article details.code")
    assert code.locator("visible=true").count() > 5
    page.click("#reading")
    assert code.locator("visible=true").count() == 0
    assert page.locator("article figure").locator("visible=true").count() > 3
    assert page.locator("aside.claim").locator("visible=true").count() > 5
    page.reload()
    assert code.locator("visible=true").count() == 0
    page.click("#reading")
    assert code.locator("visible=true").count() > 5


def test_the_menu_of_a_phone_opens_and_closes(visit):
    page = visit(PAGE, 390).page
    chapters = page.locator(".menu nav.book")
    assert not chapters.is_visible()
    page.click("#menu > summary")
    assert chapters.is_visible()
    page.keyboard.press("Escape")
    assert not chapters.is_visible()


def test_the_keyboard_reaches_the_search_box(visit):
    page = visit(PAGE).page
    page.keyboard.press("Control+/")  # belongs to the browser or to what extends it
    assert page.evaluate("document.activeElement.id") != "find"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.type("a/b")
    assert page.input_value("#find") == "a/b"


def test_code_is_copied(visit):
    page = visit(PAGE, permissions=["clipboard-read", "clipboard-write"]).page
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    block = page.locator("article .highlight").first
    block.hover()
    block.locator(".copy").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == block.locator("pre").inner_text().rstrip("\n")
    assert block.locator(".copy").inner_text() == "Copied"


def test_the_buttons_for_copying_are_there_to_be_touched(visit):
    page = visit(PAGE, 390, has_touch=True, is_mobile=True).page
    shown = page.locator(".copy").first.evaluate("(button) => getComputedStyle(button).opacity")
    assert shown == "1"


def test_a_link_into_a_solution_opens_it(visit):
    page = visit(PAGE).page
    name = page.locator("details.solution[id]").first.get_attribute("id")
    assert not page.locator(f"id={name}").evaluate("(box) => box.open")
    page = visit(f"{PAGE}#{name}").page
    assert page.locator(f"id={name}").evaluate("(box) => box.open")


def test_a_script_that_does_not_load_leaves_a_page_to_read(visit, served):
    opened = visit(PAGE)
    opened.page.route("**/*.js*", lambda route: route.abort())
    opened.page.route("**/*.woff2", lambda route: route.abort())
    opened.page.goto(served + PAGE)
    assert opened.page.locator("h1").is_visible()
    assert opened.page.locator("details.solution summary").first.is_visible()


def test_storage_that_is_closed_is_no_error(visit, served):
    opened = visit(PAGE)
    opened.page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('closed') }})"
    )
    opened.page.goto(served + PAGE)
    opened.page.click("#theme")
    assert opened.page.get_attribute("html", "data-theme") == "dark"
    assert opened.complaints == []
