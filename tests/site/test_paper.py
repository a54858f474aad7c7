"""On paper: printed chapters, the PDF of the course, its exercises, and the EPUB."""

import copy
import re
import sys
import zipfile
from dataclasses import replace
from functools import cache
from xml.etree import ElementTree

import make_epub
import make_pdf
import paper
import pytest
import site_checks
from build_book import ROOT
from pypdf import PdfReader

CHAPTERS = [f"book/{name}.html" for name in site_checks.chapters(ROOT)]
CONTENT = 178 / 25.4 * 96
"""Pixels between the margins of a page of A4."""
CUT = """() => [...document.querySelectorAll("article :is(pre, table, math, img)")]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1)
  .map((e) => e.textContent.trim().slice(0, 60) || e.alt)"""
FAINT = """() => {
  const gray = (color) => Math.max(...color.match(/[\\d.]+/g).slice(0, 3).map(Number));
  return [...document.querySelectorAll("article :is(p, li, td, th, summary, pre, span)")]
    .filter((e) => e.checkVisibility() && e.textContent.trim())
    .filter((e) => gray(getComputedStyle(e).color) > 136)
    .map((e) => e.textContent.trim().slice(0, 60));
}"""
SPACES = {
    "x": "http://www.w3.org/1999/xhtml",
    "m": "http://www.w3.org/1998/Math/MathML",
    "opf": "http://www.idpf.org/2007/opf",
}


@cache
def book():
    """Return the pages of the book, read once; who changes them asks for `copied`."""
    return paper.pages(paper.SITE)


def copied(pages):
    """Return pages that may be changed."""
    return [replace(page, article=copy.copy(page.article)) for page in pages]


# A chapter that is printed.


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_printed_chapter_is_neither_cut_nor_pale(visit, name):
    page = visit(name, round(CONTENT), theme="dark").page
    page.emulate_media(media="print")
    assert page.evaluate(CUT) == []
    assert page.evaluate(FAINT) == []


def test_a_printed_solution_is_open_without_scripts_and_code_stays_folded(visit):
    page = visit(CHAPTERS[0], java_script_enabled=False).page
    page.emulate_media(media="print")
    assert page.locator("details.solution p").first.is_visible()
    assert page.locator("details.code > summary").first.is_visible()
    assert not page.locator("details.code pre").first.is_visible()


# The PDF.


def some():
    """Return the preface, the first and the last chapter, and the last page of the book."""
    pages = book()
    chapters = [page for page in pages if f"{page.name}.html" in (CHAPTERS[0], CHAPTERS[-1])]
    return [pages[0], *chapters, pages[-1]]


@pytest.fixture(scope="module")
def printed(browser, tmp_path_factory):
    """Return readers of four pages of the course, and of all exercises."""
    folder = tmp_path_factory.mktemp("pdf")
    course, exercises = folder / "course.pdf", folder / "exercises.pdf"
    every, few = make_pdf.connected(copied(book())), make_pdf.connected(copied(some()))
    documents = {course: make_pdf.whole(few), exercises: make_pdf.exercises(every)}
    make_pdf.write(documents, browser)
    return PdfReader(course), PdfReader(exercises)


@pytest.fixture(scope="module")
def course(printed):
    """Return the printed course."""
    return printed[0]


@pytest.fixture(scope="module")
def sheets(course):
    """Return the text of every sheet of the printed course."""
    return [page.extract_text() for page in course.pages]


def words(text):
    """Return letters and digits alone, since a line may break anywhere."""
    return re.sub(r"\W", "", text)


def test_the_outline_holds_every_page(course):
    titles = [entry.title for entry in course.outline if not isinstance(entry, list)]
    assert titles == ["Contents", *(page.title for page in some())]


def test_the_contents_name_the_page_on_which_each_chapter_begins(course, sheets):
    places = make_pdf.numbers(course)
    named = words("".join(sheets[1:4]))
    for page in some():
        number = places[page.key]
        assert words(page.title) in words(sheets[number - 1])
        assert f"{words(page.title)}{number}" in named, page.title


def test_every_link_within_the_pdf_leads_somewhere(course):
    places = course.named_destinations
    links = [
        note.get_object()
        for page in course.pages
        for note in page.get("/Annots", [])
        if note.get_object()["/Subtype"] == "/Link"
    ]
    within = [link["/Dest"] for link in links if "/Dest" in link]
    assert len(within) > 100
    assert [place for place in within if place not in places] == []
    outside = [link["/A"]["/URI"] for link in links if "/A" in link]
    assert [url for url in outside if not url.startswith(("https://", "http://"))] == []


def test_a_printed_output_is_not_cut(sheets):
    texts = list(map(words, sheets))
    outputs = [output for page in some() for output in page.article.select(".output pre")]
    assert len(outputs) > 30
    for output in outputs:
        told = words(output.get_text())
        assert any(told in text for text in texts), output.get_text()


def test_nothing_that_leads_on_stands_alone_at_the_foot_of_a_page(sheets):
    leading = {
        words(tag.get_text())
        for page in some()
        for tag in page.article.select("h2, h3, h4, dt, details.code > summary")
    }
    alone = []
    for number, sheet in enumerate(sheets[5:], 6):
        last = [line for line in sheet.splitlines() if words(line)][-1]
        alone += [(number, last)] * (words(last) in leading)
    last_words = {words(page.article.get_text())[-20:] for page in some()}
    assert [found for found in alone if words(found[1])[-20:] not in last_words] == []


def test_letters_of_the_pdf_come_from_the_fonts_of_the_site(course):
    """A variable font has no name in a PDF; signs such as that of a verdict may have one."""
    fonts = {
        font.get_object().get("/BaseFont", "/")
        for page in course.pages[:-10]  # names with letters that Source Serif lacks are cited there
        for font in page["/Resources"].get("/Font", {}).values()
    }
    named = {name.partition("+")[2].partition("-")[0] for name in fonts} - {""}
    assert {name for name in named if "Serif" in name or "Liberation" in name} == set()


def test_a_pdf_that_fails_leaves_the_old_one(tmp_path):
    path = tmp_path / "pdf" / "book.pdf"
    with paper.written(path) as draft:
        draft.write_text("old")
    with pytest.raises(ZeroDivisionError), paper.written(path) as draft:
        draft.write_text("ha")
        draft.write_text(str(1 / 0))
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_the_pdf_is_tagged_and_says_its_title(course):
    assert course.root_object["/MarkInfo"]["/Marked"]
    assert course.metadata.title == paper.settings()["title"]


def test_the_exercises_come_without_answers(printed):
    text = words("".join(page.extract_text() for page in printed[1].pages))
    assert "Solution" not in text
    wanted = [exercise for page in book() for exercise in paper.exercises(page)]
    assert len(wanted) > 30
    for exercise in wanted:
        number = words(exercise.select_one(".caption-number").get_text())
        assert number in text
    solutions = [answer for page in book() for answer in page.article.select("details.solution")]
    for answer in solutions:
        told = words(answer.get_text().removeprefix("Solution"))[:80]
        assert told not in text


# The EPUB.


@pytest.fixture(scope="module")
def epub(site, tmp_path_factory):
    """Return the EPUB, open."""
    path = tmp_path_factory.mktemp("epub") / "course.epub"
    make_epub.write(path, copied(book()), site)
    with zipfile.ZipFile(path) as found:
        yield found


def tree(epub, name):
    """Return a page of the EPUB, which must be XML."""
    return ElementTree.fromstring(epub.read(f"book/{name}"))


def test_an_epub_begins_with_what_it_is(epub):
    first = epub.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert epub.read("mimetype") == b"application/epub+zip"


def test_the_package_lists_every_file_and_reads_every_page(epub):
    package = tree(epub, "content.opf")
    listed = {item.get("href"): item.get("id") for item in package.iterfind(".//opf:item", SPACES)}
    held = {name.removeprefix("book/") for name in epub.namelist() if name.startswith("book/")}
    assert set(listed) == held - {"content.opf"}
    spine = [item.get("idref") for item in package.iterfind(".//opf:itemref", SPACES)]
    assert spine[2:] == [listed[f"{page.key}.xhtml"] for page in book()]


def test_every_link_within_the_epub_leads_somewhere(epub):
    names = [name for name in epub.namelist() if name.endswith(".xhtml")]
    pages = {name.removeprefix("book/"): tree(epub, name.removeprefix("book/")) for name in names}
    ids = {name: {tag.get("id") for tag in page.iter()} for name, page in pages.items()}
    count = 0
    for name, page in pages.items():
        for link in page.iterfind(".//x:a[@href]", SPACES):
            if link.get("href").startswith("https://"):
                continue
            path, _, place = link.get("href").partition("#")
            assert not place or place in ids[path or name], (name, link.get("href"))
            count += 1
        for image in page.iterfind(".//x:img", SPACES):
            assert f"book/{image.get('src')}" in epub.namelist()
            assert image.get("alt") is not None
    assert count > 300


def test_formulas_in_the_epub_are_mathml_and_solutions_stand_below_their_exercises(epub):
    for page in book():
        found = tree(epub, f"{page.key}.xhtml")
        assert len(found.findall(".//m:math", SPACES)) == len(page.article.find_all("math"))
        solutions = found.findall(".//x:details[@class='solution']", SPACES)
        assert len(solutions) == len(page.article.select("div.exercise")), page.name


def test_the_package_says_what_the_book_is(epub):
    metadata = tree(epub, "content.opf").find("opf:metadata", SPACES)
    told = {tag.tag.partition("}")[2]: tag.text for tag in metadata}
    assert told["title"] == paper.settings()["title"]
    assert (told["language"], told["description"]) == ("en", paper.SUBTITLE)
    assert told["identifier"].startswith("urn:uuid:")
    assert "CC BY 4.0" in told["rights"]
    assert "creativecommons.org/licenses/by/4.0" in metadata.find("opf:link", SPACES).get("href")


@pytest.mark.parametrize("name", ["index", "necessity", "benchmarks"])
def test_a_page_of_the_epub_is_not_cut_and_figures_stay_light_at_night(
    epub, browser, tmp_path, name
):
    epub.extractall(tmp_path)
    page = browser.new_page(viewport={"width": 600, "height": 800})
    page.goto((tmp_path / "book" / f"{name}.xhtml").as_uri())
    page.add_style_tag(content="html { background: #111; color: #ddd }")
    grounds = """[...document.querySelectorAll("img, svg")]
      .map((figure) => getComputedStyle(figure).backgroundColor)"""
    assert set(page.evaluate(grounds)) == {"rgb(253, 252, 250)"}
    assert page.evaluate(CUT.replace("article ", "article :not(.scrolls) > ")) == []
    page.close()


# What is missing has one clear line.


@pytest.mark.parametrize("unfinished", [False, True])
def test_without_a_finished_site_one_line_says_so(monkeypatch, tmp_path, capsys, unfinished):
    monkeypatch.setattr(paper, "BUILD", tmp_path)
    monkeypatch.setattr(paper, "SITE", tmp_path / "html")
    if unfinished:
        (tmp_path / "html").mkdir()
        (tmp_path / "html" / "index.html").touch()
        (tmp_path / "unfinished").touch()
    for program in (make_pdf, make_epub):
        assert paper.run(program.make) == 1
        assert capsys.readouterr().err == f"{paper.NO_SITE}\n"


def test_without_a_browser_one_line_says_so(monkeypatch, capsys):
    monkeypatch.setenv("CHROMIUM", "no-such-browser")
    assert paper.run(make_pdf.make) == 1
    assert "CHROMIUM names no-such-browser" in capsys.readouterr().err


def test_a_browser_that_does_not_start_is_one_line(playwright):
    with (
        pytest.raises(LookupError, match=r"does not start as a browser: [^\n]*$"),
        make_pdf.started(playwright, sys.executable),
    ):
        pass


def test_what_is_in_the_way_is_one_line(tmp_path, capsys):
    (tmp_path / "pdf").touch()

    def make():
        with paper.written(tmp_path / "pdf" / "book.pdf"):
            pass

    assert paper.run(make) == 1
    assert capsys.readouterr().err == f"{tmp_path / 'pdf'}: File exists\n"


def test_without_java_an_epub_is_not_called_checked(monkeypatch, tmp_path):
    monkeypatch.setattr(make_epub.shutil, "which", lambda name: None)
    with pytest.raises(LookupError, match="was made and not checked"):
        make_epub.check(tmp_path / "book.epub")
