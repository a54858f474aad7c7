"""The claims: none is missing, every verdict is checked, and cards say what they should."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from together import together

from course_lib import claims
from course_lib.claims import CLAIMS, MIME_TYPE, Claim, ClaimError, claim, read_claims

VARIED = {key: "twice as much, the same" for key in claims.VARIED}


def table(verdict="holds", condition="", **fields):
    """Return the text of a table with one claim."""
    entry = {
        "text": "Networks bend.", "section": "1", "origin": "course", "kind": "experiment",
        "verdict": verdict,
    }  # fmt: skip
    entry |= {"condition": condition} if condition else {}
    entry |= {"varied": VARIED} if verdict != "open" else {}
    lines = [
        f"{key} = {'{' + ', '.join(f'{k} = {json.dumps(v)}' for k, v in value.items()) + '}'}"
        if isinstance(value, dict)
        else f"{key} = {json.dumps(value)}"
        for key, value in (entry | fields).items()
        if value is not None
    ]
    return "\n".join(['[chapters]\n"1" = "necessity"', "[claims.bend]", *lines])


@pytest.fixture
def on_record(monkeypatch):
    """Return a function that puts one claim, named bend, on record."""

    def record(*arguments, **fields):
        monkeypatch.setattr(claims, "CLAIMS", read_claims(table(*arguments, **fields)))

    return record


# ---------------------------------------------------------------------------------------------
# The table
# ---------------------------------------------------------------------------------------------


def test_none_of_the_statements_to_start_from_is_missing(root):
    start = (root / "tests" / "statements.txt").read_text(encoding="utf-8").split()
    assert len(start) == len(set(start)) == 71
    assert set(start) <= set(CLAIMS)


@together("entry", CLAIMS.values())
def test_every_claim_is_a_sentence_with_an_id_fit_for_a_link(entry):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.id)
    assert re.fullmatch(r"\S.*[.?]", entry.text)
    assert entry.chapter
    assert entry.verdict_text


def test_the_table_cannot_be_changed_by_a_page():
    with pytest.raises(TypeError):
        CLAIMS["new"] = None


def test_a_claim_is_read_with_its_chapter():
    entry = read_claims(table("fails", "they do not", cite="bend1999"))["bend"]
    assert entry == Claim(
        id="bend", text="Networks bend.", section="1", origin="course", kind="experiment",
        chapter="necessity", verdict="fails", condition="they do not", cite="bend1999",
        varied=VARIED,
    )  # fmt: skip


def test_a_claim_may_name_a_chapter_other_than_its_sections():
    entry = read_claims(table(chapter="applications/images"))["bend"]
    assert entry.chapter == "applications/images"


@pytest.mark.parametrize("wrong", ["", "images.ipynb", "/images", "applications/", "../x", 7])
def test_a_chapter_is_a_path_below_the_book(wrong):
    with pytest.raises(ValueError, match=f"'bend': chapter is {wrong!r}; expected .* below book/"):
        read_claims(table(chapter=wrong))


@pytest.mark.parametrize(
    ("text", "given_text", "accepted_text"),
    [
        (table("hold"), "unknown verdict 'hold'", "holds, holds-if, fails, open"),
        (table(origin="nobody"), "unknown origin 'nobody'", "source, beyond, course"),
        (table(kind="opinion"), "unknown kind 'opinion'", "identity, experiment, practice"),
        (table(section="99"), "claim 'bend'", "'99'"),
        (table(text=None), "missing or unknown", "'text'"),
        (table(colour="red"), "missing or unknown", "'colour'"),
        (table("holds-if"), "the verdict is 'holds-if'", "(when it holds)"),
        (table("fails"), "the verdict is 'fails'", "(why)"),
        (table("holds", "sometimes"), "the verdict is 'holds'", "to no other"),
        (table("open", "sometimes"), "the verdict is 'open'", "to no other"),
        (table(varied=None), "kind 'experiment' with the verdict 'holds'", "varied belongs to"),
        (table(kind="identity"), "kind 'identity' with the verdict", "to nothing else"),
        (table("open", varied=VARIED), "with the verdict 'open'", "to nothing else"),
    ],
)
def test_a_table_that_is_not_in_order_is_rejected(text, given_text, accepted_text):
    with pytest.raises(ValueError, match="claim 'bend'") as error:
        read_claims(text)
    assert given_text in str(error.value)
    assert accepted_text in str(error.value)


@pytest.mark.parametrize(
    ("text", "given_text"),
    [
        ("", "no table 'chapters', only []"),
        ("[chapters]\n", "no table 'claims', only ['chapters']"),
        ("chapters = 1\n[claims.a]\n", "no table 'chapters', only ['chapters', 'claims']"),
        ("[chapters]\n[claims]\nbend = 1\n", "claim 'bend' is 1; expected a table"),
        ("[chapters", "at end of document"),
    ],
)
def test_a_text_without_its_tables_is_rejected(text, given_text):
    with pytest.raises(ValueError, match=re.escape(given_text)):
        read_claims(text)


def test_a_path_is_no_text():
    with pytest.raises(TypeError, match=r"text is .*; expected the content of a claims.toml"):
        read_claims(Path("claims.toml"))


@together("entry", [c for c in CLAIMS.values() if c.kind == "experiment" and c.verdict != "open"])
def test_every_experiment_says_what_was_varied(entry):
    assert tuple(entry.varied) == claims.VARIED
    assert all(re.fullmatch(r"\S.*\.", told) for told in entry.varied.values())


def test_what_was_varied_is_read():
    entry = read_claims(table(varied=VARIED))["bend"]
    assert dict(entry.varied) == VARIED
    with pytest.raises(TypeError):
        entry.varied["budget"] = ""


@pytest.mark.parametrize("left_out", claims.VARIED)
def test_all_four_are_varied(left_out):
    given = {key: value for key, value in VARIED.items() if key != left_out}
    with pytest.raises(ValueError, match=f"'bend': varied.{left_out} is missing.*budget, grid, p"):
        read_claims(table(varied=given))


@pytest.mark.parametrize("wrong", [{"seeds": "more"}, {"budget": " "}, {"budget": 2}])
def test_nothing_else_is_varied(wrong):
    (key,) = wrong
    with pytest.raises(ValueError, match=f"'bend': varied.{key} is missing or unknown"):
        read_claims(table(varied=VARIED | wrong))


def test_what_was_varied_is_a_table():
    with pytest.raises(ValueError, match="'bend': varied is 'all of it'; expected a table of budg"):
        read_claims(table(varied="all of it"))


# ---------------------------------------------------------------------------------------------
# Verdicts
# ---------------------------------------------------------------------------------------------

T, F = True, False
RIGHT = [("holds", T, None), ("fails", F, None), ("holds-if", T, F)]
WRONG = [("holds", F, None), ("fails", T, None), ("holds-if", F, F), ("holds-if", T, T)]
WRONG += [("holds-if", F, T)]
MISPLACED = [("holds", T, F), ("fails", F, F), ("holds-if", T, None)]
CONDITIONS = {"holds": "", "holds-if": "the sun shines", "fails": "it rains", "open": ""}


@pytest.mark.parametrize("kind", [bool, np.bool_])
@pytest.mark.parametrize(("verdict", "holds", "otherwise"), RIGHT)
def test_the_recorded_outcome_gives_a_card(on_record, verdict, holds, otherwise, kind):
    on_record(verdict, CONDITIONS[verdict])
    otherwise = otherwise if otherwise is None else kind(otherwise)
    card = claim("bend", holds=kind(holds), otherwise=otherwise, measured="32 of 32")
    assert (card.claim.verdict, card.measured) == (verdict, "32 of 32")


@pytest.mark.parametrize(("verdict", "holds", "otherwise"), WRONG)
def test_another_outcome_stops_the_page(on_record, verdict, holds, otherwise):
    on_record(verdict, CONDITIONS[verdict])
    with pytest.raises(ClaimError, match=f"'bend' is on record as '{verdict}'.*31 of 32") as error:
        claim("bend", holds=holds, otherwise=otherwise, measured="31 of 32")
    assert f"'holds': {holds}" in str(error.value)
    assert isinstance(error.value, AssertionError)


@pytest.mark.parametrize(("verdict", "holds", "otherwise"), MISPLACED)
def test_otherwise_goes_with_holds_if_alone(on_record, verdict, holds, otherwise):
    on_record(verdict, CONDITIONS[verdict])
    with pytest.raises(ValueError, match=f"'holds-if' and with no other.*'{verdict}'"):
        claim("bend", holds=holds, otherwise=otherwise, measured="32 of 32")


def test_a_claim_without_verdict_cannot_be_decided(on_record):
    on_record("open")
    with pytest.raises(
        ValueError, match=r"'bend' has no verdict yet; record one in .*claims\.toml"
    ):
        claim("bend", holds=True, measured="32 of 32")


@pytest.mark.parametrize("value", [np.array([True]), np.array(True), 1, "yes", None, 0.0])
@pytest.mark.parametrize("argument", ["holds", "otherwise", "miniature"])
def test_an_outcome_is_one_truth_value(on_record, argument, value):
    if argument != "holds" and value is None:
        value = [False]  # None means that it is not given
    on_record("holds-if", "the sun shines")
    outcomes = {"holds": True, "otherwise": False, "stored": "dropout", "miniature": True}
    outcomes[argument] = value
    with pytest.raises(TypeError, match=f"{argument} must be one truth value, got .*; reduce"):
        claim("bend", measured="32 of 32", **outcomes)


def test_stored_records_need_a_miniature_that_agrees(on_record):
    on_record()
    card = claim("bend", holds=True, measured="32 of 32", stored="dropout", miniature=np.True_)
    assert card.record()["study"] == "dropout"
    with pytest.raises(
        ClaimError, match=r"of dropout gave the verdict .* does not agree.*32 of 32"
    ):
        claim("bend", holds=True, measured="32 of 32", stored="dropout", miniature=False)
    with pytest.raises(ClaimError, match=r"on record as 'holds'|does not agree"):
        claim("bend", holds=False, measured="32 of 32", stored="dropout", miniature=True)


@pytest.mark.parametrize("given", [{"stored": "dropout"}, {"miniature": True}])
def test_stored_and_miniature_go_together(on_record, given):
    on_record()
    with pytest.raises(ValueError, match=r"'bend' has stored=.* expected both"):
        claim("bend", holds=True, measured="32 of 32", **given)


@pytest.mark.parametrize("given", [3, [3], ["dropout", None], [], True, {"dropout"}])
def test_a_study_is_named(on_record, given):
    on_record()
    with pytest.raises(TypeError, match=r"stored is .*; expected the name of a study"):
        claim("bend", holds=True, measured="32 of 32", stored=given, miniature=True)


def test_an_unknown_study_is_answered_with_the_nearest(on_record):
    on_record()
    with pytest.raises(KeyError, match="unknown stored records 'drop_out'; did you mean 'dropout'"):
        claim("bend", holds=True, measured="32 of 32", stored="drop_out", miniature=True)


@pytest.mark.parametrize("measured", ["", "  ", None, 3.5])
def test_what_was_measured_must_be_said(on_record, measured):
    on_record()
    with pytest.raises(TypeError, match="measured must say in words"):
        claim("bend", holds=True, measured=measured)


def test_an_unknown_claim_is_answered_with_the_nearest():
    with pytest.raises(KeyError, match="unknown claim 'xor-not-lineal'; did you mean 'xor-not-l"):
        claim("xor-not-lineal", holds=True, measured="4 of 4")


# ---------------------------------------------------------------------------------------------
# Cards
# ---------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Collect the tags and the text of a piece of HTML, and see that it is well formed."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.text += text


NASTY = "<script>alert(1)</script> & \"'<b>"


@pytest.mark.parametrize(("verdict", "holds", "otherwise"), RIGHT)
def test_a_card_escapes_what_it_shows(on_record, verdict, holds, otherwise):
    condition = f"when {NASTY}" if CONDITIONS[verdict] else ""
    on_record(verdict, condition, text=f"Networks {NASTY}.")
    card = claim("bend", holds=holds, otherwise=otherwise, measured=f"found {NASTY}")
    page = Page(card._repr_mimebundle_()["text/html"])
    assert {tag for tag, _ in page.tags} == {"aside", "p", "strong"}
    tag, attributes = page.tags[0]
    assert tag == "aside"
    assert attributes["class"] == f"claim claim-{verdict}"
    assert attributes["id"] == "claim-bend"
    for text in (f"Networks {NASTY}.", f"found {NASTY}", condition):
        assert text in page.text


@pytest.mark.parametrize(("verdict", "holds", "otherwise"), RIGHT)
def test_a_record_survives_json(on_record, verdict, holds, otherwise):
    on_record(verdict, CONDITIONS[verdict])
    card = claim("bend", holds=holds, otherwise=otherwise, measured="32 of 32 · ≥ 0.9")
    record = json.loads(json.dumps(card._repr_mimebundle_()[MIME_TYPE]))
    assert record == {
        "id": "bend", "section": "1", "kind": "experiment", "text": "Networks bend.",
        "source": "asked by this course", "verdict": verdict, "condition": CONDITIONS[verdict],
        "evidence": "Measured live", "study": "", "measured": "32 of 32 · ≥ 0.9",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "holds", "otherwise", "last_line"),
    [
        ("holds", T, None, "  Verdict: Holds"),
        ("holds-if", T, F, "  Verdict: Holds if the sun shines"),
        ("fails", F, None, "  Verdict: Fails: it rains"),
    ],
)
def test_the_plain_text_ends_in_the_verdict(on_record, verdict, holds, otherwise, last_line):
    on_record(verdict, CONDITIONS[verdict])
    card = claim("bend", holds=holds, otherwise=otherwise, measured="32 of 32")
    assert card._repr_mimebundle_()["text/plain"].splitlines() == [
        "Claim bend (section 1, asked by this course)",
        "  Networks bend.",
        "  Measured live: 32 of 32",
        last_line,
    ]


def test_a_card_says_that_it_is_stored(on_record):
    on_record()
    card = claim("bend", holds=True, measured="32 of 32", stored="dropout", miniature=True)
    told = "Measured in the stored study dropout, with which a live miniature agrees"
    assert f"  {told}: 32 of 32" in repr(card).splitlines()
    assert f"<strong>{told}:</strong> 32 of 32" in card._repr_html_()
    assert card.record()["evidence"] == told


def test_a_card_may_rest_on_several_studies(on_record):
    on_record()
    both = ["dropout", "regularizers"]
    card = claim("bend", holds=True, measured="32 of 32", stored=both, miniature=True)
    told = "Measured in the stored studies dropout and regularizers, with which a live miniature"
    assert f"  {told} agrees: 32 of 32" in repr(card).splitlines()
    assert card.record()["study"] == "dropout, regularizers"
    with pytest.raises(KeyError, match="unknown stored records 'other'"):
        claim("bend", holds=True, measured="32", stored=["dropout", "other"], miniature=True)


def test_an_open_claim_says_so():
    assert read_claims(table("open"))["bend"].verdict_text == "Not decided yet"
