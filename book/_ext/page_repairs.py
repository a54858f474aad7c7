"""Repair what Sphinx and its extensions get wrong, as each page leaves its template.

Nothing here changes what a page says. Text that is written for a terminal too, as docstrings and
cards are, gets powers, signs of minus and apostrophes. Code loses the tags that give it no color,
which are most of them, a number stays in one piece and keeps its percent sign on its line, a
formula what touches it and a parameter its comma, and a few attributes are put right for readers
who use a keyboard or a screen reader.
"""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

from sphinx.application import Sphinx

Repair = tuple[re.Pattern[str], str]

OUTPUT = re.compile(
    r'(<div class="output (?:stream|text_plain))(?: prose)?( [^>]*>\s*<div class="highlight"><pre>)'
    r"(.*?)(?=</pre>)",
    re.DOTALL,
)
"""What a cell printed."""
ALIGNED = re.compile(r"\S(?<!checked:) {2,}\S")
"""Columns, which would be lost if their lines broke; an indented *checked* is none."""
SKIPPED = re.compile(r' *<span class="c1"># fmt: skip</span>')
"""A word to the formatter, which tells a reader nothing."""
CARD = re.compile(r'<aside class="claim\b.*?</aside>|<ul class="ledger\b.*', re.DOTALL)
EPSILON = re.compile(r"\beps\b")
"""How a card says ε, which a terminal may not show."""
POWER = re.compile(r"\^(?:\(([^()<>]*)\)|(-?\w+))")
TIMES = re.compile(r"(?<=\d) x (?=\d)")
MINUS = re.compile(r"(?<![\w.)-])-(?=\.?\d)|(?<= )-(?= [\d(])|(?<=\b\w )-(?= \w\b)")
QUOTE = "(?:'|&#x27;|&#39;)"
PRIMES = re.compile(rf"(?<=\w){QUOTE}(?=\()|(?<=\w){3 * QUOTE}")
"""Signs of derivatives."""
APOSTROPHE = re.compile(rf"(?<=\w){QUOTE}")
NAME = re.compile(r'(<span class="pre)(">)([^<]+)(?=</span>)')
"""A piece of code in a sentence, between spaces."""
CALL = re.compile(r"(?<=\w)([(=])(?=['\"\w])")
"""Where a call may break: before an argument, and before its value."""
PATHS, WORDS = re.compile(r"(?<=\w)([./])(?=\w{3})"), re.compile(r"(?<=\w)(_)(?=\w)")
SHORT, LONG_NAME = 24, 16  # characters
INLINE = re.compile(r'<code class="([^"]*)">((?:(?!</code>).)*)</code>', re.DOTALL)
SIGNATURE = re.compile(r'<dt class="sig\b.*?</dt>', re.DOTALL)
PARAMETER = re.compile(r'(</em>)(,|<span class="sig-paren">\)</span>)')
"""The end of a parameter in a signature, and what is not to stand alone on the next line."""
HYPHENED = re.compile(r"\S*[\w)][-\u2013\u2212](?=\d)\S*")
"""A date, an interval or the sizes of layers, between which browsers would break lines."""
INTERVAL = re.compile(r"([\[(][-+\u2212]?[\d.]+%?[,;]) ([-+\u2212]?[\d.]+%?[\])])")

COLORED = frozenset(
    "k kn kc kd kr ow s s1 s2 sa se si sd mi mf mh m il c1 c ch cm go nf nc fm nd gp gt gr".split()
)
"""The classes of Pygments that the style sheet has a color for."""
CODE = re.compile(r'(<div class="highlight"><pre>)(.*?)(</pre></div>)', re.DOTALL)
LONGEST = 106
"""Characters of a line of code that a printed page holds; tags and entities count too."""
LONG = re.compile(rf"^[^<>\n]{{{LONGEST + 1},}}\n?", re.MULTILINE)
"""A line without tags that a printed page does not hold."""
APART = re.compile(
    r'<dt class="sig\b.*?</dt>|<span class="whole">.*?</span>'
    r"|<(pre|code|script|style|math|svg|title|select)\b.*?</\1>|<[^>]*>",
    re.DOTALL,
)
"""What is no text: tags, programs, drawings, what is whole, and elements that hold no other."""
UNBROKEN = re.compile(r"(?<=\d) ?(?=%(?!\w))|(?<=\bFig\.) (?=\d)")
"""Spaces at which no line breaks, also before a percent sign that a cell printed without one."""
FORMULA = re.compile(
    r'<span class="tied">.*?</span>'
    r"|(?P<before>[(\[“]*)(?P<math><math\b[^>]*>.*?</math>)(?P<after>[.,;:!?)\]”’]*(?:-\w+)?)",
    re.DOTALL,
)
"""A formula with the brackets and points that touch it; browsers would break lines between them."""
TOKEN = re.compile(r'<span class="(\w+)">([^<]*)</span>')


def repair(pattern: str, replacement: str = "") -> Repair:
    """Return a compiled repair; a dot in the pattern matches line breaks too."""
    return re.compile(pattern, re.DOTALL), replacement


REPAIRS: dict[str, Repair] = {
    # The role is deprecated, and not allowed in a list.
    "bibliography role": repair(r'role="doc-biblioentry"', 'role="listitem"'),
    # A heading has a level; the caption of a part of the book stands below the title.
    "caption level": repair(
        r'<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'
    ),
    # A table's corner that says nothing heads nothing.
    "empty head": repair(r"<th\b([^>]*)>\s*(?:<p>\s*</p>)?\s*</th>", r"<td\1></td>"),
    # A claim can be linked to.
    "claim link": repair(
        r'(<aside class="claim[^>]*\bid="(claim-[\w-]+)"[^>]*>\s*<p class="claim-statement">)'
        r"(?:(?!</p>|headerlink).)*(?=</p>)",
        r'\g<0> <a class="headerlink" href="#\2" title="Link to this claim">#</a>',
    ),
    # Docstrings number their citations each from 1, and nothing links to these.
    "citation ids": repair(r'(<span class="bibtex-citation") id="id\d+"', r"\1"),
    # A paragraph cannot hold one: browsers would leave two that are empty.
    "list in a paragraph": repair(
        r'(<dd class="field-\w+">)<p>(<ul class="simple">(?:(?!</dd>).)*</ul>)\s*</p>(?=\s*</dd>)',
        r"\1\2",
    ),
    # The same id on every exercise of a page.
    "exercise ids": repair(
        r'<section id="(exercise|solution)-content">', r'<section class="\1-content">'
    ),
}


def plain(token: re.Match[str]) -> str:
    """Return a piece of code without its tag, if the tag has no color."""
    return token[0] if token[1] in COLORED else token[2]


def lean(code: re.Match[str]) -> str:
    """Return a block of code with the tags that color it, and marks on lines too long for paper."""
    text = TOKEN.sub(plain, SKIPPED.sub("", code[2].replace("<span></span>", "")))
    return code[1] + LONG.sub(r'<span class="long">\g<0></span>', text) + code[3]


def hanging(output: re.Match[str]) -> str:
    """Return an output whose long lines can hang, and that breaks on a phone if it is prose."""
    prose = not ALIGNED.search(output[3])
    long = re.compile(rf"^[^<>\n]{{{36 if prose else 88},}}\n?", re.MULTILINE)
    text = long.sub(r'<span class="hangs">\g<0></span>', output[3])
    return f"{output[1]}{' prose' if prose else ''}{output[2]}{text}"


def breaking(name: re.Match[str]) -> str:
    """Return a piece of code that breaks between the parts of a name, and at no hyphen if short."""
    text = name[3]
    if "-" in text and len(text) <= SHORT:
        return f"{name[1]} whole{name[2]}{text}"
    if len(text) >= LONG_NAME:
        parts = PATHS if PATHS.search(text) or CALL.search(text) else WORDS
        text = CALL.sub(r"\1<wbr>", parts.sub(r"\1<wbr>", text))
    return name[1] + name[2] + text


def outside_tags(change: Callable[[str], str], html: str) -> str:
    """Return HTML with its text changed, and not its tags, programs and formulas."""
    parts, end = [], 0
    for found in APART.finditer(html):
        parts += [change(html[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, change(html[end:])])


def typeset(text: str) -> str:
    """Return a text with powers raised, and with signs of minus and times, primes, apostrophes."""
    raised = POWER.sub(lambda found: f"<sup>{found[1] or found[2]}</sup>", text)
    signed = MINUS.sub("\N{MINUS SIGN}", raised.replace("<sup>-", "<sup>\N{MINUS SIGN}"))
    crossed = TIMES.sub(" \N{MULTIPLICATION SIGN} ", signed)
    primed = PRIMES.sub(lambda found: "\N{PRIME}" * len(re.findall(QUOTE, found[0])), crossed)
    return APOSTROPHE.sub("\N{RIGHT SINGLE QUOTATION MARK}", primed)


def with_epsilon(card: re.Match[str]) -> str:
    """Return a card with the letter for its name."""
    return outside_tags(lambda text: EPSILON.sub("\N{GREEK SMALL LETTER EPSILON}", text), card[0])


def joined(text: str) -> str:
    """Return a text whose lines break neither before a percent sign nor within an interval."""
    spaced = INTERVAL.sub("\\1\N{NO-BREAK SPACE}\\2", UNBROKEN.sub("\N{NO-BREAK SPACE}", text))
    return HYPHENED.sub(unbroken, spaced)


def unbroken(found: re.Match[str]) -> str:
    """Return a number in one piece, unless it is as long as an address."""
    return f'<span class="whole">{found[0]}</span>' if len(found[0]) <= SHORT else found[0]


def whole_code(code: re.Match[str]) -> str:
    """Return code in a sentence, in one piece if it is an expression that is short."""
    said = re.sub(r"<[^>]*>", "", code[2])
    if " " not in said or len(unescape(said)) > SHORT or code[1].endswith(" whole"):
        return code[0]
    parts = code[2].replace('<span class="pre">', '<span class="pre whole">')
    return f'<code class="{code[1]} whole">{parts}</code>'


def kept_parameters(signature: re.Match[str]) -> str:
    """Return a signature whose parameters keep the sign that follows them."""
    return PARAMETER.sub(r"\2\1", signature[0])


def tied(formula: re.Match[str]) -> str:
    """Return a formula in one piece with what touches it, unless it stands in a line of its own."""
    if not (formula["before"] or formula["after"]) or 'display="block"' in formula["math"]:
        return formula[0]
    return f'<span class="tied">{formula[0]}</span>'


def repaired(html: str) -> str:
    """Return a page with every repair applied."""
    for pattern, replacement in REPAIRS.values():
        html = pattern.sub(replacement, html)
    html = outside_tags(typeset, CARD.sub(with_epsilon, html))
    html = INLINE.sub(whole_code, SIGNATURE.sub(kept_parameters, html))
    html = OUTPUT.sub(hanging, CODE.sub(lean, NAME.sub(breaking, html)))
    return FORMULA.sub(tied, outside_tags(joined, html))


def after(render: Callable[..., str]) -> Callable[..., str]:
    """Return a render function that repairs what the given one returns."""

    def render_and_repair(*arguments: Any, **options: Any) -> str:
        return repaired(render(*arguments, **options))

    return render_and_repair


def wrap_templates(app: Sphinx) -> None:
    """Repair every page that the builder's templates make."""
    templates = getattr(app.builder, "templates", None)
    if templates is not None:
        templates.render = after(templates.render)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("builder-inited", wrap_templates, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
