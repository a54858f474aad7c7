"""What pages say stays together: numbers with their signs, formulas with their points."""

import page_repairs
import pytest

MINUS = "\N{MINUS SIGN}"
FORMULA = '<math alttext="x"><mi>x</mi></math>'
TIED = f'<span class="tied">{FORMULA}.</span>'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>the 95 % interval</p>", "<p>the 95\N{NO-BREAK SPACE}% interval</p>"),
        ("<p>17% of 256, a%20b</p>", "<p>17\N{NO-BREAK SPACE}% of 256, a%20b</p>"),
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
        (f"checked:   {SHORTER}", PROSE.format(f'<span class="hangs">checked:   {SHORTER}</span>')),
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
        ("nn.leaky_relu(alpha=0.01)", "nn.<wbr>leaky_relu(<wbr>alpha=<wbr>0.01)"),
        ("allow_pickle=False", "allow_pickle=<wbr>False"),
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
        ("from 2^-13", f"from 2<sup>{MINUS}13</sup>"),
        ("(3 t)^(1/3)", "(3 t)<sup>1/3</sup>"),
        ("within -1, +0.01 to -0.02", f"within {MINUS}1, +0.01 to {MINUS}0.02"),
        ("p - y and exp(a) - 1", f"p {MINUS} y and exp(a) {MINUS} 1"),
        ("Keras - a library", "Keras - a library"),
        ("14 x 14 pixels", "14 \u00d7 14 pixels"),
        ("He's and the others'", "He\u2019s and the others\u2019"),
        ("ReLU&#x27;(0), |J'''|", "ReLU\u2032(0), |J\u2032\u2032\u2032|"),
        ('<math alttext="x^2"><mi>-1</mi></math>', '<math alttext="x^2"><mi>-1</mi></math>'),
        ("<code>x^2 - 1</code>", "<code>x^2 - 1</code>"),
        ("<svg><text>-1</text></svg>", "<svg><text>-1</text></svg>"),
    ],
)
def test_text_has_powers_minus_signs_and_apostrophes(text, shown):
    card = '<aside class="claim claim-holds" aria-label="2^L"><p>{}</p></aside>'
    assert page_repairs.repaired(card.format(text)) == card.format(shown)
    assert page_repairs.repaired(f"<p>{text}</p>") == f"<p>{shown}</p>"


def test_cards_say_epsilon_and_other_text_names_the_parameter():
    card = '<aside class="claim claim-holds"><p>3 {} |J|</p></aside><p>eps</p>'
    assert page_repairs.repaired(card.format("eps")) == card.format("\u03b5")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("on 2026-11-29, from", '<span class="whole">2026-11-29,</span>'),
        ("within 1e-14;", '<span class="whole">1e-14;</span>'),
        (", 22(3):317\u2013330, 1983", '<span class="whole">22(3):317\u2013330,</span>'),
        ("in [0, 1) or", "[0,\u00a01)"),
        ("(-3.8, +0.9)", f"({MINUS}3.8,\u00a0+0.9)"),
    ],
)
def test_numbers_and_intervals_stay_in_one_piece(text, shown):
    html = page_repairs.repaired(f"<p>{text}</p>")
    assert shown in html
    assert page_repairs.repaired(html) == html


@pytest.mark.parametrize("text", ["a BSD 3-Clause license", "doi:10.1007/978-3-642-76153-9_28"])
def test_words_and_addresses_may_break_at_a_hyphen(text):
    assert page_repairs.repaired(f"<p>{text}</p>") == f"<p>{text}</p>"


@pytest.mark.parametrize(
    ("said", "whole"), [("x @ W + b", True), ("relu", False), ("f(" + 12 * "a, " + ")", False)]
)
def test_a_short_expression_stays_in_one_line(said, whole):
    spans = " ".join(f'<span class="pre">{part}</span>' for part in said.split())
    html = page_repairs.repaired(f'<code class="docutils literal">{spans}</code>')
    assert ('class="docutils literal whole"' in html) is whole
    assert page_repairs.repaired(html) == html


def test_a_parameter_keeps_the_sign_after_it_and_a_signature_its_hyphens():
    parameters = '<em class="sig-param">x</em>, <em class="sig-param">axis=-1</em>'
    close = '<span class="sig-paren">)</span>'
    signature = '<dt class="sig sig-object py">f({}</dt>'
    kept = parameters.replace("</em>,", ",</em>").removesuffix("</em>") + close + "</em>"
    html = page_repairs.repaired(signature.format(parameters + close))
    assert html == signature.format(kept)
    assert page_repairs.repaired(html) == html


def test_words_to_the_formatter_are_not_shown():
    code = '<div class="highlight"><pre>f(x){}</pre></div>'
    skip = '  <span class="c1"># fmt: skip</span>'
    assert page_repairs.repaired(code.format(skip)) == code.format("")
