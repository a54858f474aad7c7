"""Gather the claims that the chapters decide into one page, in the manner of ``sphinx.ext.todo``.

A cell that calls ``course_lib.claims.claim`` leaves a record among its outputs. While a page is
read, its records are put into the environment; the directive ``claim-ledger`` becomes the list of
them all, each linked to its card, when every page has been read.
"""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer, load_mime_renders
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from claim_formulas import as_nodes
from course_lib.claims import CLAIMS, MIME_TYPE, Claim
from course_lib.experiments import stored

LOGGER = logging.getLogger(__name__)
LABELS = {"holds": "holds", "holds-if": "holds if", "fails": "fails"}
ORIGIN = {  # columns of stored records, and what stands before their values
    "commit": "from commit",
    "version": "with course_lib",
    "numpy": "NumPy",
    "python": "Python",
    "machine": "on",
}

Record = dict[str, str]


class claim_record(nodes.Element):
    """What a cell decided, on its way from the reader to the environment."""


class claim_ledger(nodes.General, nodes.Element):
    """The place of the ledger until every page has been read."""


class ClaimRenderer:
    """Tells myst-nb that claim records are data for this extension, not something to show."""

    mime_priority_overrides = ()

    @staticmethod
    def handle_mime(
        renderer: NbElementRenderer, data: MimeData, inline: bool
    ) -> list[nodes.Element] | None:
        """Return a node that carries the record; leave all other outputs alone."""
        return [claim_record(record=dict(data.content))] if data.mime_type == MIME_TYPE else None


class ClaimLedger(SphinxDirective):
    """The directive ``claim-ledger``, which takes nothing."""

    def run(self) -> list[nodes.Node]:
        """Mark the place."""
        ledger_pages(self.env).add(self.env.docname)
        return [claim_ledger()]


def records(env: BuildEnvironment) -> dict[str, list[Record]]:
    """Return the records of every page that has some."""
    if not hasattr(env, "claim_records"):
        env.claim_records = {}
    return env.claim_records


def ledger_pages(env: BuildEnvironment) -> set[str]:
    """Return the pages that hold a ledger."""
    if not hasattr(env, "claim_ledger_pages"):
        env.claim_ledger_pages = set()
    return env.claim_ledger_pages


def collect(app: Sphinx, doctree: nodes.document) -> None:
    """Move the records of a page that was just read into the environment."""
    found = []
    for node in list(doctree.findall(claim_record)):
        found.append(node["record"])
        bundle_entry = node.parent
        bundle_entry.parent.remove(bundle_entry)
    if found:
        records(app.env)[app.env.docname] = found


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page that is gone or about to be read again."""
    records(env).pop(docname, None)
    ledger_pages(env).discard(docname)


def merge(app: Sphinx, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment) -> None:
    """Take over what a parallel reader has found."""
    records(env).update({k: v for k, v in records(other).items() if k in docnames})
    ledger_pages(env).update(ledger_pages(other) & docnames)


def pages_to_write(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Have the ledger written whenever anything is: any changed chapter may have changed it."""
    return sorted(ledger_pages(env))


def chapters(env: BuildEnvironment) -> list[str]:
    """Return the pages in the order of the table of contents."""
    return list(env.collect_relations())


def decided(env: BuildEnvironment) -> list[tuple[str, list[Record]]]:
    """Return the pages that decide claims, in the book's order, each with its records."""
    found = records(env)
    return [(docname, found[docname]) for docname in chapters(env) if docname in found]


def undecided(env: BuildEnvironment) -> list[Claim]:
    """Return the claims of the list that no page of the book decides."""
    known = {record["id"] for _, page in decided(env) for record in page}
    return [claim for claim in CLAIMS.values() if claim.id not in known]


def duplicates(env: BuildEnvironment) -> list[str]:
    """Return the claims that are decided more than once."""
    times = Counter(record["id"] for _, page in decided(env) for record in page)
    return [name for name, count in times.items() if count > 1]


def paragraph(*children: nodes.Node | str, **attributes: Any) -> nodes.paragraph:
    """Return a paragraph of texts and nodes."""
    node = nodes.paragraph(**attributes)
    node += [nodes.Text(child) if isinstance(child, str) else child for child in children]
    return node


def badge(verdict: str) -> nodes.inline:
    """Return the verdict as a word in a colored badge."""
    return nodes.inline("", LABELS[verdict], classes=["verdict", f"verdict-{verdict}"])


def link(app: Sphinx, page: str, docname: str, record: Record) -> nodes.reference:
    """Return a link to a claim's card, with the statement as its text."""
    uri = app.builder.get_relative_uri(page, docname) + f"#claim-{record['id']}"
    statement = as_nodes(record["id"], record["text"])
    return nodes.reference("", "", *statement, internal=True, refuri=uri)


def entry(app: Sphinx, page: str, docname: str, record: Record) -> nodes.list_item:
    """Return one claim of the ledger."""
    origin = f"Section {record['section']}, {record['source']}."
    verdict = paragraph(badge(record["verdict"]), classes=["claim-verdict"])
    if record["condition"]:
        joiner = " " if record["verdict"] == "holds-if" else ": "
        verdict += nodes.Text(joiner + record["condition"])
    return nodes.list_item(
        "",
        paragraph(link(app, page, docname, record), classes=["claim-statement"]),
        verdict,
        paragraph(nodes.strong("", f"{record['evidence']}:"), f" {record['measured']}"),
        *varied(CLAIMS.get(record["id"])),
        paragraph(origin, *made(record["study"]), classes=["claim-origin"]),
        classes=["ledger-entry", f"claim-{record['verdict']}", *facets(record)],
    )


def facets(record: Record) -> list[str]:
    """Return the classes by which the page's filter knows an entry."""
    evidence = "stored" if record["study"] else "live"
    return [f"evidence-{evidence}", f"section-{record['section'].replace('.', '-')}"]


def varied(claim: Claim | None) -> Iterator[nodes.Node]:
    """Return a folded list of what was varied before the verdict stood."""
    if claim is not None and claim.varied:
        yield nodes.raw("", "<details class='claim-varied'>", format="html")
        yield nodes.raw("", "<summary>What was varied</summary>", format="html")
        items = (
            paragraph(nodes.strong("", f"{name.capitalize()}:"), f" {told}")
            for name, told in claim.varied.items()
        )
        yield nodes.bullet_list("", *(nodes.list_item("", item) for item in items))
        yield nodes.raw("", "</details>", format="html")


def made(studies: str) -> Iterator[nodes.Node]:
    """Return how the stored records of each study were made: command, commit, date, machine."""
    for study in filter(None, studies.split(", ")):
        yield nodes.Text(" Stored records, made by ")
        yield nodes.literal("", f"make study NAME={study}")
        yield nodes.Text(f" {provenance(study)}.")


@lru_cache
def provenance(study: str) -> str:
    """Return when, from which commit, with what and where the records of a study were made."""
    found = stored(study)
    days = sorted({date[:10] for date in found.distinct("date")})
    told = ["on " + " to ".join(dict.fromkeys([days[0], days[-1]]))]
    for name, words in ORIGIN.items():
        values = [value or "unknown" for value in found.distinct(name)]
        told.append(f"{words} {' and '.join(values)}")
    return ", ".join(told)


def summary(env: BuildEnvironment) -> nodes.paragraph:
    """Return the counts by verdict, and what is still open."""
    found = Counter(record["verdict"] for _, page in decided(env) for record in page)
    open_count = len(undecided(env))
    node = paragraph(f"Claims decided: {found.total()}, of which ", classes=["ledger-summary"])
    for position, verdict in enumerate(LABELS):
        node += [nodes.Text(", " if position else ""), nodes.Text(f"{found[verdict]} ")]
        node += badge(verdict)
    node += nodes.Text(f". Not decided yet: {open_count}.")
    return node


def open_claims(env: BuildEnvironment) -> Iterator[nodes.Node]:
    """Return a folded list of the claims that no page decides."""
    waiting = undecided(env)
    if waiting:
        yield nodes.raw("", "<details class='ledger-open'>", format="html")
        yield nodes.raw("", f"<summary>Not decided yet ({len(waiting)})</summary>", format="html")
        items = (paragraph(f"{claim.text} (section {claim.section})") for claim in waiting)
        yield nodes.bullet_list("", *(nodes.list_item("", item) for item in items))
        yield nodes.raw("", "</details>", format="html")


def place(docname: str) -> str:
    """Return the anchor of a chapter within the ledger."""
    return f"ledger-{docname.replace('/', '-')}"


def overview(env: BuildEnvironment) -> nodes.bullet_list:
    """Return the ledger's contents: a line for each chapter, with its number of claims."""
    lines = nodes.bullet_list(classes=["ledger-contents"])
    for docname, found in decided(env):
        title = env.titles[docname].astext()
        target = nodes.reference("", title, internal=True, refuri=f"#{place(docname)}")
        lines += nodes.list_item("", paragraph(target, f", {len(found)}"))
    return lines


def bring_filter(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Load the filter where there is a ledger, and nowhere else."""
    if pagename in ledger_pages(app.env):
        app.add_js_file("ledger.js", loading_method="defer")


def ledger(app: Sphinx, page: str) -> list[nodes.Node]:
    """Return the nodes of the whole ledger, as they stand on a page."""
    env = app.env
    filters = nodes.raw("", '<div class="ledger-place js-only"></div>', format="html")
    content: list[nodes.Node] = [summary(env), filters, overview(env)]
    for docname, found in decided(env):
        section = nodes.section(ids=[place(docname)], classes=["ledger-chapter"])
        section += nodes.title("", env.titles[docname].astext())
        items = (entry(app, page, docname, record) for record in found)
        section += nodes.bullet_list("", *items, classes=["ledger"])
        content.append(section)
    return [*content, *open_claims(env)]


def fill_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the ledger in its place, and warn about claims that are decided twice."""
    for node in list(doctree.findall(claim_ledger)):
        for name in duplicates(app.env):
            LOGGER.warning("claim %r is decided more than once", name, type="claim_ledger")
        node.replace_self(ledger(app, docname))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    renderers = load_mime_renders()  # myst-nb knows no other way in than installed packages
    if ClaimRenderer not in renderers:
        renderers.append(ClaimRenderer)
    app.add_node(claim_record)
    app.add_node(claim_ledger)
    app.add_directive("claim-ledger", ClaimLedger)
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", pages_to_write)
    app.connect("doctree-resolved", fill_in)
    app.connect("html-page-context", bring_filter)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True}
