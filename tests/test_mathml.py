"""Formulas become MathML that says what the TeX says, or an error that says what is wrong."""

import re
import subprocess
import sys
from html import unescape
from xml.etree import ElementTree

import pytest
from environment import ROOT
from fontTools.ttLib import TTFont
from math_font import FONT
from mathml import FormulaError, mathml
from together import together

from course_lib.activations import CATALOGUE

ITALIC = {*range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C)} - {0x1D455}


def tree(tex, display=False):
    """Return a formula as a tree."""
    return ElementTree.fromstring(mathml(tex, display))


def outline(node):
    """Return a tree as nested text: tags with what they hold, ``mrow`` left out."""
    inner = (node.text or "").strip() + "".join(map(outline, node))
    return inner if node.tag in ("math", "mrow") else f"{node.tag}({inner})"


def only(root, tag):
    """Return the one element of a kind."""
    (found,) = root.iter(tag)
    return found


CONSTRUCTS = {
    r"\frac{p}{2}": "mfrac(mi(p)mn(2))",
    r"\frac12": "mfrac(mn(1)mn(2))",
    r"x_i^2": "msubsup(mi(x)mi(i)mn(2))",
    r"e^{-x}": "msup(mi(e)mo(−)mi(x))",
    r"f'(x)": "msup(mi(f)mo(′))mo(()mi(x)mo())",
    r"J'''": "msup(mi(J)mo(‴))",
    r"\sqrt n": "msqrt(mi(n))",
    r"\hat\epsilon": "mover(mi(ϵ)mo(ˆ))",
    r"\bar q": "mover(mi(q)mo(¯))",
    r"\tilde h": "mover(mi(h)mo(˜))",
    r"\dot a": "mover(mi(a)mo(˙))",
    r"\mathbb{E}": "mi(𝔼)",
    r"\mathcal N": "mspace()mi(𝒩\ufe00)",
    r"W^{\mathsf T}": "msup(mi(W)mi(𝖳))",
    r"\mathrm{ReLU}": "mspace()mi(ReLU)",
    r"\lVert w \rVert": "mo(‖)mi(w)mo(‖)",
    r"\{p\}": "mo({)mi(p)mo(})",
    r"\lfloor p \rfloor": "mo(⌊)mi(p)mo(⌋)",
    r"m \odot h": "mi(m)mo(⊙)mi(h)",
    r"w \leftarrow w": "mi(w)mo(←)mi(w)",
    r"x < 0": "mi(x)mo(<)mn(0)",
    r"\text{bias and variance}": "mtext(bias\u00a0and\u00a0variance)",
    r"\underbrace{W}_b": "munder(munder(mi(W)mo(⏟))mi(b))",
    r"a \dots, b": "mi(a)mo(.)mo(.)mo(.)mo(,)mi(b)",
    r"401{,}920": "mn(401)mo(,)mn(920)",
}


@pytest.mark.parametrize("tex", CONSTRUCTS)
def test_construct(tex):
    assert outline(tree(tex)) == CONSTRUCTS[tex]


@pytest.mark.parametrize("display", [True, False])
def test_sum_has_its_limits_where_the_browser_puts_them(display):
    root = tree(r"\sum_{i=1}^n x_i", display)  # above and below, or beside the sum in a sentence
    assert root.get("display") == ("block" if display else None)
    assert outline(only(root, "munderover")) == "munderover(mo(∑)mi(i)mo(=)mn(1)mi(n))"
    assert only(root, "munderover")[0].get("movablelimits") is None


def test_fractions_in_a_sentence_are_small_and_one_of_its_own_is_large():
    assert only(tree(r"\tfrac12", display=True), "mfrac").get("displaystyle") == "false"
    assert only(tree(r"\frac12", display=True), "mfrac").get("displaystyle") is None


def test_left_and_right_stretch_and_plain_ones_do_not():
    tall, plain = (tree(tex, display=True) for tex in (r"\left( \frac12 \right)", r"(\frac12)"))
    assert [mark.get("stretchy") for mark in tall.iter("mo")] == [None, None]
    assert [mark.get("stretchy") for mark in plain.iter("mo")] == ["false", "false"]
    big = tree(r"\big[ x \big]")
    assert [mark.get("minsize") for mark in big.iter("mo")] == ["1.2em", "1.2em"]


def test_bars_are_no_operators_between_letters():
    assert {mark.get("lspace") for mark in tree(r"\vert x \vert").iter("mo")} == {"0"}


def test_named_functions_and_spaces_have_their_room():
    assert "Im\u2061" in "".join(tree(r"\operatorname{Im} J").itertext())
    assert "max\u2061(" in "".join(tree(r"\max(0, x)").itertext())
    widths = [space.get("width") for space in tree(r"a\,b\;c\quad d\qquad e").iter("mspace")]
    assert [round(float(width.removesuffix("em")), 2) for width in widths] == [0.17, 0.28, 1, 2]


def test_columns_are_aligned():
    lines = r"\begin{aligned} a &= b, \\ cc &= \tfrac12 \end{aligned}"
    rows = [*tree(lines, display=True).iter("mtr")]
    assert len(rows) == 2
    for row in rows:
        sides = [cell.get("style").split(";")[0] for cell in row]
        assert sides == ["text-align: right", "text-align: left"]
    cases = tree(r"\begin{cases} x & x > 0 \\ s\,x & x \le 0 \end{cases}")
    assert next(cases.iter("mo")).text == "{"
    assert {cell.get("style").split(";")[0] for cell in cases.iter("mtd")} == {"text-align: left"}


def test_matrix_stands_in_parentheses():
    root = tree(r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}")
    assert [cell.text for cell in root.iter("mn")] == ["1", "2", "3", "4"]
    assert [mark.text for mark in root.iter("mo")] == ["(", ")"]


@pytest.mark.parametrize("name", ["align", "equation", "gather"])
def test_numbers_are_given_by_the_book_alone(name):
    assert "(1)" not in mathml(rf"\begin{{{name}}} a = b \end{{{name}}}", display=True)


def test_tex_is_kept_for_those_who_read_or_copy_it():
    assert tree('p < \\text{"q"} \n \\& r').get("alttext") == r'p < \text{"q"} \& r'


@together("name", CATALOGUE)
def test_every_formula_of_the_catalogue_is_set(name):
    for formula in (CATALOGUE[name].formula, CATALOGUE[name].derivative_formula):
        assert len(tree(formula))


@pytest.mark.parametrize(
    ("tex", "told"),
    [
        (r"x + \foo", r'^Unknown command "\\foo". Found in the formula x \+ \\foo$'),
        (r"\begin{split} a \end{split}", 'Unknown environment "split"'),
        (r"\frac{1}{2", 'Expected closing token "}"'),
        (r"\left( x", r'Expected closing token "\\right"'),
        ("a & b", 'Found "&"'),
        (r"a \\ b", r"put the lines into \\begin\{aligned\} in the formula a \\\\ b"),
        (r"\begin{cases} a \\ b \end{cases} \\ c", r"put the lines into"),
        ("  ", "a formula is empty"),
    ],
)
def test_what_cannot_be_set_is_an_error_that_says_why(tex, told):
    with pytest.raises(FormulaError, match=told):
        mathml(tex, display=True)


# In a book.


CONF = """\
import sys
sys.path.insert(0, {extensions!r})
extensions = ["myst_parser", "mathml"]
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_update_mathjax = False
html_math_renderer = "mathml"
html_theme = "basic"
numfig = math_numfig = True
project = author = version = copyright = "1"
"""
PAGE = """\
# One

Take $x<1$, as in {eq}`eq-second` and {eq}`eq-first`.

$$
y = x
$$ (eq-first)

$$
z = x
$$

$$
\\frac{1}{x}
$$ (eq-second)
"""


def build(folder, page):
    """Build a book of one page; return what Sphinx said, and the page or nothing."""
    conf = CONF.format(extensions=str(ROOT / "book" / "_ext"))
    (folder / "conf.py").write_text(conf, encoding="utf-8")
    (folder / "index.md").write_text(page, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-qWN",
        "--keep-going",
        "-b",
        "html",
        "-d",
        "read",
        ".",
        "out",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    written = folder / "out" / "index.html"
    return done.stderr, "" if done.returncode else written.read_text(encoding="utf-8")


def test_equations_are_numbered_and_found(tmp_path):
    told, page = build(tmp_path, PAGE)
    assert told == ""
    assert page.count("<math") == 4
    assert page.count('<math alttext="x&lt;1">') == 1
    for label, number in [("first", 1), ("second", 2)]:
        before, after = page.split(f'<div class="math" id="equation-eq-{label}">')
        assert f'href="#equation-eq-{label}">({number})</a>' in before
        shown = after.partition("</div>")[0]
        assert shown.startswith('<math alttext="') and 'display="block"' in shown
        number_and_link = f'</math><span class="eqno">({number})<a class="headerlink"'
        assert f'{number_and_link} href="#equation-eq-{label}"' in shown
    assert page.count('class="eqno"') == 2
    assert "mathjax" not in page.lower()


def test_a_formula_stays_on_the_line_of_the_punctuation_that_touches_it(tmp_path):
    told, page = build(tmp_path, "# One\n\nFor ($x$, and) some $k$-th of $n$ units, *$m$*.\n")
    assert told == ""
    shown = re.sub(r"<math.*?<mi>(.)</mi></math>", r"\1", page)
    held = '<span class="held">{}</span>'
    line = f"For {held.format('(x,')} and) some {held.format('k-')}th of n units, <em>m</em>."
    assert f"<p>{line}</p>" in shown


def test_faulty_formula_stops_the_build_and_says_where(tmp_path):
    told, page = build(tmp_path, "# One\n\nA word.\n\nTake $x + \\foo$ and $y$.\n")
    assert page == ""
    assert 'index.md:5: WARNING: Unknown command "\\foo". Found in the formula x + \\foo' in told


# The font.


def shown(html):
    """Return the characters that formulas show; U+FE00 only chooses the form of a letter."""
    formulas = "".join(re.findall("<math.*?</math>", html, re.DOTALL))
    return set(unescape(re.sub("<[^>]*>", "", formulas))) - set("\n\ufe00")


def test_font_has_what_letters_and_stretching_need():
    font = TTFont(FONT)
    assert FONT.stat().st_size <= 110_000
    assert ITALIC | {0x210E} <= font.getBestCmap().keys()
    constructions = font["MATH"].table.MathVariants.VertGlyphCoverage.glyphs
    names = {font.getBestCmap()[ord(character)] for character in "()[]{}|‖√∑⌊⌋"}
    assert names <= set(constructions)


def test_every_form_of_what_stretches_is_as_wide_as_the_small_one():
    font = TTFont(FONT)
    variants = font["MATH"].table.MathVariants
    for character in "()[]{}√":
        name = font.getBestCmap()[ord(character)]
        place = variants.VertGlyphCoverage.glyphs.index(name)
        records = variants.VertGlyphConstruction[place].MathGlyphVariantRecord
        assert len(records) > 2
        assert {font["hmtx"][r.VariantGlyph][0] for r in records} == {font["hmtx"][name][0]}


def lacking(html):
    """Return the characters that the font cannot show."""
    return shown(html) - set(map(chr, TTFont(FONT).getBestCmap()))


def test_font_has_every_character_of_the_catalogue():
    assert lacking("<math>⨂</math>") == {"⨂"}
    rows = CATALOGUE.values()
    formulas = [formula for row in rows for formula in (row.formula, row.derivative_formula)]
    assert lacking("".join(map(mathml, formulas))) == set()


@pytest.mark.parametrize("character", "2nα")
def test_a_root_over_a_low_letter_hardly_hangs_below_the_line(character):
    """A browser takes the least tall root that holds the letter, a gap and the bar."""
    font = TTFont(FONT)
    names, outlines, table = font.getBestCmap(), font["glyf"], font["MATH"].table
    place = table.MathVariants.VertGlyphCoverage.glyphs.index(names[ord("√")])
    roots = table.MathVariants.VertGlyphConstruction[place].MathGlyphVariantRecord
    heights = [root.AdvanceMeasurement for root in roots]
    constants = table.MathConstants
    over = constants.RadicalVerticalGap.Value + constants.RadicalRuleThickness.Value
    needed = outlines[names[ord(character)]].yMax + over
    assert heights == sorted(heights)
    assert min(height for height in heights if height >= needed) - needed < 300
    for root in roots:
        outline = outlines[root.VariantGlyph]
        assert outline.yMax - outline.yMin == pytest.approx(root.AdvanceMeasurement, abs=2)
