"""What pages say stays together: numbers with their signs, formulas with their points."""

import page_repairs
import pytest

FORMULA = '<math alttext="x"><mi>x</mi></math>'
TIED = f'<span class="tied">{FORMULA}.</span>'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>the 95 % interval</p>", "<p>the 95\N{NO-BREAK SPACE}% interval</p>"),
        ('<img alt="95 % of them">', '<img alt="95 % of them">'),
        ("<pre>95 % 7</pre> 5 %", "<pre>95 % 7</pre> 5\N{NO-BREAK SPACE}%"),
        ("<code>95 % 7</code>", "<code>95 % 7</code>"),
        ("see Fig. 3.7 there", "see Fig.\N{NO-BREAK SPACE}3.7 there"),
    ],
)
def test_a_number_stays_with_its_sign_or_name_outside_programs(before, after):
    assert page_repairs.repaired(before) == after
    assert page_repairs.repaired(after) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"so {FORMULA}. Then", f"so {TIED} Then"),
        (f"({FORMULA}), the", f'<span class="tied">({FORMULA}),</span> the'),
        (f"the {FORMULA}-th", f'the <span class="tied">{FORMULA}-th</span>'),
        (f"so {FORMULA} is", f"so {FORMULA} is"),
        ('<math display="block"><mi>x</mi></math>.', '<math display="block"><mi>x</mi></math>.'),
    ],
)
def test_a_formula_stays_with_what_touches_it(before, after):
    assert page_repairs.repaired(before) == after
    assert page_repairs.repaired(after) == after


OUTPUT = (
    '<div class="output stream highlight-none"><div class="highlight"><pre>{}</pre></div></div>'
)
PROSE = OUTPUT.replace("output stream", "output stream prose")
SENTENCE = "checked: " + 5 * "a long sentence, "
HANGING = f'<span class="hangs">{SENTENCE}\n</span>'
SHORTER = SENTENCE[:60]


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("a\nb", PROSE.format("a\nb")),
        (f"{SENTENCE}\nb", PROSE.format(HANGING + "b")),
        (2 * SENTENCE, PROSE.format(f'<span class="long">{2 * SENTENCE}</span>')),
        (SHORTER, PROSE.format(f'<span class="hangs">{SHORTER}</span>')),
        (f"a    b\n{SHORTER}", OUTPUT.format(f"a    b\n{SHORTER}")),
        ("rate    loss\n0.1     2.00", OUTPUT.format("rate    loss\n0.1     2.00")),
        (f"a    b\n{SENTENCE}\n", OUTPUT.format("a    b\n" + HANGING)),
        ("  indented\nb", PROSE.format("  indented\nb")),
    ],
)
def test_long_lines_of_an_output_hang_and_prose_may_break(printed, shown):
    assert page_repairs.repaired(OUTPUT.format("<span></span>" + printed)) == shown
    assert page_repairs.repaired(shown) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("course_lib.activations", "course_lib.<wbr>activations"),
        ("course_lib/_constants.py", "course_lib/<wbr>_constants.py"),
        ("train_network_torch", "train_<wbr>network_<wbr>torch"),
        ("relu_grad", "relu_grad"),
        ("2.718281828459045", "2.<wbr>718281828459045"),
    ],
)
def test_long_names_break_between_their_parts(name, shown):
    code = '<code class="docutils literal"><span class="pre">{}</span></code>'
    assert page_repairs.NAME.sub(page_repairs.breaking, code.format(name)) == code.format(shown)


def test_options_of_a_program_do_not_break():
    html = page_repairs.repaired('<code><span class="pre">--dry-run</span></code>')
    assert html == '<code><span class="pre whole">--dry-run</span></code>'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("costs 2^L of them", "costs 2<sup>L</sup> of them"),
        ("near 10^8", "near 10<sup>8</sup>"),
        ("(3 eps)^(1/3)", "(3 eps)<sup>1/3</sup>"),
        (
            "within (-1, 1), +0.01 to -0.02",
            "within (\N{MINUS SIGN}1, 1), +0.01 to \N{MINUS SIGN}0.02",
        ),
        ("noise of 1e-11, 196-64-10", "noise of 1e-11, 196-64-10"),
        ('<math alttext="x^2"><mi>-1</mi></math>', '<math alttext="x^2"><mi>-1</mi></math>'),
    ],
)
def test_cards_have_powers_and_minus_signs(text, shown):
    card = '<aside class="claim claim-holds" aria-label="2^L"><p>{}</p></aside>'
    assert page_repairs.repaired(card.format(text)) == card.format(shown)
    assert page_repairs.repaired(f"<p>{text}</p>") == f"<p>{text}</p>"


def test_words_to_the_formatter_are_not_shown():
    code = '<div class="highlight"><pre>f(x){}</pre></div>'
    skip = '  <span class="c1"># fmt: skip</span>'
    assert page_repairs.repaired(code.format(skip)) == code.format("")
