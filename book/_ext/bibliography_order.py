"""The style of the bibliography: by author, in the order of BibTeX.

Pybtex 0.26 sorts what stands in the file, where a name in braces comes after all others: ``{IBM}``
behind Zhang. BibTeX drops the braces first (``purify$`` in its style *plain*).
"""

from pybtex.database import Person
from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style
from pybtex.style.sorting.author_year_title import SortingStyle
from sphinx.application import Sphinx

BRACES = str.maketrans("", "", "{}")


class ByAuthor(SortingStyle):
    """The order of the plain style, for which braces are no letters."""

    def person_key(self, person: Person) -> str:
        """Return what a name is sorted by."""
        return super().person_key(person).translate(BRACES)


class ByAuthorStyle(Style):
    """The plain style in this order."""

    default_sorting_style = "by_author"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the style, which ``bibtex_default_style`` names."""
    register_plugin("pybtex.style.sorting", "by_author", ByAuthor)
    register_plugin("pybtex.style.formatting", "by_author", ByAuthorStyle)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
