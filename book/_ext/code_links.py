"""Links from code and text to the reference, and from the reference to where a name is taught.

While a page is read, its cells are followed from import to use (`course_names.code_uses`); when it
is written, the first use of a name in a cell, and every name in the text, becomes a link. An entry
of the reference names the sections in which up to three chapters first use it.
"""

import re
from html import escape
from typing import NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.domains.python import PythonDomain
from sphinx.environment import BuildEnvironment
from sphinx.writers.html5 import HTML5Translator

from course_names import Use, activations_by_name, activations_in_prose, code_uses, text_name

MOST = 3
"""Chapters that an entry of the reference names."""
PASSED_OVER = ("what-you-will-be-able-to-do", "exercises", "further-reading")
"""Sections that use names before or after they are taught."""
UNLINKED = (nodes.reference, nodes.title, nodes.term, addnodes.desc_signature)
PIECE = re.compile(r"<[^>]*>|&#?\w+;|[\w.]+|.", re.DOTALL)
"""A tag, an entity, a name, or any other character of highlighted code."""


class Taught(NamedTuple):
    """A use of a name of the library in a section."""

    name: str
    section: str
    directly: bool = True
    """Whether the text or the code names it, and not a string such as ``"gelu"``."""


class linked_code(nodes.literal_block):
    """Code with links; ``links`` maps a line and a column to an address."""


def cells(doctree: nodes.document) -> list[nodes.literal_block]:
    """Return the code of a page that was read from a notebook."""
    blocks = doctree.findall(nodes.literal_block)
    return [block for block in blocks if block.get("language") == "ipython3"]


def section_of(node: nodes.Node) -> str:
    """Return the id of the section that a node stands in."""
    while node.parent is not None:
        if isinstance(node, nodes.section):
            return str(node["ids"][0])
        node = node.parent
    return ""


def follow(app: Sphinx, doctree: nodes.document) -> None:
    """Note on every piece of code which names of the library it uses, and in which section."""
    known: dict[str, str] = {}
    taught: list[Taught] = []
    for block in cells(doctree):
        block["uses"] = code_uses(block.astext(), known)
        section = section_of(block)
        taught += [Taught(use.name, section) for use in block["uses"] if not use.imported]
        taught += [Taught(name, section, False) for name in activations_by_name(block.astext())]
    for paragraph in doctree.findall(nodes.paragraph):
        section = section_of(paragraph)
        taught += [Taught(name, section) for name in activations_in_prose(paragraph.astext())]
    known |= documented(doctree)
    for kind in (nodes.literal, nodes.title_reference):
        for literal in doctree.findall(kind):
            name = text_name(literal.astext(), known)
            if name and literal.astext() not in parameters_above(literal):
                literal["name_in_full"] = name
                taught.append(Taught(name, section_of(literal)))
    uses(app.env)[app.env.docname] = taught


def documented(doctree: nodes.document) -> dict[str, str]:
    """Return what a page of the reference documents, short name to full name."""
    signatures = doctree.findall(addnodes.desc_signature)
    found = (signature["place"] for signature in signatures if "place" in signature)
    return {place.name: place.public for place in found if "." not in place.name}


def parameters_above(node: nodes.Node) -> set[str]:
    """Return the parameters of the functions whose documentation a node stands in."""
    names = set()
    while node.parent is not None:
        node = node.parent
        if isinstance(node, addnodes.desc):
            found = node[0].findall(addnodes.desc_sig_name)
            names |= {name.astext() for name in found}
    return names


def uses(env: BuildEnvironment) -> dict[str, list[Taught]]:
    """Return what every page uses."""
    if not hasattr(env, "course_uses"):
        env.course_uses = {}
    return env.course_uses


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page that is gone or about to be read again."""
    uses(env).pop(docname, None)


def reference_pages(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Have the reference written whenever anything is: any chapter may have changed it."""
    return sorted({entry.docname for entry in objects(env).values()})


def objects(env: BuildEnvironment) -> dict:
    """Return what the reference documents, by full name."""
    domain = env.get_domain("py")
    assert isinstance(domain, PythonDomain)
    return domain.objects


def address(app: Sphinx, docname: str, name: str) -> str:
    """Return where the reference documents a name, seen from a page; nothing if it does not."""
    domain = app.env.get_domain("py")
    assert isinstance(domain, PythonDomain)
    found = domain.objects.get(name) or domain.modules.get(name)
    if found is None:
        return ""
    page = app.builder.get_relative_uri(docname, found.docname)
    if found.docname == docname or page.startswith("#"):  # all in one page
        page = ""
    return f"{page}#{found.node_id}"


def code_addresses(app: Sphinx, docname: str, found: list[Use]) -> dict[tuple[int, int], str]:
    """Return where the links of a cell go: the first use of each name, and modules in imports."""
    seen: set[str] = set()
    links = {}
    for use in found:
        module = use.name not in objects(app.env)
        if use.name not in seen and (use.imported or not module):
            seen.add(use.name)
            if uri := address(app, docname, use.name):
                links[use.line, use.column] = uri
    return links


def link_names(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link the names of a page to the reference, and those of the reference to the chapters."""
    if not isinstance(app.builder, StandaloneHTMLBuilder):
        return
    for block in cells(doctree):
        links = code_addresses(app, docname, block.attributes.pop("uses", []))
        if links:
            text = block.astext()
            block.replace_self(linked_code(text, text, links=links, **block.attributes))
    for kind in (nodes.literal, nodes.title_reference):
        for literal in list(doctree.findall(kind)):
            link_text(app, literal, docname)
    for signature in doctree.findall(addnodes.desc_signature):
        if "place" in signature and (told := taught_in(app, signature["place"].public, docname)):
            signature.parent[-1].append(told)


def link_text(app: Sphinx, literal: nodes.Element, docname: str) -> None:
    """Make a name in the text a link, unless it is part of one."""
    uri = address(app, docname, literal.get("name_in_full", ""))
    above = literal.parent
    while above is not None and not isinstance(above, UNLINKED):
        above = above.parent
    if uri and above is None:
        name = nodes.literal("", literal.astext(), classes=["py"])
        literal.replace_self(nodes.reference("", "", name, refuri=uri, internal=True))


def numbered(env: BuildEnvironment, docname: str, section: str) -> str:
    """Return the number of a section, as in 2.3; nothing outside the chapters."""
    number = env.toc_secnumbers.get(docname, {}).get(f"#{section}")
    return ".".join(map(str, number)) if number else ""


def lessons(env: BuildEnvironment, name: str, directly: bool = True) -> list[tuple[str, str]]:
    """Return the pages and sections in which chapters first name what the reference documents."""
    found = []
    for docname in env.collect_relations():
        numbers = env.toc_secnumbers.get(docname, {})
        sections = [
            f"#{use.section}"
            for use in uses(env).get(docname, [])
            if use.name == name and use.directly >= directly and use.section not in PASSED_OVER
        ]
        if numbered_sections := [section for section in sections if section in numbers]:
            first = min(numbered_sections, key=lambda section: numbers[section])
            found.append((docname, first.removeprefix("#")))
    return found[:MOST] or (lessons(env, name, directly=False) if directly else [])


def taught_in(app: Sphinx, name: str, docname: str) -> nodes.paragraph | None:
    """Return links to where a name is taught."""
    links = [section_link(app, docname, *lesson) for lesson in lessons(app.env, name)]
    if not links:
        return None
    told = nodes.paragraph("", "Taught in: ", classes=["taught"])
    for position, link in enumerate(links):
        told += [nodes.Text(", ")] * (position > 0) + [link]
    return told


def section_link(app: Sphinx, docname: str, page: str, section: str) -> nodes.reference:
    """Return a link to a section: its number in a chapter, and its title."""
    titles = {
        node["refuri"].partition("#")[2] or node["anchorname"].lstrip("#"): node
        for node in app.env.tocs[page].findall(nodes.reference)
    }
    number = numbered(app.env, page, section)
    parts = [nodes.Text(f"{number} ")] if number else []
    parts += [part.deepcopy() for part in titles[section].children]  # formulas, too
    uri = app.builder.get_relative_uri(docname, page) + f"#{section}"
    return nodes.reference("", "", *parts, refuri=uri, internal=True)


def linked(html: str, links: dict[tuple[int, int], str]) -> str:
    """Return highlighted code with links where they belong."""
    line, column, pieces = 1, 0, []
    for piece in PIECE.findall(html):
        if piece.startswith("<"):
            pieces.append(piece)
            continue
        uri = links.get((line, column))
        pieces.append(f'<a href="{escape(uri)}">{piece}</a>' if uri else piece)
        line, column = (line + 1, 0) if piece == "\n" else (line, column + width(piece))
    return "".join(pieces)


def width(piece: str) -> int:
    """Return how many characters of code a piece of HTML shows."""
    return 1 if piece.startswith("&") and len(piece) > 1 else len(piece)


def visit_linked_code(self: HTML5Translator, node: linked_code) -> None:
    """Write code with its links."""
    try:
        self.visit_literal_block(node)
    except nodes.SkipNode:
        self.body[-1] = linked(self.body[-1], node["links"])
        raise


def depart_linked_code(self: HTML5Translator, node: linked_code) -> None:
    """End code that is not highlighted."""
    self.depart_literal_block(node)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_node(linked_code, html=(visit_linked_code, depart_linked_code))
    app.connect("doctree-read", follow)
    app.connect("env-purge-doc", purge)
    app.connect("env-updated", reference_pages)
    app.connect("doctree-resolved", link_names)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
