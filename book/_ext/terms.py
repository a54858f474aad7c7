"""Terms and symbols: links to the section that introduces one, and from chapters to the glossary.

The role ``section`` takes a page and the id of a section, as in ``functions#the-gallery``.
The first use of a term of the glossary in each chapter becomes a link with the definition as its
title, which the site's script shows as a card. Links to claims get the verdict and the statement.
"""

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from claim_ledger import LABELS, records
from code_links import section_link

LOGGER = logging.getLogger(__name__)
GLOSSARY = "book/glossary"
UNMARKED = (
    nodes.reference,
    nodes.title,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.caption,
    nodes.table,
    nodes.rubric,
    addnodes.pending_xref,
    addnodes.desc,
)
"""Where no term is marked."""


class section_place(nodes.Inline, nodes.Element):
    """The place of a link to a section until the sections have their numbers."""


class SectionRole(SphinxRole):
    """The role ``section``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Mark the place."""
        page, _, section = self.text.partition("#")
        place = section_place(page=f"book/{page}", section=section)
        self.set_source_info(place)
        return [place], []


class ClaimRole(SphinxRole):
    """The role ``claim``, which takes the name of a claim."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Mark the place."""
        place = claim_place(claim=self.text)
        self.set_source_info(place)
        return [place], []


class claim_place(nodes.Inline, nodes.Element):
    """The place of a link to a claim until all pages have been read."""


def glossary(env: BuildEnvironment) -> dict[str, tuple[str, str]]:
    """Return the id and the definition of every term, by the term in lower case."""
    if not hasattr(env, "course_glossary"):
        env.course_glossary = {}
    return env.course_glossary


def read_glossary(app: Sphinx, doctree: nodes.document) -> None:
    """Collect the terms when the glossary is read."""
    if app.env.docname == GLOSSARY:
        glossary(app.env).clear()
        for item in doctree.findall(nodes.definition_list_item):
            told = definition(item[-1])
            for term in item.findall(nodes.term):
                glossary(app.env)[term.astext().lower()] = term["ids"][0], told


def definition(node: nodes.Element) -> str:
    """Return a definition as plain text, without the section that introduces the term."""
    paragraph = next(node.findall(nodes.paragraph))
    texts = (
        child.astext() for child in paragraph if not isinstance(child, section_place | claim_place)
    )
    return " ".join("".join(texts).split())


def all_again(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Have every page written anew when the glossary has changed."""
    return sorted(env.found_docs - added) if GLOSSARY in added | changed else []


def pattern(env: BuildEnvironment) -> re.Pattern[str]:
    """Return what finds a term, in the singular or the plural.

    A term with a remark in parentheses means several things; it is never found.
    """
    terms = sorted((term for term in glossary(env) if "(" not in term), key=len, reverse=True)
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, terms))})(s?)(?![\w-])", re.IGNORECASE)


def markable(node: nodes.Text) -> bool:
    """Return whether a term may be marked in a piece of text."""
    inside_paragraph = False
    above = node.parent
    while above is not None:
        if isinstance(above, UNMARKED):
            return False
        inside_paragraph |= isinstance(above, nodes.paragraph)
        above = above.parent
    return inside_paragraph


def mark(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link the first use of every term on the page of a chapter."""
    seen = {
        link["refuri"].rpartition("#")[2]
        for link in doctree.findall(nodes.reference)
        if "term-" in link.get("refuri", "")
    }
    find = pattern(app.env)
    for text in list(doctree.findall(nodes.Text)):
        if markable(text):
            parts, end = [], 0
            for match in find.finditer(text):
                target, told = glossary(app.env)[match[1].lower()]
                if target not in seen:
                    seen.add(target)
                    parts += [nodes.Text(text[end : match.start()])]
                    parts += [term_link(app, docname, match[0], target, told)]
                    end = match.end()
            if parts:
                text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def term_link(app: Sphinx, docname: str, text: str, target: str, told: str) -> nodes.reference:
    """Return a link to a term."""
    uri = app.builder.get_relative_uri(docname, GLOSSARY) + f"#{target}"
    return nodes.reference("", text, refuri=uri, reftitle=told, internal=True, classes=["term"])


def resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link sections, claims and terms."""
    for place in list(doctree.findall(section_place)):
        try:
            link = section_link(app, docname, place["page"], place["section"])
            link["classes"] = ["introduced"]
        except KeyError:
            where = f"{place['page']}#{place['section']}"
            LOGGER.warning("there is no section %s", where, location=place, type="section")
            link = nodes.inline("", place["section"])
        place.replace_self(link)
    for place in list(doctree.findall(claim_place)):
        place.replace_self(claim_link(app, docname, place))
    for link in doctree.findall(nodes.reference):
        page, _, target = link.get("refuri", "").partition("#")
        if page == app.builder.get_relative_uri(docname, GLOSSARY) and target.startswith("term-"):
            told = {name: text for name, text in glossary(app.env).values()}
            link["reftitle"] = told[target]
            link["classes"] = ["term"]
    if app.env.doc2path(docname).endswith(".ipynb") and glossary(app.env):
        mark(app, doctree, docname)


def claim_link(app: Sphinx, docname: str, place: nodes.Element) -> nodes.Node:
    """Return a link to the card of a claim, with its verdict and statement as the title."""
    for page, found in records(app.env).items():
        for record in found:
            if record["id"] == place["claim"]:
                uri = app.builder.get_relative_uri(docname, page) + f"#claim-{record['id']}"
                told = f"{LABELS[record['verdict']].capitalize()}: {record['text']}"
                name = f"claim {record['id']}"
                options = {"reftitle": told, "classes": ["introduced"]}
                return nodes.reference("", name, refuri=uri, internal=True, **options)
    LOGGER.warning("no page decides claim %r", place["claim"], location=place, type="claim")
    return nodes.inline("", place["claim"])


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget the terms when the glossary is gone or about to be read again."""
    if docname == GLOSSARY:
        glossary(env).clear()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_node(section_place)
    app.add_node(claim_place)
    app.add_role("section", SectionRole())
    app.add_role("claim", ClaimRole())
    app.connect("env-get-outdated", all_again)
    app.connect("env-purge-doc", purge)
    app.connect("doctree-read", read_glossary)
    app.connect("doctree-resolved", resolve)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
