"""The directives of the page of the atlas: every line of every home, from what is stored.

``atlas-asked`` says what was asked, ``atlas-overview`` is a table of functions and homes,
``atlas-lines`` has the lines of each function, and ``atlas-homes`` the homes with what is imported.
They are made from `course_lib.frameworks.atlas` while the page is read, and stand without scripts.

In the page are values in float32. Slopes, the other dtypes and what a reader types to ask again are
in a script beside it, which the page's own script asks for when it needs them. Script and style
lie in ``book/_site``: Jupyter Book has every page load those in ``book/_static``.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.util.docutils import SphinxDirective

import atlas_lines as told
from atlas_homes import HOMES, program
from course_lib.frameworks import homes
from course_lib.frameworks.atlas import ASKED

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = "../scripts/atlas.js"
STYLE = "../styles/atlas.css"
DATA = "atlas-lines.js"
SOURCES = "_modules/atlas"
"""Where the programs that asked are shown, unless a repository shows them."""
MODULES = ROOT / "atlas" / "homes"
IMPORTED = re.compile(r"^(?:from|import) (\w+)", re.MULTILINE)
EMPTY = '<td class="none"></td>'


# What was asked.


def asked() -> str:
    """Return in words how many lines and answers there are, when and where they were asked."""
    stored = {name: each for name, each in homes().items() if "failed" not in each}
    answers = sum(each is not None for mode in told.MODES for each in told.cells(mode))
    sizes = {size for each in stored.values() for size in each["numbers"].values()}
    dates = sorted({each["date"] for each in stored.values()})
    machines = sorted({each["machine"] for each in stored.values()})
    functions = len({line.name for line in told.lines()})
    return (
        f"The table has {len(told.lines()):,} lines of {len(stored)} homes, under {functions} names"
        f" of the catalogue, and {answers:,} verdicts: on values and on slopes, in each dtype that "
        f"the home computes in. A line was asked at {min(sizes):,} to {max(sizes):,} numbers of the"
        f" dtype. All this was asked on {' and '.join(dates)}, on {' and '.join(machines)}."
    )


# The table of functions and homes.


def columns() -> list[str]:
    """Return the homes that have lines, in the order of the columns."""
    known = {line.home for line in told.lines()}
    return [home for home in HOMES if home in known]


def heads() -> str:
    """Return the two rows of heads: kinds of homes, and homes."""
    groups: dict[str, int] = {}
    for home in columns():
        groups[HOMES[home].group] = groups.get(HOMES[home].group, 0) + 1
    above = "".join(
        f'<th colspan="{count}" scope="colgroup">{name}</th>' for name, count in groups.items()
    )
    below = "".join(
        f'<th scope="col"><a href="#home-{home}">{escape(HOMES[home].label)}</a></th>'
        for home in columns()
    )
    return f'<tr><td rowspan="2"></td>{above}</tr><tr class="homes">{below}</tr>'


def overview() -> str:
    """Return the table of functions and homes, each with the sign of the first line there."""
    rows = []
    for name, found in told.by_function(told.FIRST).items():
        cells = []
        for home in columns():
            here = [cell for line, cell in found if line.home == home]
            sign = told.sign(here)
            place = f"{name}.{home}.0"
            kind = f' class="{told.SHORT[sign[0]]}"' if sign else ' class="none"'
            link = f'<a href="#{place}">{sign}</a>' if sign else ""
            cells.append(f"<td{kind}>{link}</td>")
        head = f'<th scope="row"><a href="#{name}">{name}</a></th>'
        rows.append(f"<tr>{head}{''.join(cells)}</tr>")
    caption = "Values in float32: what the first line of each home is"
    return (
        f'<div class="scrolls atlas-overview"><table><caption>{caption}</caption>'
        f"<thead>{heads()}</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


# The lines.


def row(line: told.Line, cell: told.Cell | None) -> str:
    """Return a row: the home, what is typed there, and what is told of it."""
    assert cell is not None  # every line was asked for values in float32
    facts = escape(cell.told) + (f" <code>{escape(cell.error)}</code>" if cell.error else "")
    kind = told.SHORT[cell.sign]
    return (
        f'<tr id="{line.place}"><th scope="row">{escape(HOMES[line.home].label)}</th>'
        f"<td><code>{escape(line.line, quote=False)}</code></td>"
        f'<td class="{kind}"><b>{cell.sign} {kind}</b> {facts}</td></tr>'
    )


def group(name: str, found: Sequence[tuple[told.Line, told.Cell | None]]) -> str:
    """Return the lines of a function, folded."""
    rows = "\n".join(row(line, cell) for line, cell in found)
    head = "".join(f'<th scope="col">{text}</th>' for text in ("Home", "Line", "What it computes"))
    return (
        f'<details class="atlas-function kept" id="{name}"><summary class="marked"><code>{name}'
        f"</code> <span>{told.counted([cell for _, cell in found])}</span></summary><table><thead>"
        f"<tr>{head}</tr></thead><tbody>\n{rows}</tbody></table></details>"
    )


def groups() -> str:
    """Return the lines of all functions."""
    return "\n".join(group(*each) for each in told.by_function(told.FIRST).items())


# The homes.


@cache
def module(home: str) -> str:
    """Return the source of a home's module."""
    return (MODULES / f"{home}.py").read_text(encoding="utf-8")


def place(home: str, name: str) -> tuple[str, int]:
    """Return the module and the line of it where the lines of a function stand."""
    for number, text in enumerate(module(home).splitlines(), start=1):
        if text.startswith(f'    "{name}": '):
            return home, number
    for each in dict.fromkeys(IMPORTED.findall(module(home))):
        if (MODULES / f"{each}.py").exists() and (found := place(each, name))[1] > 1:
            return found
    return home, 1


def address(app: Sphinx, docname: str, path: str, line: int = 0, mark: str = "") -> str:
    """Return where a program of the atlas is shown, seen from a page."""
    repository = app.env.course_repository  # type: ignore[attr-defined]
    if repository.url:
        at = app.env.course_commit or repository.branch  # type: ignore[attr-defined]
        return f"{repository.url}/blob/{at}/atlas/{path}" + (f"#L{line}" if line else "")
    shown = f"{SOURCES}/{path.removesuffix('.py')}"
    return app.builder.get_relative_uri(docname, shown) + (f"#{mark}" if mark else "")


def versions(home: str) -> str:
    """Return the versions of a home's packages."""
    return ", ".join(f"{name} {number}" for name, number in homes()[home]["versions"].items())


def home_entry(app: Sphinx, docname: str, home: str) -> str:
    """Return what a reader needs to know of a home."""
    stored = homes()[home]
    probe = address(app, docname, f"homes/{home}.py")
    setup = escape(stored["setup"], quote=False)
    return (
        f'<details class="kept" id="home-{home}"><summary class="marked">'
        f"{escape(HOMES[home].label)} <span>{escape(versions(home))}</span></summary>"
        f"<p>{escape(HOMES[home].label)}, {escape(versions(home))}, asked on {stored['date']} with "
        f'Python {stored["python"]} by <a href="{probe}"><code>atlas/homes/{home}.py</code></a>, '
        f"which installs <code>{escape(' '.join(stored['packages']))}</code>. In a program it is "
        f'<code>home="{home}"</code>. What is run before a line:</p>'
        f'<div class="highlight"><pre>{setup}</pre></div></details>'
    )


def programs(app: Sphinx, docname: str) -> str:
    """Return a sentence with links to the two programs that ask homes."""
    whole, one = (
        f'<a href="{address(app, docname, path)}"><code>atlas/{path}</code></a>'
        for path in ("probe.py", "probe_line.py")
    )
    return f"<p>The program {whole} asks a home for all its lines, {one} for a single one.</p>"


def home_list(app: Sphinx, docname: str) -> str:
    """Return the homes by kind, and those that failed."""
    parts = []
    for kind in dict.fromkeys(HOMES[home].group for home in columns()):
        entries = [home_entry(app, docname, h) for h in columns() if HOMES[h].group == kind]
        parts.append(f"<h3>{kind}</h3>\n" + "\n".join(entries))
    failed = {name: each["failed"] for name, each in homes().items() if "failed" in each}
    if failed:
        why = "".join(
            f"<li>{name}: <code>{escape(text)}</code></li>" for name, text in failed.items()
        )
        parts.append(f"<h3>Not installed, or failed</h3><ul>{why}</ul>")
    return f'<div class="atlas-homes">{"".join(parts)}</div>'


# The directives.


class AtlasDirective(SphinxDirective):
    """What all directives share: they take nothing, and mark the page as the atlas's."""

    def html(self, text: str) -> list[nodes.Node]:
        """Return HTML as a node, and have the page load script and style."""
        atlas_pages(self.env.app)[self.env.docname] = True
        return [nodes.raw("", text, format="html")]


class Asked(AtlasDirective):
    """The directive ``atlas-asked``."""

    def run(self) -> list[nodes.Node]:
        """Return a paragraph."""
        return [nodes.paragraph("", asked())]


class Overview(AtlasDirective):
    """The directive ``atlas-overview``."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return self.html(overview())


class Lines(AtlasDirective):
    """The directive ``atlas-lines``."""

    def run(self) -> list[nodes.Node]:
        """Return the lines, with the place of the filter and a link to all that is told of them."""
        data = f'<a class="atlas-data js-only" href="{relative(self.env.docname)}" hidden>Data</a>'
        place = f'<div class="atlas-place js-only">{data}</div>'
        return self.html(f'{place}<div class="atlas-lines">{groups()}</div>')


class Homes(AtlasDirective):
    """The directive ``atlas-homes``."""

    def run(self) -> list[nodes.Node]:
        """Return the homes, and every name that was asked, for the search of the site."""
        names = nodes.paragraph("", "Asked under the names ")
        for position, name in enumerate(told.by_function(told.FIRST)):
            names += [nodes.Text(", ")] * (position > 0) + [nodes.literal("", name)]
        names += nodes.Text(".")
        app, docname = self.env.app, self.env.docname
        return [names, *self.html(programs(app, docname) + home_list(app, docname))]


def relative(docname: str) -> str:
    """Return the address of the data, seen from a page."""
    return "../" * docname.count("/") + f"_static/{DATA}"


# Files beside the page.


def atlas_pages(app: Sphinx) -> dict[str, bool]:
    """Return the pages that have a table of the atlas."""
    if not hasattr(app.env, "course_atlas_pages"):
        app.env.course_atlas_pages = {}  # type: ignore[attr-defined]
    pages: dict[str, bool] = app.env.course_atlas_pages
    return pages


def purge(app: Sphinx, env: Any, docname: str) -> None:
    """Forget a page that is gone or about to be read again."""
    atlas_pages(app).pop(docname, None)


def data(app: Sphinx, docname: str) -> dict[str, Any]:
    """Return what the script of the page reads: cells of all modes, and homes."""
    stored = homes()
    return told.interned() | {
        "homes": {
            home: {
                "versions": versions(home),
                "doubles": HOMES[home].doubles,
                "programs": {a: program(home, stored[home]["setup"], a) for a in ASKED},
                "places": {
                    line.name: address(app, docname, f"homes/{at[0]}.py", at[1], line.name)
                    for line in told.lines()
                    if line.home == home and (at := place(home, line.name))
                },
            }
            for home in columns()
        }
    }


def write_data(app: Sphinx, exception: Exception | None) -> None:
    """Write what the script of the page asks for, beside the scripts of the theme."""
    pages = list(atlas_pages(app))
    if exception or not pages or app.builder.name != "html":
        return
    text = json.dumps(data(app, pages[0]), ensure_ascii=False, separators=(",", ":"))
    path = Path(app.outdir) / "_static" / DATA
    path.write_text(f"window.COURSE_ATLAS={text};\n", encoding="utf-8")


def add_files(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Have a page load script and style if it has the table."""
    if page in atlas_pages(app):
        app.add_css_file(STYLE)
        app.add_js_file(SCRIPT, loading_method="defer")


def source_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, str], str]]:
    """Yield a page for each program that asked, unless a repository shows them."""
    repository = app.env.course_repository  # type: ignore[attr-defined]
    if repository.url or app.builder.name != "html" or not atlas_pages(app):
        return
    places = [ROOT / "atlas" / f"{name}.py" for name in ("probe", "probe_line")]
    for path in [*places, *sorted(MODULES.glob("*.py"))]:
        name = path.relative_to(ROOT).as_posix()
        title = f"Source of {name}"
        body = f"<h1>Source of <code>{name}</code></h1>{source(app, path.read_text('utf-8'))}"
        shown = f"_modules/{name.removesuffix('.py')}"
        yield shown, {"title": title, "body": body}, "page.html"


def source(app: Sphinx, code: str) -> str:
    """Return the highlighted source of a program, with a place for each function's lines."""
    assert isinstance(app.builder, StandaloneHTMLBuilder)
    lines = app.builder.highlighter.highlight_block(code, "python").split("\n")
    plain = code.split("\n")
    begin = next(i for i, text in enumerate(lines) if "<pre>" in text)
    for number, text in enumerate(plain):
        if (found := re.match(r'    "(\w+)": ', text)) and number + begin < len(lines):
            lines[number + begin] = f'<span id="{found[1]}"></span>{lines[number + begin]}'
    return "\n".join(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    for name, directive in (
        ("asked", Asked), ("overview", Overview), ("lines", Lines), ("homes", Homes)
    ):  # fmt: skip
        app.add_directive(f"atlas-{name}", directive)
    app.connect("env-purge-doc", purge)
    app.connect("html-page-context", add_files)
    app.connect("html-collect-pages", source_pages)
    app.connect("build-finished", write_data)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
