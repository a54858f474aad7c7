"""The atlas: filtered, linked, opened, by the keyboard and without scripts."""

import re

from test_pages import FOLDER, OVERFLOWING

PAGE = "book/atlas/index.html"
LINE = ".atlas-function tbody tr:visible"
HEAVIEST, MOST_REQUESTS = 900_000, 15


def told(page):
    """Return what the filter says."""
    return page.locator(".atlas-place output").inner_text()


def opened(page):
    """Return the text of the line that is open."""
    detail = page.locator(".atlas-detail")
    detail.wait_for()
    return detail.inner_text()


@FOLDER
def test_the_table_shows_what_is_asked_for(visit, folder):
    view = visit(PAGE, folder=folder)
    page = view.page
    assert len(view.requests) <= MOST_REQUESTS
    assert folder or view.size <= HEAVIEST
    every = int(re.fullmatch(r"(\d+) of \1 lines", told(page))[1])
    assert every > 1400 and page.locator(LINE).count() == 0  # all are folded
    page.select_option("select[name=function]", "leaky_relu")
    page.select_option("select[name=verdict]", "different")
    different = page.locator(LINE).count()
    assert 5 < different < 40 and told(page) == f"{different} of {every} lines"
    assert page.locator(".atlas-function:visible").count() == 1
    assert page.locator(f"{LINE} td.different").count() == different
    page.fill("input[name=words]", "tf.nn")
    assert 0 < page.locator(LINE).count() < different
    page.fill("input[name=words]", "no such words")
    assert told(page).startswith("No line fits")
    page.click("text=Show all")
    page.wait_for_function("document.querySelector('.atlas-place output').textContent[0] !== 'N'")
    assert told(page) == f"{every} of {every} lines"
    page.select_option("select[name=asked]", "slopes")
    page.wait_for_function("/^Slopes/.test(document.querySelector('caption').textContent)")
    assert int(told(page).split()[0]) < every
    assert view.complaints == []


@FOLDER
def test_a_link_opens_a_line_with_a_program_that_is_copied(visit, folder):
    address = f"{PAGE}?function=leaky_relu&dtype=float64&asked=slopes#leaky_relu.jax_eager.0"
    rights = {} if folder else {"permissions": ["clipboard-read", "clipboard-write"]}
    page = visit(address, folder=folder, **rights).page
    text = opened(page)
    assert "slope at 0 is 1.0" in text and "x64" in text and "jax.grad" in text
    assert page.locator("details[open].atlas-function").get_attribute("id") == "leaky_relu"
    link = page.locator(".atlas-detail a", has_text="link to this line").get_attribute("href")
    assert link == address.removeprefix(PAGE)
    if not folder:
        page.locator(".atlas-detail .copy").focus()
        page.keyboard.press("Enter")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == page.locator(".atlas-detail pre").inner_text()
    page.locator(".atlas-detail a", has_text="where the probe has it").click()
    page.wait_for_load_state("load")
    assert "Source of atlas/homes/jax_eager.py" in page.locator("h1").inner_text()


def test_what_is_unknown_or_was_not_asked_is_said(visit):
    page = visit(f"{PAGE}?home=pytorch&verdict=maybe").page
    assert '"pytorch"' in told(page) and '"maybe"' in told(page) and "torch_eager" in told(page)
    page = visit(f"{PAGE}?asked=slopes#gelu.onnx_runtime.0").page
    page.wait_for_function("document.querySelector('output').textContent.startsWith('Nothing')")
    assert "does not compute slopes in float32" in told(page)


def test_the_keyboard_goes_over_the_table_and_opens_a_line_on_a_phone(visit):
    page = visit(PAGE, 390, theme="dark").page
    page.locator(".atlas-overview tbody a[tabindex='0']").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.hash") == "#leaky_relu.torch_eager.0"
    page.keyboard.press("Enter")
    assert "F.leaky_relu(x)" in opened(page)
    button = page.locator("tr[id='leaky_relu.torch_eager.0'] button")
    assert button.get_attribute("aria-expanded") == "true"
    button.focus()
    page.keyboard.press("Enter")
    assert page.locator(".atlas-detail").count() == 0
    assert page.evaluate(OVERFLOWING) <= 0


def test_without_scripts_every_line_is_there(visit):
    page = visit(f"{PAGE}#gelu.tinygrad_cpu.0", java_script_enabled=False).page
    assert page.locator("form.atlas-filter").count() == 0
    assert page.locator(".atlas-overview td a").count() > 800
    page.locator("#tanh summary").click()
    assert page.locator("#tanh tbody tr").first.is_visible()
    assert (
        "different computes gelu_tanh" in page.locator("tr[id='gelu.tinygrad_cpu.0']").inner_text()
    )


def test_the_search_of_the_site_finds_it(visit):
    for asked in ("tinygrad", "ncnn mish"):
        page = visit(f"search.html?q={asked.replace(' ', '+')}").page
        hits = page.locator("#hits a").evaluate_all("found => found.slice(0, 5).map((a) => a.href)")
        assert any(PAGE in hit for hit in hits), hits
