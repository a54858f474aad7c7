"""Print the built site into two files: the whole course, and its exercises without answers.

The articles of all pages become one document, which the browser of this machine prints twice: from
the first print the contents learn the pages that they name. The first page is number 1, in the
book and in every viewer.
"""

import json
import logging
import re
import sys
import time
from contextlib import contextmanager
from html import escape
from itertools import groupby

import paper
from browser import find
from environment import ROOT, no_arguments

try:
    from playwright.sync_api import Error, sync_playwright
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import NameObject, TextStringObject
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed: pip install -r tests/site/requirements.txt")

FOLDER = paper.BUILD / "pdf"
COURSE = FOLDER / "why-networks-bend.pdf"
EXERCISES = FOLDER / "exercises.pdf"
STYLE = ROOT / "tools" / "paper.css"
PAPER = {"format": "A4", "print_background": True, "prefer_css_page_size": True}
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4")]
  .map((heading) => heading.textContent.replace(/\\s+/g, " ").trim())"""
NUMBERS = """(numbers) => document.querySelectorAll(".contents-of-book a").forEach((link) => {
  link.querySelector(".page").textContent = numbers[decodeURIComponent(link.hash.slice(1))];
})"""


def place(page, identity=""):
    """Return the id of a place within the one document."""
    return f"{page.key}--{identity}" if identity else page.key


def line(identity, heading):
    """Return a line of the contents."""
    text = f'<span>{heading}</span><span class="leader"></span><span class="page"></span>'
    return f'<a href="#{identity}">{text}</a>'


def entry(page):
    """Return the lines of a page and of its sections."""
    sections = "".join(f"<li>{line(*section)}</li>" for section in page.sections)
    return f'<li class="of-page">{line(page.key, page.heading)}<ol>{sections}</ol></li>'


def contents(book):
    """Return the contents of the book: its parts, pages and sections."""
    lines = []
    for part, pages in groupby(book, lambda page: page.part):
        lines += [f'<li class="part">{escape(part)}</li>'] * bool(part) + list(map(entry, pages))
    return f'<nav class="contents-of-book"><h1>Contents</h1><ol>{"".join(lines)}</ol></nav>'


def title_page(heading, subtitle, about):
    """Return the first page."""
    logo = (ROOT / paper.settings()["logo"]).as_uri()
    return f"""<header class="title-page"><img alt="" src="{logo}">
<p class="title">{escape(heading)}</p>
<p class="subtitle">{escape(subtitle)}</p><p class="about">{about}</p></header>"""


def about():
    """Return who made the book, which version it is, and under which license."""
    found = paper.settings()
    version = found["sphinx"]["config"]["version"]
    return f"""{escape(found["author"])}. Version {version}.<br>© {found["copyright"]}. Text and
figures: <a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>; code:
<a href="https://opensource.org/license/bsd-3-clause">BSD 3-Clause</a>. The notebooks, the code that
is folded here and the reference of the library are on the site."""


def head(page):
    """Return the style of a page's running head."""
    text = json.dumps(page.title, ensure_ascii=False)
    return f"""#{page.key} {{ page: {page.key}; }}
@page {page.key} {{ @top-left {{ content: {text}; font: 9pt "Source Sans 3", sans-serif; }} }}"""


def document(title, body, style=""):
    """Return the HTML of a whole document that looks as the site does."""
    sheets = [paper.SITE / "_static" / name for name in ("course.css", "math.css")]
    look = "\n".join([*map(waiting, sheets), STYLE.read_text(encoding="utf-8"), style])
    return f"""<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<title>{escape(title)}</title><style>{look}</style></head><body>{body}</body></html>"""


def waiting(sheet):
    """Return a style sheet of the site, whose text waits for its fonts however late they come."""
    text = sheet.read_text(encoding="utf-8").replace(
        'url("fonts/', f'url("{sheet.parent.as_uri()}/fonts/'
    )
    return re.sub("font-display: (fallback|swap)", "font-display: block", text)


def whole(book):
    """Return the document that holds all pages."""
    title = paper.settings()["title"]
    for page in book:
        page.article["id"] = page.key
    body = [title_page(title, paper.SUBTITLE, about()), contents(book)]
    body += [str(page.article) for page in book]
    return document(title, "\n".join(body), "\n".join(map(head, book)))


def exercises(book):
    """Return the document that holds the exercises of all pages."""
    title = paper.settings()["title"]
    held, body = set(), [title_page(title, "The exercises, without answers", about())]
    for page in book:
        found = paper.exercises(page)
        held |= {exercise["id"] for exercise in found}
        if found:
            body.append(f'<article id="{page.key}"><h1>{page.heading}</h1>')
            body += [*map(str, found), "</article>"]
    soup = paper.BeautifulSoup(document(f"{title}: exercises", "\n".join(body)), "html.parser")
    for link in soup.select('article a[href^="#"]'):
        if link["href"][1:] not in held:
            link.unwrap()
    return "<!DOCTYPE html>" + str(soup.html)


def numbers(reader):
    """Return the page of every place that something links to."""
    page = reader.get_destination_page_number
    return {name.lstrip("/"): page(place) + 1 for name, place in reader.named_destinations.items()}


def squeezed(text):
    """Return a text without white space."""
    return "".join(text.split())


def finish(path, headings):
    """Give the outline the spaces that headings lose where they break; return how many pages."""
    writer = PdfWriter(clone_from=path)
    whole = {squeezed(heading): heading for heading in headings}
    outline = writer.root_object.get("/Outlines")
    entries = [outline["/First"]] if outline else []
    while entries:
        entry = entries.pop()
        title = whole.get(squeezed(entry["/Title"]), entry["/Title"])
        entry[NameObject("/Title")] = TextStringObject(title)
        entries += [entry[name] for name in ("/First", "/Next") if name in entry]
    writer.add_metadata({"/Author": paper.settings()["author"]})
    writer.write(path)
    return len(writer.pages)


def print_to(path, html, browser):
    """Print a document, the second time with the pages that its contents name; count them."""
    source = path.with_suffix(".html")
    source.write_text(html, encoding="utf-8")
    window = browser.new_page(color_scheme="light")
    window.set_default_timeout(0)  # a busy machine takes minutes
    window.goto(source.as_uri(), wait_until="load")
    window.evaluate("document.fonts.ready.then(() => true)")
    if "contents-of-book" in html:
        window.pdf(path=path, **PAPER)
        window.evaluate(NUMBERS, numbers(PdfReader(path)))
    window.pdf(path=path, outline=True, tagged=True, **PAPER)
    headings = window.evaluate(HEADINGS)
    window.close()
    return finish(path, headings)


def connected(book):
    """Return pages whose places, links and files are those of the one document."""
    paper.connect(
        book,
        identity=place,
        address=lambda page, to: "#" + place(page, to),
        file=lambda path: (paper.SITE / path).as_uri(),
    )
    return book


def write(documents, browser):
    """Print documents, each to its path, and say how long they and the printing are."""
    for path, html in documents.items():
        begun = time.perf_counter()
        with paper.written(path) as draft:
            count = print_to(draft, html, browser)
        paper.told(path, begun, f"{count} pages, ")


def make():
    """Print the course and its exercises."""
    site, path = paper.finished_site(), find()
    book = connected(paper.pages(site))
    with sync_playwright() as playwright, started(playwright, path) as browser:
        write({COURSE: whole(book), EXERCISES: exercises(book)}, browser)


@contextmanager
def started(playwright, path):
    """Start the browser and close it; LookupError says that it does not start."""
    try:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
    except Error as problem:
        why = problem.message.partition("\n")[0]
        raise LookupError(f"{path} does not start as a browser: {why}") from None
    try:
        yield browser
    finally:
        browser.close()


if __name__ == "__main__":
    no_arguments(__doc__)
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it tells what it mends
    sys.exit(paper.run(make))
