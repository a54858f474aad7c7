"""Repair what the theme's pages get wrong, as each page leaves its template.

Nothing here changes what a page says. Scripts that a static book has no use for are left out (the
icons come from a web font, and Thebe would ask other servers to run code), and a few attributes
are put right for readers who use a keyboard or a screen reader.
"""

import re
from collections.abc import Callable
from typing import Any

from sphinx.application import Sphinx

Repair = tuple[re.Pattern[str], str]


def repair(pattern: str, replacement: str = "") -> Repair:
    """Return a compiled repair; a dot in the pattern matches line breaks too."""
    return re.compile(pattern, re.DOTALL), replacement


REPAIRS: dict[str, Repair] = {
    # 1.5 MB of icons as scripts: the web font has them all.
    "font awesome script": repair(r'<script[^>]*\bsrc="[^"]*/fontawesome\.js[^>]*></script>'),
    # The theme puts this in twice, and the second declaration of a constant is an error.
    "thebe constants": repair(r"<script>const THEBE_JS_URL(?:(?!</script>).)*</script>"),
    "thebe script": repair(r'<script[^>]*\bsrc="[^"]*sphinx-thebe\.js[^>]*></script>'),
    "thebe style": repair(r'<link[^>]*\bhref="[^"]*sphinx-thebe\.css[^>]*/?>'),
    "thebe settings": repair(r'<script type="text/x-thebe-config">.*?</script>'),
    "thebe kernel": repair(r"<script>kernelName = (?:(?!</script>).)*</script>"),
    # A label must not differ from the text that one sees.
    "search label": repair(
        r'(<button class="btn search-button-field[^>]*?) aria-label="[^"]*"', r"\1"
    ),
    "summary label": repair(r'<summary aria-label="[^"]*">', "<summary>"),
    # Everything on a page should lie in a region that has a name.
    "logo region": repair(
        r'(?<!<nav aria-label="Home">)<a class="navbar-brand logo".*?</a>',
        r'<nav aria-label="Home">\g<0></nav>',
    ),
    # The role is deprecated, and not allowed in a list.
    "bibliography role": repair(r'role="doc-biblioentry"', 'role="listitem"'),
    # The same id on every exercise of a page.
    "exercise ids": repair(
        r'<section id="(exercise|solution)-content">', r'<section class="\1-content">'
    ),
}


def repaired(html: str) -> str:
    """Return a page with every repair applied."""
    for pattern, replacement in REPAIRS.values():
        html = pattern.sub(replacement, html)
    return html


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
