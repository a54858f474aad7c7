"""The pages of the built site as one book: what `make pdf` and `make epub` have in common.

Both take the articles of ``_build/html``, where formulas are MathML and figures are drawings, so
that nothing is executed or set a second time. The reference of the library stays on the site,
since it would take a hundred pages, and so does the explorer, since it moves.
"""

import re
import sys
import time
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import site_checks
import yaml
from bs4 import BeautifulSoup, Tag
from environment import ROOT

BUILD = ROOT / "_build"
SITE = BUILD / "html"
NO_SITE = "there is no finished site; build it with: make book"
SUBTITLE = "Activation functions as a course, in which every claim is executed"
ON_SITE_ONLY = re.compile(r"book/(api|explorer)\b")
DROPPED = (
    "script, noscript, .headerlink, .only-dark, .only-narrow, .js-only, .copy, source, "
    ".activation-explorer, .atlas-lines, .atlas-homes details > :not(summary)"
)
UNLINKED = ".atlas-overview a"
"""Links to what is dropped."""
REFERRING = ["aria-labelledby", "aria-describedby", "for"]
UNFIT = re.compile(r"[^\w.-]+")
"""What cannot stand in an id of every format."""


@dataclass
class Page:
    """A page of the book: its name, the part of the book that it belongs to, and its article."""

    name: str
    part: str
    article: Tag

    @property
    def key(self):
        """A short name that is a file name and an id."""
        return UNFIT.sub("-", self.name.removeprefix("book/"))

    @property
    def heading(self):
        """The title, with its formulas."""
        return inner(self.article.h1)

    @property
    def title(self):
        """The title as plain text."""
        return plain(self.article.h1)

    @property
    def sections(self):
        """The id and the heading of each section."""
        headings = self.article.find_all("h2")
        return [(heading.find_parent("section")["id"], inner(heading)) for heading in headings]


def inner(tag):
    """Return the HTML within a tag."""
    return tag.decode_contents().strip()


def plain(tag):
    """Return the text of a tag on one line."""
    return " ".join(tag.get_text().split())


def finished_site():
    """Return the folder of the built site; LookupError says what to do where there is none."""
    if (BUILD / "unfinished").exists() or not (SITE / "index.html").exists():
        raise LookupError(NO_SITE)
    return SITE


def settings():
    """Return the settings of the book."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


def parts(root):
    """Return the caption of the part of the book that each document stands in."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return {
        name: part["caption"] for part in toc["parts"] for name in site_checks.documents_below(part)
    }


def pages(site, root=ROOT):
    """Return the pages of the book in their order, tidied; links and ids are as on the site."""
    caption = parts(root)
    names = [name for name in site_checks.documents(root) if not ON_SITE_ONLY.match(name)]
    return [Page(name, caption.get(name, ""), article(site / f"{name}.html")) for name in names]


def article(path):
    """Return the article of a page without what only a screen needs."""
    found = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").find("article")
    for tag in found.select(DROPPED):
        tag.decompose()
    for link in found.select(UNLINKED):
        link.unwrap()
    for image in found.find_all("img"):
        del image["loading"]
        if image.parent.name == "picture":
            image.parent.unwrap()
    return found


def connect(book, identity, address, file):
    """Give every page the ids, the links and the files of another format.

    ``identity(page, id)`` names a place, ``address(page, id)`` links to it, where the id is empty
    for the page itself, and ``file(path)`` returns the address of a file of the site. A link to
    what the book does not hold becomes plain text.
    """
    known = {f"{page.name}.html": page for page in book}
    for page in book:
        for tag in page.article.find_all(id=True):
            tag["id"] = identity(page, UNFIT.sub("-", tag["id"]))
        for name in REFERRING:
            for tag in page.article.find_all(attrs={name: True}):
                tag[name] = " ".join(identity(page, part) for part in tag[name].split())
        for image in page.article.find_all("img"):
            image["src"] = file(site_checks.target(f"{page.name}.html", image["src"])[0])
        for link in page.article.find_all("a", href=True):
            connect_link(page, link, known, address)


def connect_link(page, link, known, address):
    """Give a link its new address."""
    if site_checks.EXTERNAL.match(link["href"]) or ":" in link["href"].split("/")[0]:
        return
    path, place = site_checks.target(f"{page.name}.html", link["href"])
    if path in known:
        link["href"] = address(known[path], UNFIT.sub("-", place))
        link.attrs.pop("download", None)
    else:
        link.unwrap()


def exercises(page):
    """Return the exercises of a page, without their solutions."""
    found = [copy(exercise) for exercise in page.article.select("div.exercise")]
    for exercise in found:
        for solution in exercise.select("details.solution"):
            solution.decompose()
    return found


def told(path, begun, what=""):
    """Say what was made, how large it is and how long it took."""
    size = path.stat().st_size / 1e6
    print(f"{path}: {what}{size:.1f} MB, {time.perf_counter() - begun:.0f} s", flush=True)


def run(make):
    """Run a program and return its exit status; tell in one line what is missing or in the way."""
    try:
        make()
    except LookupError as problem:
        print(problem.args[0], file=sys.stderr)
        return 1
    except OSError as problem:
        print(f"{problem.filename}: {problem.strerror}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def written(path: Path):
    """Give the path of a draft, which becomes the file when all went well.

    What fails or is interrupted leaves the file as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=".draft-") as folder:
        draft = Path(folder) / path.name
        yield draft
        draft.replace(path)
