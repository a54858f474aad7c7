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
    ],
)
def test_a_percent_sign_stays_with_its_number_outside_programs(before, after):
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
