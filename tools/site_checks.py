"""What a built site must be: every page there and filled, nothing fetched from elsewhere.

``problems`` returns what is wrong in plain words; an empty list means that all is well.
``remove_stale`` and ``remove_unused`` leave the files that a site needs.
"""

import re
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

LEAST_TEXT = 100  # characters that a page must say
# the line below the heads of a table in Markdown; a string in the code of a cell may hold one
RAW_TABLE = re.compile(r"""(?<!["'-])\|---\|---""")
GENERATED = ["genindex.html", "py-modindex.html", "search.html"]
LOADING_LINKS = {"icon", "modulepreload", "preconnect", "preload", "prefetch", "stylesheet"}
SOURCES = {
    "a": ["data-script"],
    "audio": ["src"],
    "embed": ["src"],
    "iframe": ["src"],
    "image": ["href", "xlink:href"],
    "img": ["src", "srcset"],
    "input": ["src"],
    "object": ["data"],
    "script": ["src"],
    "source": ["src", "srcset"],
    "track": ["src"],
    "video": ["src", "poster"],
}
"""The attributes by which an element names a file; by ``data-script``, one that a script loads."""
KEPT = [".buildinfo", "objects.inv", "*LICENSE.txt", "*OFL.txt"]
"""Names of files that no page asks for: Sphinx and other sites do, and licenses must be there."""
URL_IN_CSS = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s;]+)""")
EXTERNAL = re.compile(r"^(?:https?:|wss?:|ftp:)?//", re.IGNORECASE)


class Page(HTMLParser):
    """What a page says, what it loads, where it links and which places it has."""

    def __init__(self, html):
        """Read a page."""
        super().__init__()
        self.loads, self.links, self.text = [], [], []
        self.ids, self.twice = set(), set()
        self.titles, self.redirects, self.picture = 0, False, ""
        self._article, self._inside = 0, ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        """Note what a tag does."""
        values = {name: value or "" for name, value in attributes}
        name = values.get("id", "")
        self.twice |= self.ids & {name} - {""}
        self.ids.add(name)
        self.loads += [
            part.split()[0]
            for name in SOURCES.get(tag, [])
            for part in values.get(name, "").split("," if name == "srcset" else "\n")
            if part.strip()
        ]
        if tag == "link" and LOADING_LINKS & set(values.get("rel", "").split()):
            self.loads.append(values.get("href", ""))
        if tag == "a":
            self.links.append(values.get("href", ""))
        if tag == "meta" and values.get("property") == "og:image":
            self.picture = values.get("content", "")
        self.loads += URL_IN_CSS.findall(values.get("style", ""))
        self.titles += tag == "h1" and self._article > 0
        self.redirects |= tag == "meta" and values.get("http-equiv", "").lower() == "refresh"
        self._article += tag == "article"
        self._inside = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag):
        """Note where the article and a style end."""
        self._article -= tag == "article"
        self._inside = ""

    def handle_data(self, data):
        """Collect the text of the article, and what a style loads."""
        if self._inside == "style":
            self.loads += URL_IN_CSS.findall(data)
        elif self._article and not self._inside:
            self.text.append(data)

    @property
    def length(self):
        """Number of characters that the article says, white space aside."""
        return sum(len(part.strip()) for part in self.text)


def documents_below(node):
    """Return the names of all pages in a part of the table of contents."""
    if isinstance(node, list):
        return [name for item in node for name in documents_below(item)]
    if not isinstance(node, dict):
        return []
    own = [node["file"].removesuffix(".md").removesuffix(".ipynb")] if "file" in node else []
    return own + [name for value in node.values() for name in documents_below(value)]


def documents(root):
    """Return the names of all pages in ``_toc.yml``, the root document first."""
    content = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return [content["root"], *documents_below(content)]


def chapters(root):
    """Return the notebooks of the first part of the table of contents, as paths below ``book/``."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    names = documents_below(toc["parts"][0]["chapters"])
    return [name.removeprefix("book/") for name in names if (root / f"{name}.ipynb").exists()]


def pages(site):
    """Return every page of the site that a reader sees, by its name."""
    found = {}
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if not name.startswith(("_static/", "_sources/")):
            found[name] = Page(path.read_text(encoding="utf-8"))
    return found


def missing_pages(found, expected):
    """Every entry of the table of contents has a page."""
    return [f"{name}.html is missing" for name in expected if f"{name}.html" not in found]


def empty_pages(found, expected):
    """Every page has a title and says something, and none is only a redirect."""
    problems = []
    for name in expected:
        page = found.get(f"{name}.html")
        if page is None:
            continue
        if page.redirects:
            problems.append(f"{name}.html only redirects")
        elif page.titles != 1:
            problems.append(f"{name}.html has {page.titles} titles, expected 1")
        elif page.length < LEAST_TEXT:
            problems.append(f"{name}.html says almost nothing ({page.length} characters)")
    return problems


def raw_tables(found):
    """No page shows the marks of a table that was not made into one."""
    return [
        f"{name} shows a table as text; see nb_render_markdown_format in _config.yml"
        for name, page in found.items()
        if RAW_TABLE.search("".join(page.text))
    ]


def in_style_sheet(path):
    """Return the URLs that a style sheet loads."""
    return URL_IN_CSS.findall(path.read_text(encoding="utf-8"))


def external_requests(found, site):
    """No page and no style sheet loads anything from another place."""
    loads = [(name, url) for name, page in found.items() for url in page.loads]
    for path in sorted(site.rglob("*.css")):
        name = path.relative_to(site).as_posix()
        loads += [(name, url) for url in in_style_sheet(path)]
    return [f"{name} loads {url}" for name, url in loads if EXTERNAL.match(url)]


def target(name, url):
    """Return the file below the site that a page's URL means, and its fragment."""
    parts = urlsplit(url)
    base = Path("/", name)
    path = base.parent / unquote(parts.path) if parts.path else base
    flat = []
    for step in path.parts[1:]:
        if step == "..":
            flat[-1:] = []
        else:
            flat.append(step)
    return "/".join(flat), unquote(parts.fragment)


def within(url):
    """Return whether a URL means a place of the site."""
    return bool(url) and ":" not in url.split("/")[0] and not EXTERNAL.match(url)


def dangling(found, site):
    """Everything that a page loads or links to within the site exists."""
    problems = []
    for name, page in found.items():
        for url in filter(within, dict.fromkeys(page.loads + page.links)):
            path, fragment = target(name, url)
            if not (site / path).exists():
                problems.append(f"{name} points to {url}, which does not exist")
            elif fragment and path in found and fragment not in found[path].ids:
                problems.append(f"{name} points to {url}, and there is no such place")
    return problems


def repeated(found):
    """Every place of a page has an id of its own."""
    return [
        f"{name} has more than one place with the id {identity}"
        for name, page in found.items()
        for identity in sorted(page.twice)
    ]


def remove_stale(site, root):
    """Remove pages that an earlier build left and that no document makes any more."""
    expected = {f"{name}.html" for name in documents(root)} | set(GENERATED)
    for path in site.rglob("*.html"):
        name = path.relative_to(site).as_posix()
        if name not in expected and not name.startswith(("_static/", "_modules/")):
            path.unlink()


def unused(site):
    """Return the names of all files that no page asks for, nor a style sheet that one asks for."""
    found = pages(site)
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    waiting = [(name, url) for name, page in found.items() for url in page.loads + page.links]
    pictures = {page.picture for page in found.values()}
    rest = {name for name in files - set(found) if not any(fnmatch(name, kept) for kept in KEPT)}
    rest = {name for name in rest if not any(url.endswith(f"/{name}") for url in pictures)}
    while waiting:
        name, url = waiting.pop()
        path, _ = target(name, url)
        if path in rest and within(url):
            rest.remove(path)
            if path.endswith(".css"):
                waiting += [(path, url) for url in in_style_sheet(site / path)]
    return sorted(rest)


def remove_unused(site):
    """Remove the files that nothing asks for, such as those of other themes, and empty folders."""
    for name in unused(site):
        (site / name).unlink()
    for folder in sorted(filter(Path.is_dir, site.rglob("*")), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def problems(site, root):
    """Return everything that is wrong with a built site."""
    expected = documents(root)
    found = pages(site)
    return [
        *missing_pages(found, expected),
        *empty_pages(found, expected),
        *raw_tables(found),
        *external_requests(found, site),
        *dangling(found, site),
        *repeated(found),
    ]
