"""The checks of a built site can fail, and the program that builds the book applies them."""

import sys

import build_book
import execution_cache
import pytest
import site_checks

FOLLOW = build_book.follow
TOC = """\
format: jb-book
root: index
parts:
  - caption: Chapters
    chapters:
      - file: book/first
        sections:
          - file: book/second.md
"""
PAGE = """\
<!DOCTYPE html>
<html><head>
<link rel="stylesheet" href="{up}style.css">
<link rel="canonical" href="https://example.org/">
<script src="{up}script.js"></script>
<style>body {{ background: url({up}bend.png) }}</style>
</head><body>
<h1>For print</h1>
<article><h1 id="top">A title</h1><p>{text}</p><img src="{up}bend.png" alt="A bend.">
<a href="https://example.org/">elsewhere</a> <a href="#top">up</a>
<a href="{up}book/first.html#top">the first chapter</a></article>
</body></html>
"""


@pytest.fixture
def checkout(tmp_path):
    """Return a folder with a table of contents and a small site that is all right."""
    (tmp_path / "_toc.yml").write_text(TOC, encoding="utf-8")
    site = tmp_path / "site"
    (site / "book").mkdir(parents=True)
    text = "Networks bend. " * 10
    for name, up in [("index", ""), ("book/first", "../"), ("book/second", "../")]:
        (site / f"{name}.html").write_text(PAGE.format(up=up, text=text), encoding="utf-8")
    (site / "style.css").write_text("p { background: url(bend.png) }", encoding="utf-8")
    (site / "script.js").write_text("", encoding="utf-8")
    (site / "bend.png").write_bytes(b"")
    return tmp_path


def found(checkout):
    """Return the problems of the small site."""
    return site_checks.problems(checkout / "site", checkout)


def edit(checkout, name, old, new):
    """Replace a text in a file of the small site."""
    path = checkout / "site" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_documents_are_read_from_the_table_of_contents(checkout):
    assert site_checks.documents(checkout) == ["index", "book/first", "book/second"]


def test_good_site_passes(checkout):
    assert found(checkout) == []


@pytest.mark.parametrize("name", ["index", "book/first", "book/second"])
def test_missing_page_is_found(checkout, name):
    (checkout / "site" / f"{name}.html").unlink()
    assert f"{name}.html is missing" in found(checkout)


def test_missing_site_is_found(checkout):
    assert len(site_checks.problems(checkout / "nowhere", checkout)) == 3


def test_almost_empty_page_is_found(checkout):
    edit(checkout, "book/first.html", "Networks bend. " * 10, "Networks bend.")
    assert any("says almost nothing" in problem for problem in found(checkout))


def test_script_and_style_are_not_text(checkout):
    code = "<script>" + "x" * 500 + "</script><style>" + "y" * 500 + "</style>"
    edit(checkout, "book/first.html", "Networks bend. " * 10, code)
    assert any("says almost nothing" in problem for problem in found(checkout))


@pytest.mark.parametrize("titles", ["", "<h1>One</h1><h1>Two</h1>"])
def test_page_without_its_one_title_is_found(checkout, titles):
    edit(checkout, "book/second.html", '<h1 id="top">A title</h1>', titles)
    assert any("titles, expected 1" in problem for problem in found(checkout))


def test_redirect_is_found(checkout):
    redirect = '<meta http-equiv="Refresh" content="0; url=book/first.html">'
    edit(checkout, "index.html", "</head>", redirect + "</head>")
    assert found(checkout) == ["index.html only redirects"]


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://cdn.example.org/x.js"></script>',
        '<script src="//cdn.example.org/x.js"></script>',
        '<link rel="stylesheet" href="https://example.org/x.css">',
        '<link rel="preconnect" href="https://example.org/">',
        '<link rel="icon" href="HTTPS://example.org/x.ico">',
        '<img alt="" src="https://example.org/x.png">',
        '<img alt="" srcset="https://example.org/x.png 1x, https://example.org/y.png 2x">',
        '<iframe src="https://example.org/"></iframe>',
        '<video poster="https://example.org/x.png"></video>',
        '<div style="background: url(https://example.org/x.png)"></div>',
        "<style>@import 'https://example.org/x.css';</style>",
        '<style>@font-face { src: url("https://example.org/x.woff2") }</style>',
    ],
)
def test_request_elsewhere_is_found(checkout, tag):
    edit(checkout, "book/first.html", "</article>", tag + "</article>")
    problems = found(checkout)
    assert problems
    assert all("book/first.html loads " in problem for problem in problems)


def test_table_that_stayed_text_is_found(checkout):
    edit(checkout, "book/first.html", "<p>", "<p>| a | b | |---|---| | 1 | 2 |</p><p>")
    assert found(checkout) == [
        "book/first.html shows a table as text; see nb_render_markdown_format in _config.yml"
    ]


def test_code_that_makes_a_table_is_no_table(checkout):
    edit(checkout, "book/first.html", "<p>", '<pre>lines = ["|---|---|---|"]</pre><p>')
    assert found(checkout) == []


def test_style_sheet_that_loads_from_elsewhere_is_found(checkout):
    edit(checkout, "style.css", "bend.png", "https://example.org/bend.png")
    assert found(checkout) == ["style.css loads https://example.org/bend.png"]


@pytest.mark.parametrize("name", ["style.css", "script.js", "bend.png"])
def test_missing_file_is_found(checkout, name):
    (checkout / "site" / name).unlink()
    assert any(name in problem and "does not exist" in problem for problem in found(checkout))


def test_link_to_a_missing_page_is_found(checkout):
    edit(checkout, "index.html", "book/first.html#top", "book/third.html")
    assert found(checkout) == ["index.html points to book/third.html, which does not exist"]


def test_link_to_a_missing_place_is_found(checkout):
    edit(checkout, "book/second.html", "first.html#top", "first.html#claim-bend")
    (problem,) = found(checkout)
    assert "there is no such place" in problem


def test_an_id_that_two_places_have_is_found(checkout):
    edit(checkout, "book/first.html", "<p>", '<p id="top">')
    assert found(checkout) == ["book/first.html has more than one place with the id top"]


def test_stale_pages_are_removed(checkout):
    site = checkout / "site"
    for name in ["book/old.html", "search.html"]:
        (site / name).write_text("old", encoding="utf-8")
    site_checks.remove_stale(site, checkout)
    assert not (site / "book" / "old.html").exists()
    assert (site / "search.html").exists()
    assert (site / "book" / "first.html").exists()


def put(site, name, text=""):
    """Write a file of the small site."""
    (site / name).parent.mkdir(parents=True, exist_ok=True)
    (site / name).write_text(text, encoding="utf-8")


def test_files_that_nothing_asks_for_are_removed(checkout):
    site = checkout / "site"
    put(site, "_static/other.css", "p { background: url(other.png) }")
    put(site, "_static/other.png")
    put(site, "_static/macros.html", '<img src="../unused.png">')
    put(site, "unused.png")
    put(site, "empty/deep/unused.js")
    put(site, "bend.css")  # there is a page that asks another site for a file of this name
    edit(checkout, "index.html", 'https://example.org/">elsewhere', 'https://x.org/bend.css">x')
    site_checks.remove_unused(site)
    left = {path.relative_to(site).as_posix() for path in site.rglob("*")}
    pages = {"index.html", "book", "book/first.html", "book/second.html"}
    assert left == pages | {"style.css", "script.js", "bend.png"}
    assert found(checkout) == []


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("x.png", '<img alt="" srcset="y.png 1x, x.png 2x">'),
        ("x.ipynb", '<a download href="x.ipynb">a notebook</a>'),
        ("x.js", '<a data-script="x.js" href="#top">a script that a script loads</a>'),
        ("a b.png", '<img alt="" src="a%20b.png?size=2">'),
        ("_static/x.png", '<meta property="og:image" content="https://x.org/book/_static/x.png">'),
        ("_static/x.css", '<link rel="stylesheet" href="_static/x.css">'),
    ],
)
def test_files_that_a_page_asks_for_stay(checkout, name, asked):
    site = checkout / "site"
    put(site, name)
    assert site_checks.unused(site) == [name]
    edit(checkout, "index.html", "</article>", asked + "</article>")
    assert site_checks.unused(site) == []


def test_files_that_a_used_style_sheet_asks_for_stay(checkout):
    site = checkout / "site"
    put(site, "fonts/x.woff2")
    put(site, "deep.css", "@font-face { src: url(fonts/x.woff2) }")
    assert site_checks.unused(site) == ["deep.css", "fonts/x.woff2"]
    edit(checkout, "style.css", "p {", '@import "deep.css"; p {')
    assert site_checks.unused(site) == []


@pytest.mark.parametrize("name", [".buildinfo", "objects.inv", "fonts/x-OFL.txt", "a-LICENSE.txt"])
def test_files_that_others_ask_for_and_licenses_stay(checkout, name):
    put(checkout / "site", name)
    assert site_checks.unused(checkout / "site") == []


# The build.


@pytest.fixture
def builder(checkout, monkeypatch):
    """Return the build program, on the small site and with a Jupyter Book that does nothing."""
    build = checkout / "_build"
    monkeypatch.setattr(build_book, "ROOT", checkout)
    monkeypatch.setattr(build_book, "BUILD", build)
    monkeypatch.setattr(build_book, "SITE", build / "html")
    monkeypatch.setattr(build_book, "UNFINISHED", build / "unfinished")
    monkeypatch.setattr(build_book, "prepare", lambda: None)
    build.mkdir()
    build_book.returns = 0
    build_book.seen = []

    def follow(command):
        build_book.seen.append((build / ".doctrees").exists())
        (build / ".doctrees").mkdir(exist_ok=True)
        if not (build / "html").exists():
            (checkout / "site").rename(build / "html")
        return build_book.returns, "told\n"

    monkeypatch.setattr(build_book, "follow", follow)
    return build_book


def test_build_shows_progress_while_it_runs_and_keeps_the_rest(capsys):
    lines = ["Sphinx said\n", f"{execution_cache.PROGRESS}1/2 bend: from the cache\n", "é\n"]
    code = f"import sys; sys.stdout.buffer.write({''.join(lines).encode()!r}); sys.exit(3)"
    status, told = FOLLOW([sys.executable, "-c", code])
    assert (status, told) == (3, "Sphinx said\né\n")
    assert capsys.readouterr().out == "  1/2 bend: from the cache\n"


def test_build_says_where_to_open_the_book(builder, capsys):
    assert builder.main() == 0
    assert (builder.SITE / "index.html").as_uri() in capsys.readouterr().out
    assert not builder.UNFINISHED.exists()


def test_build_leaves_no_files_that_nothing_asks_for(builder, checkout):
    put(checkout / "site", "_static/other.css")
    assert builder.main() == 0
    assert not (builder.SITE / "_static").exists()


def test_build_fails_with_jupyter_book(builder, capsys):
    builder.returns = 3
    assert builder.main() == 3
    told = capsys.readouterr()
    assert "told" in told.out
    assert "The book was not built" in told.err


def test_build_shows_the_error_of_a_cell(builder, capsys):
    builder.returns = 1
    builder.main()
    reports = builder.SITE / "reports"
    reports.mkdir()
    (reports / "first.err.log").write_text("\x1b[31mZeroDivisionError\x1b[0m", encoding="utf-8")
    builder.UNFINISHED.unlink()
    builder.main()
    assert "first.err.log:\nZeroDivisionError\n" in capsys.readouterr().out


def test_build_fails_when_a_page_is_missing(builder, checkout, capsys):
    (checkout / "site" / "book" / "first.html").unlink()
    assert builder.main() == 1
    assert "book/first.html is missing" in capsys.readouterr().err


def test_build_after_a_failure_starts_from_the_sources(builder, checkout):
    builder.returns = 1
    builder.main()
    builder.SITE.rename(checkout / "site")
    builder.returns = 0
    assert builder.main() == 0
    assert builder.main() == 0
    assert builder.seen == [False, False, True]
