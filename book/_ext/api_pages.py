"""The reference: anchors by the names that are taught, links to sources, and sources to link to.

``autodoc`` documents a function where it is defined. Here each moves to the package from which
readers import it (`course_names.home`), before the contents and the search are made. Its source is
that in the repository, if the settings name one, and otherwise a page of this site.
"""

import inspect
import re
from collections.abc import Iterator
from html import escape
from importlib import import_module
from typing import Any, NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.domains.python import PythonDomain
from sphinx.environment import BuildEnvironment

from course_names import LIBRARY, definitions, home, origin

SOURCES = "_modules"

GAP = r"(?: |\n *)"
NAMED = re.compile(
    rf"(?!See )[A-Z][\w'-]+(?:(?:,| and|){GAP}[A-Z][\w'-]+)*(?:{GAP}et{GAP}al\.)?"
    rf",{GAP}\d{{4}}{GAP}:cite:p:(?=`[^`,]+`)"
)
"""Names and a year before the key of one source, which a terminal shows and a page would repeat."""


class Place(NamedTuple):
    """Where an object is documented, and where it is defined."""

    docname: str
    module: str
    name: str
    """In its module, as in ``Activation.derivative``."""
    public: str
    """As it is taught, as in ``course_lib.activations.Activation.derivative``."""


def places(env: BuildEnvironment) -> dict[str, list[Place]]:
    """Return what each page documents."""
    if not hasattr(env, "course_places"):
        env.course_places = {}
    return env.course_places


def publish(app: Sphinx, doctree: nodes.document) -> None:
    """Give every documented name the anchor by which it is taught, and note where it is defined."""
    domain = app.env.get_domain("py")
    assert isinstance(domain, PythonDomain)
    docname, moved = app.env.docname, {}
    places(app.env).pop(docname, None)
    for signature in doctree.findall(addnodes.desc_signature):
        module, name = signature.get("module") or "", signature.get("fullname")
        if not module.startswith(LIBRARY) or not name:
            continue
        public = home(module, name)
        old, new = f"{module}.{name}", f"{public}.{name}"
        signature["place"] = Place(docname, origin(module, name), name, new)
        places(app.env).setdefault(docname, []).append(signature["place"])
        if public != module:
            entry = domain.objects[old]
            domain.objects[old] = entry._replace(node_id=new, aliased=True)
            domain.note_object(new, entry.objtype, new, location=signature)
            signature["ids"], signature["module"] = [new], public
            moved[old] = module, public, new
    for index in doctree.findall(addnodes.index):
        index["entries"] = [moved_entry(entry, moved) for entry in index["entries"]]
    listed = app.env.get_domain("index").entries.get(docname, [])
    listed[:] = [moved_entry(entry, moved) for entry in listed]


def without_aliases(app: Sphinx, doctree: nodes.document) -> None:
    """Leave out what autodoc says of a type with another name: its description says what it is."""
    for described in list(doctree.findall(addnodes.desc)):
        if described["objtype"] == "data":
            after = described.next_node(siblings=True, descend=False)  # where a page describes it
            told = [*described.findall(nodes.paragraph)]
            told += [after] * (isinstance(after, nodes.paragraph) and begins_alias(after))
            for paragraph in told:
                texts = [part.astext() for part in paragraph.children]
                first = next((i for i, text in enumerate(texts) if "alias of" in text), None)
                if first is not None:
                    kept = texts[first].partition("alias of")[0].rstrip()
                    paragraph[first:] = [nodes.Text(kept)] if kept else []
                    if not paragraph.children:
                        paragraph.parent.remove(paragraph)


def begins_alias(paragraph: nodes.paragraph) -> bool:
    """Tell whether a paragraph is nothing but what autodoc says of an alias."""
    return paragraph.astext().startswith("alias of ")


def without_fields(
    app: Sphinx, what: str, name: str, value: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out the fields of a named tuple of which Python says nothing but their number."""
    return True if (getattr(value, "__doc__", "") or "").startswith("Alias for field") else None


def told_apart(app: Sphinx, env: BuildEnvironment) -> None:
    """Give entries of the index that read the same the module of their class."""
    pages = env.get_domain("index").entries
    places: dict[str, set[str]] = {}
    for listed in pages.values():
        for _, text, target, *_ in listed:
            places.setdefault(text, set()).add(target)
    for listed in pages.values():
        listed[:] = [with_module(entry) if len(places[entry[1]]) > 1 else entry for entry in listed]


def with_module(entry: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return an entry for a member of a class with the module of the class."""
    kind, text, target, *rest = entry
    owner = target.rpartition(".")[0]
    short = owner.rpartition(".")[2]
    return (kind, text.replace(f"({short} ", f"({owner} "), target, *rest)


def moved_entry(entry: tuple[Any, ...], moved: dict[str, tuple[str, str, str]]) -> tuple[Any, ...]:
    """Return an entry of the index as it reads where its object has moved to."""
    kind, text, target, *rest = entry
    if target not in moved:
        return entry
    module, public, new = moved[target]
    return (kind, text.replace(module, public), new, *rest)


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page that is gone or about to be read again."""
    places(env).pop(docname, None)


def source_uri(app: Sphinx, docname: str, place: Place) -> str:
    """Return the address of the source of an object, seen from a page; nothing if it has none."""
    line = definitions(place.module).get(place.name)
    if line is None:
        return ""
    repository = app.env.course_repository.url  # type: ignore[attr-defined]
    if repository:
        file = inspect.getsourcefile(import_module(place.module)) or ""
        path = LIBRARY + file.rpartition(f"/{LIBRARY}")[2]
        at = app.env.course_commit or "main"  # type: ignore[attr-defined]
        return f"{repository}/blob/{at}/{path}#L{line}"
    if app.builder.name != "html":
        return ""
    return app.builder.get_relative_uri(docname, source_page(place.module)) + f"#{place.public}"


def source_page(module: str) -> str:
    """Return the name of the page that shows a module."""
    return f"{SOURCES}/{module.replace('.', '/')}"


def link_sources(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Add to every signature a link to its source."""
    for signature in doctree.findall(addnodes.desc_signature):
        uri = source_uri(app, docname, signature["place"]) if "place" in signature else ""
        if uri and isinstance(app.builder, StandaloneHTMLBuilder):
            signature += nodes.reference(
                "", "source", refuri=uri, internal=True, classes=["source"]
            )


def source_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, str], str]]:
    """Yield a page for the source of every documented module, unless a repository shows them."""
    if app.env.course_repository.url or app.builder.name != "html":  # type: ignore[attr-defined]
        return
    modules: dict[str, list[Place]] = {}
    for page in places(app.env).values():
        for place in page:
            modules.setdefault(place.module, []).append(place)
    for module, found in sorted(modules.items()):
        title = f"Source of {module}"
        body = f"<h1>Source of <code>{escape(module)}</code></h1>{source(app, module, found)}"
        yield source_page(module), {"title": title, "body": body}, "page.html"


def source(app: Sphinx, module: str, found: list[Place]) -> str:
    """Return the highlighted source of a module, with a link from what is documented."""
    assert isinstance(app.builder, StandaloneHTMLBuilder)
    code = inspect.getsource(import_module(module))
    lines = app.builder.highlighter.highlight_block(code, "python").split("\n")
    numbers = definitions(module)
    for place in found:
        if place.name in numbers:
            uri = app.builder.get_relative_uri(source_page(module), place.docname)
            short, line = place.name.rpartition(".")[2], numbers[place.name] - 1
            link = f'<a id="{place.public}" href="{uri}#{place.public}">{short}</a>'
            lines[line] = lines[line].replace(f">{short}<", f">{link}<", 1)
    return "\n".join(lines)


def whole(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Keep the first sentence of a constant in one piece.

    Napoleon takes what stands before a colon there for a type, and puts it after the rest.
    """
    for number, line in enumerate(lines):
        if what in ("attribute", "data", "property") and line.startswith(":type: "):
            lines[number] = ""
            lines[0] = f"{line.removeprefix(':type: ')}: {lines[0]}"


def named_once(
    app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """Leave the names and the year of a source to its citation, which links them.

    ``Holm, 1979 :cite:p:`holm1979simple``` reads well in a terminal. On a page it would be
    "Holm, 1979 [Holm, 1979]".
    """
    lines[:] = NAMED.sub(":cite:t:", "\n".join(lines)).split("\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("autodoc-process-docstring", whole, priority=600)  # after Napoleon
    app.connect("autodoc-process-docstring", named_once, priority=600)
    app.connect("doctree-read", publish, priority=400)  # before the contents are collected
    app.connect("doctree-read", without_aliases)
    app.connect("autodoc-skip-member", without_fields)
    app.connect("env-updated", told_apart)
    app.connect("env-purge-doc", purge)
    app.connect("doctree-resolved", link_sources)
    app.connect("html-collect-pages", source_pages)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
