"""Repair what Sphinx and its extensions get wrong, as each page leaves its template.

Nothing here changes what a page says. Code loses the tags that give it no color, which are most
of them, a number keeps its percent sign on its line and a formula what touches it, and a few
attributes are put right for readers who use a keyboard or a screen reader.
"""

import re
from collections.abc import Callable
from typing import Any

from sphinx.application import Sphinx

Repair = tuple[re.Pattern[str], str]

COLORED = frozenset(
    "k kn kc kd kr ow s s1 s2 sa se si sd mi mf mh m il c1 c ch cm go nf nc fm nd gp gt gr".split()
)
"""The classes of Pygments that the style sheet has a color for."""
CODE = re.compile(r'(<div class="highlight"><pre>)(.*?)(</pre></div>)', re.DOTALL)
LONGEST = 106
"""Characters of a line of code that a printed page holds; tags and entities count too."""
LONG = re.compile(rf"^[^<>\n]{{{LONGEST + 1},}}\n?", re.MULTILINE)
"""A line without tags that a printed page does not hold."""
APART = re.compile(r"<(pre|code|script|style)\b.*?</\1>|<[^>]*>", re.DOTALL)
"""What is no text: tags, and elements whose spaces are part of a program."""
PERCENT = re.compile(r"(?<=\d) %")
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
    text = TOKEN.sub(plain, code[2].replace("<span></span>", ""))
    return code[1] + LONG.sub(r'<span class="long">\g<0></span>', text) + code[3]


def joined(html: str) -> str:
    """Return a page in which no line of text breaks between a number and its percent sign."""
    parts, end = [], 0
    for found in APART.finditer(html):
        parts += [PERCENT.sub("\N{NO-BREAK SPACE}%", html[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, PERCENT.sub("\N{NO-BREAK SPACE}%", html[end:])])


def tied(formula: re.Match[str]) -> str:
    """Return a formula in one piece with what touches it, unless it stands in a line of its own."""
    if not (formula["before"] or formula["after"]) or 'display="block"' in formula["math"]:
        return formula[0]
    return f'<span class="tied">{formula[0]}</span>'


def repaired(html: str) -> str:
    """Return a page with every repair applied."""
    for pattern, replacement in REPAIRS.values():
        html = pattern.sub(replacement, html)
    return FORMULA.sub(tied, joined(CODE.sub(lean, html)))


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
