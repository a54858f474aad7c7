"""The directives ``benchmark-table`` and ``benchmark-machine``: figures that benchmarks stored.

``python benchmarks --store`` writes them into ``benchmarks/results/``. The tables are made from
these files while the page is read, so that no figure of the page is typed by hand.
"""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

RESULTS = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "results"

Table = dict[str, Any]


def markdown(table: Table) -> list[str]:
    """Return the lines of a table: names to the left, figures to the right."""
    rule = [":---" if i < table["names"] else "---:" for i in range(len(table["head"]))]
    return [
        "| " + " | ".join(cell.replace("|", r"\|") for cell in row).strip() + " |"
        for row in (table["head"], rule, *table["rows"])
    ]


def parts(table: Table) -> list[tuple[str, Table]]:
    """Return a table for each entry of the first of three names or more, which then is its title.

    A table that says the same in many rows is wide, and on a phone little of it is to be seen.
    """
    if table["names"] < 3:
        return [("", table)]
    titles = dict.fromkeys(row[0] for row in table["rows"])
    return [
        (
            f"{table['head'][0]}: {title}",
            {
                "head": table["head"][1:],
                "names": table["names"] - 1,
                "rows": [row[1:] for row in table["rows"] if row[0] == title],
            },
        )
        for title in titles
    ]


def circumstances(result: dict[str, Any]) -> str:
    """Return a sentence that says when and where something was measured."""
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    commit = f" at commit `{result['commit']}`" if result["commit"] else ""
    return (
        f"Measured on {result['date']}{commit} by `{result['command']}`, "
        f"on {result['machine']}, with {versions}; matrix products by {result['blas']}, "
        f"NumPy's kernels for {result['features']}."
    )


class BenchmarkDirective(SphinxDirective):
    """What both directives share: the first argument names a file of results."""

    required_arguments = 1

    def result(self) -> dict[str, Any]:
        """Return what a benchmark stored; the page is read again when that changes."""
        name = self.arguments[0]
        names = sorted(path.stem for path in RESULTS.glob("*.json"))
        if name not in names:
            raise self.error(f"no benchmark has stored {name!r}; expected one of {names}")
        path = RESULTS / f"{name}.json"
        self.env.note_dependency(str(path))
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return stored


class BenchmarkTable(BenchmarkDirective):
    """The directive ``benchmark-table``, with the name of a benchmark and the title of a table."""

    required_arguments = 2
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return the table, or its parts, each below its title."""
        title, tables = self.arguments[1], self.result()["tables"]
        if title not in tables:
            raise self.error(f"no table is called {title!r}; expected one of {list(tables)}")
        found = nodes.container(classes=["benchmark"])
        for part, table in parts(tables[title]):
            if part:
                found += self.parse_text_to_nodes(f"**{part}**")
            found += self.parse_text_to_nodes("\n".join(markdown(table)))
        return [found]


class BenchmarkMachine(BenchmarkDirective):
    """The directive ``benchmark-machine``, with the name of a benchmark."""

    def run(self) -> list[nodes.Node]:
        """Return the sentence."""
        return self.parse_text_to_nodes(circumstances(self.result()))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("benchmark-table", BenchmarkTable)
    app.add_directive("benchmark-machine", BenchmarkMachine)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
