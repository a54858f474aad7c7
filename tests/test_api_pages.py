"""The reference: links to sources with and without a repository, and the sections that teach."""

from collections import namedtuple
from types import SimpleNamespace

import pytest
from api_pages import (
    Place,
    moved_entry,
    named_once,
    source_uri,
    told_apart,
    whole,
    without_aliases,
    without_fields,
)
from code_links import Taught, lessons
from course_names import definitions
from docutils import nodes
from sphinx import addnodes
from sphinx.ext.napoleon import Config, NumpyDocstring

PUBLIC = "course_lib.activations.gelu"
GELU = Place("book/api/activations", "course_lib.activations.self_gated", "gelu", PUBLIC)


def app(repository, commit="", name="html"):
    builder = SimpleNamespace(
        get_relative_uri=lambda page, target: f"../../{target}.html", name=name
    )
    env = SimpleNamespace(course_repository=SimpleNamespace(url=repository), course_commit=commit)
    return SimpleNamespace(builder=builder, env=env)


def test_a_source_is_a_page_of_the_site_where_no_repository_is_named():
    uri = f"../../_modules/course_lib/activations/self_gated.html#{PUBLIC}"
    assert source_uri(app(""), GELU.docname, GELU) == uri


@pytest.mark.parametrize(("commit", "at"), [("abc", "abc"), ("", "main")])
def test_a_source_is_a_line_of_the_repository(commit, at):
    line = definitions(GELU.module)["gelu"]
    uri = f"https://x/blob/{at}/course_lib/activations/self_gated.py#L{line}"
    assert source_uri(app("https://x", commit), GELU.docname, GELU) == uri


def test_a_book_in_one_file_has_no_pages_of_sources():
    assert source_uri(app("", name="epub"), GELU.docname, GELU) == ""


def test_what_no_module_defines_has_no_source():
    assert source_uri(app(""), GELU.docname, GELU._replace(name="no_such_name")) == ""


def test_an_entry_of_the_index_moves_with_its_object():
    old, new = "course_lib.a.b.f", "course_lib.a.f"
    moved = {old: ("course_lib.a.b", "course_lib.a", new)}
    entry = ("single", "f() (in module course_lib.a.b)", old, "", None)
    assert moved_entry(entry, moved) == ("single", "f() (in module course_lib.a)", new, "", None)
    assert moved_entry(entry, {}) == entry


def test_entries_of_the_index_that_read_the_same_name_the_module():
    text = "forward() (Activate method)"
    entries = {
        "a": [("single", text, "lib.network.Activate.forward", "", None)],
        "b": [
            ("single", text, "lib.pytorch.Activate.forward", "", None),
            ("single", "step() (Adam method)", "lib.training.Adam.step", "", None),
        ],
    }
    told_apart(None, SimpleNamespace(get_domain=lambda name: SimpleNamespace(entries=entries)))
    assert [text for listed in entries.values() for _, text, *_ in listed] == [
        "forward() (lib.network.Activate method)",
        "forward() (lib.pytorch.Activate method)",
        "step() (Adam method)",
    ]


def test_a_field_without_a_description_is_left_out():
    pair = namedtuple("pair", ["first", "second"])
    pair.second.__doc__ = "What comes after."
    options = None, "attribute", "pair.first"
    assert without_fields(*options, pair.first, False, None) is True
    assert without_fields(*options, pair.second, False, None) is None


def numbered(**found):
    """Return a book of chapters with sections a, b and c, and an appendix without numbers."""
    chapters = [f"chapter{i}" for i in range(1, 6)]
    numbers = {
        chapter: {"#a": (i, 1), "#b": (i, 2), "#c": (i, 2, 1), "#exercises": (i, 3)}
        for i, chapter in enumerate(chapters, 1)
    }
    return SimpleNamespace(
        course_uses={name: [Taught("f", *use) for use in uses] for name, uses in found.items()},
        toc_secnumbers=numbers,
        collect_relations=lambda: [*chapters, "appendix"],
    )


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ({"chapter2": ["c", "b"]}, [("chapter2", "b")]),
        ({"chapter2": ["exercises"], "appendix": ["a"]}, []),
        ({f"chapter{i}": ["a"] for i in (5, 4, 2, 1)}, [(f"chapter{i}", "a") for i in (1, 2, 4)]),
    ],
)
def test_a_name_is_taught_where_the_first_chapters_first_use_it(uses, expected):
    env = numbered(**{name: [(section,) for section in found] for name, found in uses.items()})
    assert lessons(env, "f") == expected


def test_a_string_counts_only_where_no_chapter_says_the_name():
    assert lessons(numbered(chapter1=[("a", False)]), "f") == [("chapter1", "a")]
    both = numbered(chapter1=[("a", False)], chapter2=[("b", True)])
    assert lessons(both, "f") == [("chapter2", "b")]


def read(text, what="data"):
    """Return a docstring as Napoleon and the extension leave it."""
    config = Config(napoleon_google_docstring=False, napoleon_use_rtype=False)
    lines = str(NumpyDocstring(text, config, what=what)).splitlines()
    whole(None, what, "", None, None, lines)
    return " ".join(" ".join(lines).split())


@pytest.mark.parametrize(
    "text", ["The gated units, a times f(b): that f.", "No colon at all.", "One: two: three."]
)
def test_a_constant_keeps_its_first_sentence(text):
    assert read(text) == text


def test_a_type_of_something_else_stays():
    lines = ["Text.", ":type: int"]
    whole(None, "function", "", None, None, lines)
    assert lines == ["Text.", ":type: int"]


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("Holm, 1979 :cite:p:`a`.", ":cite:t:`a`."),
        (
            "a momentum by Sutskever, Martens and\nHinton, 2013\n:cite:p:`a`",
            "a momentum by :cite:t:`a`",
        ),
        (".. rubric:: Notes\n\nHolm, 1979 :cite:p:`a`.", ".. rubric:: Notes\n\n:cite:t:`a`."),
        ("of\n   Higham and\n   Higham, 2021 :cite:p:`a`.", "of\n   :cite:t:`a`."),
        ("small too. See Tang, 1989 :cite:p:`a`.", "small too. See :cite:t:`a`."),
        ("(He et al., 2015 :cite:p:`a`; SELU :cite:p:`b`)", "(:cite:t:`a`; SELU :cite:p:`b`)"),
        ("two papers of 2015 :cite:p:`a,b`", "two papers of 2015 :cite:p:`a,b`"),
        ("He et al., 2015 :cite:p:`a,b`", "He et al., 2015 :cite:p:`a,b`"),
    ],
)
def test_a_source_is_named_once(told, shown):
    lines = told.split("\n")
    named_once(None, "function", "", None, None, lines)
    assert "\n".join(lines) == shown


@pytest.mark.parametrize("words", ["What it is.", ""])
def test_what_a_type_is_an_alias_of_is_left_out(words):
    """Autodoc says it, behind the description or alone, with the private names of NumPy."""
    told = nodes.paragraph("", "", nodes.Text(f"{words} alias of "), nodes.literal("", "tuple"))
    content = addnodes.desc_content("", told)
    document = nodes.section("", addnodes.desc("", content, objtype="data"))
    without_aliases(None, document)
    assert content.astext() == words
    assert bool(content.children) == bool(words)
