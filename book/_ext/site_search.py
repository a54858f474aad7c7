"""The search of the site: one index, made from the finished pages, that also works from a folder.

Sphinx's own search asks for every page that it wants to quote, which a browser forbids in a folder,
and leads to the top of long pages. Here every section, claim, exercise, solution, term, source and
name of the library is an entry with its place and its words. They are read from the finished pages,
where formulas are symbols and outputs of cells are text, and written as one classic script that the
search page loads. ``course-search.js`` of the theme finds and ranks, with MiniSearch: it has no
dependencies, finds beginnings, ranks by BM25+, combines words by trees of AND and OR, which carry
the synonyms, and is kept up, unlike lunr, whose last release is of 2020.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unicodedata import normalize

from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.errors import ExtensionError

SYNONYMS = Path(__file__).resolve().parents[1] / "synonyms.toml"
INDEX = "course-search-index.js"

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
INLINE = frozenset(
    "a abbr b cite code em i kbd mark math s small span strong sub sup u var".split()
)
KINDS = {"claim": "claim", "exercise": "exercise", "solution": "solution", "citation": "source"}
"""What an element with an id and a class is an entry for."""
TITLES = {"claim": "claim-statement", "exercise": "admonition-title"}
"""The class of the title of such an entry."""
HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
UNREAD_TAGS = frozenset(["annotation", "button", "noscript", "script", "style", "svg"])
UNREAD_CLASSES = frozenset(
    "atlas-lines atlas-overview field-list headerlink label ledger only-narrow rubric source"
    " text-right toctree-wrapper viewcode-link".split()
)
"""Marks of what is not read: numbers of tables, the ledger, which repeats the claims, the lines of
the atlas, which would be as many as all other text, and the lists of parameters, which would be a
tenth of the index; their names stand in the signatures."""
CALLED = re.compile(r"[A-Za-z]\w*(?:\.\w+)+|[A-Za-z]\w*_\w+|[A-Za-z]\w{2,}(?=\()")
"""Names in code that a reader may look for: dotted, with an underscore, or called."""
SIGNS = {
    ("mfrac", 2): "/",
    ("msqrt", 1): "√",
    ("msub", 2): "_",
    ("msubsup", 2): "_",
    ("msubsup", 3): "^",
    ("msup", 2): "^",
}
"""What stands before a part of a formula in a line of text, by its parent and its number."""
INVISIBLE = dict.fromkeys(range(0x2061, 0x2065))
"""Signs of a formula that stand for nothing one sees."""


@dataclass
class Entry:
    """A place of a page, and the words that lead there."""

    kind: str
    place: str
    title: str = ""
    text: list[str] = field(default_factory=list)
    code: dict[str, None] = field(default_factory=dict)

    def stored(self, page: int, library: set[str]) -> list[Any]:
        """Return the entry as the script keeps it, with the names of the library in its code."""
        text = squeezed(self.text)
        code = (name for name in self.code if name.rpartition(".")[2] in library)
        told = "" if self.kind == "api" else " ".join(name for name in code if name not in text)
        return [page, self.place, self.kind, squeezed([self.title]), text, told]


@dataclass
class Opened:
    """An element whose end has not come yet: its tag, its entry, and what its text is."""

    tag: str
    entry: Entry | None = None
    mode: str = "text"
    parts: int = 0


def squeezed(parts: Iterable[str]) -> str:
    """Return text with single spaces."""
    return " ".join("".join(parts).split())


def symbols(parts: Iterable[str]) -> str:
    """Return the symbols of a formula as plain letters, with a space between two names.

    Examples
    --------
    >>> symbols(["𝜎", "(", "w", "x", ")"])
    'σ(w x)'
    """
    told = ""
    for part in (normalize("NFKC", part).translate(INVISIBLE).strip() for part in parts):
        told += " " * (told[-1:].isalnum() and part[:1].isalnum()) + part
    return told.replace("^′", "′")


def kind(tag: str, classes: set[str]) -> str:
    """Return what an element with an id is an entry for, or nothing."""
    if tag == "section":
        return "section"
    if tag == "dt":
        return "api" if "sig" in classes else "term"
    return next((KINDS[name] for name in KINDS if name in classes), "")


class Reader(HTMLParser):
    """Reads the article of a finished page into entries."""

    def __init__(self, html: str) -> None:
        """Read a page."""
        super().__init__()
        self.entries: list[Entry] = []
        self.opened = [Opened("", mode="unread")]
        self.formula: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note what an element is."""
        self.separate(tag)
        if tag in VOID:
            return
        values = {name: value or "" for name, value in attributes}
        classes = set(values.get("class", "").split())
        around = self.opened[-1]
        around.parts += 1
        mode = "text" if tag == "article" else around.mode
        element = replace(around, tag=tag, mode=mode, parts=0)
        if element.mode in ("text", "output") and "id" in values and kind(tag, classes):
            element.entry = self.begin(kind(tag, classes), values["id"])
            if tag == "dt":  # what is told of a name stands beside it
                around.entry = element.entry
        element.mode = self.mode(element, classes)
        self.opened.append(element)
        if mode == "formula":
            self.handle_data(SIGNS.get((around.tag, around.parts), ""))
            self.bracket("(")

    def begin(self, kind: str, place: str) -> Entry:
        """Return a new entry; the first is the page."""
        if not self.entries:
            kind, place = "page", ""
        before = self.entries[-1] if self.entries else None
        entry = Entry(kind, place, "Solution" if kind == "solution" else "")
        if kind == "solution" and before and before.kind == "exercise":
            entry.title = f"Solution: {before.title}"
        self.entries.append(entry)
        return entry

    def mode(self, element: Opened, classes: set[str]) -> str:
        """Return what the text of an element is, which is first what it is around it."""
        tag, mode = element.tag, element.mode
        if mode == "unread" or tag in UNREAD_TAGS or classes & UNREAD_CLASSES:
            return "unread"
        if tag == "summary":
            return "unread"
        if tag == "pre":
            return "unread" if mode == "output" else "code"
        if tag == "math":
            return "formula"
        if "cell_output" in classes:
            return "output"
        return "title" if element.entry and entitles(tag, classes, element.entry) else mode

    def handle_endtag(self, tag: str) -> None:
        """Leave an element, and those within it that were never closed."""
        if any(element.tag == tag for element in self.opened):
            self.bracket(")")
            while self.opened.pop().tag != tag:
                pass
            if tag == "math":
                self.handle_data(symbols(self.formula))
                self.formula = []
            self.separate(tag)

    def bracket(self, bracket: str) -> None:
        """Keep a part of a formula together that has several parts itself."""
        around, element = self.opened[-2:]
        if element.tag == "mrow" and any(around.tag == tag for tag, _ in SIGNS):
            self.handle_data(bracket)

    def separate(self, tag: str) -> None:
        """Keep the words of two blocks apart."""
        if tag not in INLINE and self.opened[-1].mode != "formula":
            self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        """Keep a text where it belongs."""
        mode, entry = self.opened[-1].mode, self.opened[-1].entry
        if mode == "formula":
            self.formula.append(data)
        elif mode == "code" and entry:
            entry.code |= dict.fromkeys(CALLED.findall(data))
        elif mode == "title" and entry:
            entry.title += data
        elif mode != "unread" and entry:
            entry.text.append(data)


def entitles(tag: str, classes: set[str], entry: Entry) -> bool:
    """Return whether an element is the title of an entry that has none yet."""
    if entry.title.strip():
        return False
    if entry.kind in ("page", "section"):
        return tag in HEADINGS
    return tag == "dt" if entry.kind == "term" else TITLES.get(entry.kind) in classes


def entries(pages: Iterable[tuple[str, str]]) -> dict[str, list[Any]]:
    """Return the index of pages, each given by its address and its HTML.

    The title of a name of the library is its place, and that of a source its beginning: both are
    empty. A heading with nothing below it is no entry.
    """
    read = [(address, Reader(html).entries) for address, html in pages]
    every = [entry for _, found in read for entry in found]
    library = {entry.place.rpartition(".")[2] for entry in every if entry.kind == "api"}
    titles = [[address, squeezed([found[0].title])] for address, found in read if found]
    stored = [
        entry.stored(number, library)
        for number, found in enumerate(found for _, found in read if found)
        for entry in found
        if entry.kind != "section" or squeezed(entry.text)
    ]
    return {"pages": titles, "entries": stored}


def synonyms(path: Path = SYNONYMS) -> list[list[str]]:
    """Return the groups of words that find one another.

    Raises
    ------
    ExtensionError
        If the file is no TOML, or holds anything but ``groups``, lists of two words or more.
    """
    expected = 'expected is groups = [["word", "another word", ...], ...] and nothing else'
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ExtensionError(f"{path.name} cannot be read: {error}; {expected}") from None
    groups = content.pop("groups", None)
    if content or not isinstance(groups, list):
        told = f"has {', '.join(content)}" if content else "has no list of groups"
        raise ExtensionError(f"{path.name} {told}; {expected}")
    seen: dict[str, int] = {}
    for number, group in enumerate(groups, start=1):
        check_group(group, f"group {number} of {path.name}", seen)
        seen |= dict.fromkeys(map(str.casefold, group), number)
    return groups


def check_group(group: Any, where: str, seen: dict[str, int]) -> None:
    """Raise an error unless a group has two different words or more, which no other has."""
    if not isinstance(group, list) or not all(isinstance(w, str) and w.strip() for w in group):
        raise ExtensionError(f"{where} is {group!r}; expected is a list of words")
    if len({word.casefold() for word in group}) < max(2, len(group)):
        raise ExtensionError(f"{where} is {group!r}; expected are two different words or more")
    for word in group:
        if word.casefold() in seen:
            raise ExtensionError(f"{where} has {word!r}, as has group {seen[word.casefold()]}")


def finished_pages(app: Sphinx, builder: StandaloneHTMLBuilder) -> Iterator[tuple[str, str]]:
    """Yield the address and the HTML of every page, in the order of the book."""
    for docname in app.env.collect_relations():
        html = Path(builder.get_outfilename(docname)).read_text(encoding="utf-8")
        yield builder.get_target_uri(docname), html


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Write the index beside the scripts of the theme."""
    builder = app.builder
    if exception or not isinstance(builder, StandaloneHTMLBuilder) or builder.name != "html":
        return
    index = entries(finished_pages(app, builder)) | {"synonyms": synonyms()}
    told = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    output = Path(app.outdir)
    (output / "_static" / INDEX).write_text(f"window.COURSE_SEARCH={told};\n", encoding="utf-8")


def leave_out_stock(app: Sphinx) -> None:
    """Have no index made by Sphinx, and tell a wrong file of synonyms before pages are read."""
    synonyms()
    if isinstance(app.builder, StandaloneHTMLBuilder):
        app.builder.search = False


def search_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the page of the search, which Sphinx makes only with its own index."""
    if isinstance(app.builder, StandaloneHTMLBuilder) and app.builder.name == "html":
        yield "search", {"title": "Search"}, "search.html"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("builder-inited", leave_out_stock)
    app.connect("html-collect-pages", search_page)
    app.connect("build-finished", write_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
