"""The formulas of the built site can be shown with its font, and need no script."""

from test_mathml import lacking


def test_font_has_every_character_that_the_site_sets(site):
    for path in site.rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        assert "mathjax" not in page.lower(), path
        assert lacking(page) == set(), f"{path}: see tools/math_font.py"
