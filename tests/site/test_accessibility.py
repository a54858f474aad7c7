"""Axe finds faults of contrast among texts that look alike, of which it looks at one."""

import accessibility
import pytest

PAGE = "index.html"
PICK = "document.querySelectorAll('article .chapter-cost[data-alike]')[2]"
FAULTS = {
    "one of many": f"{PICK}.style.color = '#ddd'",
    "the last of many": "[...document.querySelectorAll('[data-alike]')].at(-1).style.color='#ddd'",
    "all of a kind": "document.querySelectorAll('article p').forEach((p) => p.style.color='#ddd')",
    "the ground of one": """[...document.querySelectorAll("article p[data-alike]")].at(-1)
      .style.background = "#5a5a5a" """,
    "the ground around it": f"{PICK}.parentElement.style.background = '#777'",
    "faint": f"{PICK}.parentElement.style.opacity = 0.3",
    "a color by its class": """document.styleSheets[0].insertRule(
      ".chapter-cost { color: #ddd !important }", document.styleSheets[0].cssRules.length)""",
    "moved to another ground": """(() => {
      const ground = document.createElement("div"), text = document.querySelector("article p");
      ground.style = "background: #222; height: 400px";
      text.before(ground);
      text.style.marginTop = "-380px";
    })()""",
    "lies over another": """(() => {
      const ground = document.createElement("div"), text = document.querySelector("article p");
      ground.style = "background: #222; height: 4000px; position: absolute; width: 100%; top: 0";
      ground.style.left = 0;
      document.body.prepend(ground);
    })()""",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_among_many_is_found_as_if_all_were_looked_at(visit, fault):
    page = visit(PAGE).page
    assert accessibility.violations(page) == []
    page.evaluate(FAULTS[fault])
    every = accessibility.found(page, accessibility.EVERY)
    assert "color-contrast" in {rule for rule, _ in every}
    found = accessibility.violations(page)
    assert sorted(map(str, found)) == sorted(map(str, every))


def test_most_texts_of_a_page_look_like_another_and_hidden_ones_are_left_out(visit):
    page = visit(PAGE).page
    page.evaluate("document.querySelector('article p').style.visibility = 'hidden'")
    page.evaluate(accessibility.ALIKE)
    assert page.locator("[data-alike]").count() > 100
    assert page.locator("article p").first.get_attribute("data-alike") is None
