"""The order of the bibliography."""

from bibliography_order import ByAuthor
from pybtex.database import parse_string

ENTRIES = """
@misc{a, author = {Zhang, Chiyuan}, title = {A}, year = 2017}
@misc{b, author = {{IBM}}, title = {B}, year = 1990}
@misc{c, author = {Lang, Kevin and Witbrock, Michael}, title = {C}, year = 1988}
@misc{d, author = {{U.S. Census Bureau}}, title = {D}, year = 1995}
@misc{e, author = {{IBM}}, title = {E}, year = 1985}
"""


def test_a_name_in_braces_stands_where_its_letters_put_it():
    entries = parse_string(ENTRIES, "bibtex").entries.values()
    assert [entry.key for entry in ByAuthor().sort(entries)] == ["e", "b", "c", "d", "a"]
