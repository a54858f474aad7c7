"""The ledger's filter: by verdict, chapter, evidence and words, kept in the address."""

from test_pages import FOLDER, OVERFLOWING

PAGE = "book/ledger.html"
SHOWN = ".ledger-entry:visible"


@FOLDER
def test_the_ledger_shows_what_is_asked_for(visit, folder):
    page = visit(PAGE, folder=folder).page
    every = page.locator(SHOWN).count()
    page.select_option("select[name=verdict]", "fails")
    fails = page.locator(SHOWN).count()
    assert 0 < fails < every
    assert page.locator(SHOWN + ".claim-fails").count() == fails
    assert page.locator("output").inner_text() == f"{fails} of {every} claims"
    lines = page.locator(".ledger-contents li:visible").all_inner_texts()
    assert len(lines) == page.locator(".ledger-chapter:visible").count()
    assert sum(int(line.rpartition(", ")[2]) for line in lines) == fails
    page.fill("input[name=words]", "ReLU")
    assert page.locator(SHOWN).count() <= fails
    page.fill("input[name=words]", "no such words")
    assert "No claim fits" in page.locator("output").inner_text()
    assert page.locator(".ledger-chapter:visible").count() == 0
    page.click("text=Show all")
    page.wait_for_function(f"document.querySelector('output').textContent.startsWith('{every} ')")
    assert page.locator(SHOWN).count() == every


def test_a_choice_can_be_sent(visit):
    page = visit(f"{PAGE}?chapter=gradients&evidence=stored").page
    assert page.locator(".ledger-chapter:visible").count() == 1
    assert page.locator(SHOWN + ".evidence-stored").count() == page.locator(SHOWN).count() > 0
    page.select_option("select[name=evidence]", "live")
    assert page.url.endswith("?chapter=gradients&evidence=live")


def test_an_unknown_choice_is_named(visit):
    opened = visit(f"{PAGE}?verdict=maybe")
    told = opened.page.locator("output").inner_text()
    assert '"maybe"' in told and "holds-if" in told
    assert opened.page.locator(SHOWN).count() > 20
    assert opened.complaints == []


def test_a_long_choice_stays_within_the_window(visit):
    page = visit(f"{PAGE}?verdict={'m' * 3000}").page
    assert page.evaluate(OVERFLOWING) <= 0


def test_without_scripts_all_claims_are_there(visit):
    page = visit(PAGE, java_script_enabled=False).page
    assert page.locator(SHOWN).count() > 20
    assert page.locator(".ledger-filter").count() == 0
    assert page.locator(".ledger-contents a").count() > 5
