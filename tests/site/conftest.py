"""A browser on the built site, served and as a folder. Nothing skips: what is missing fails.

Most of the time of a test goes to opening its page. Tests that only look at a page therefore ask
for ``opened``: they run one after another for each view of it, and share one window. What takes a
minute, such as printing, is made once for a file. So workers are given all tests of such a file,
and all of a page, at once; other tests one by one. (Groups of pytest-xdist 3.8.0, which are meant
for this, have no effect with pytest 9.2.0.)
"""

import re
import time

import browser as browsing
import paper
import pytest
from xdist.scheduler import LoadScopeScheduling

VIEW = {"width": 1280, "theme": "light", "folder": False}
"""How a page is looked at where neither a parameter of the test nor its mark says otherwise."""


MADE_ONCE = ("test_paper.py", "test_fonts.py")
"""Files whose tests share what takes long to make."""
PAGE = re.compile(r"\[([\w/.-]+?\.html)")
"""The page that a test looks at, in its name."""
LONGEST = 30
"""Seconds within which a page must have all that it asks for."""


class Together(LoadScopeScheduling):
    """Gives a worker the tests that share what is made or opened."""

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        if file.endswith(MADE_ONCE):
            return file
        page = PAGE.search(nodeid)
        return f"{file} {page[1]}" if page else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Return how tests are given to workers."""
    return Together(config, log)


def pytest_configure(config):
    """Register the mark of a view."""
    config.addinivalue_line("markers", "view(**how): how a test looks at its page, see VIEW")


def view(item):
    """Return the page that a test looks at, and how."""
    mark = item.get_closest_marker("view")
    how = VIEW | (mark.kwargs if mark else {}) | item.callspec.params
    return (how["name"], *(how[name] for name in VIEW))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Let the tests of one view of a page follow one another, in the order of the file."""
    views = {}
    for item in items:
        if "opened" in getattr(item, "fixturenames", []):
            name, *how = view(item)
            views.setdefault(name, {}).setdefault(tuple(how), len(views))
    names = list(views)

    def place(item):
        if "opened" not in getattr(item, "fixturenames", []):
            return (1, 0, 0)
        name, *how = view(item)
        return (0, names.index(name), list(views[name]).index(tuple(how)))

    items.sort(key=place)


def found(find):
    """Return what a function finds; LookupError ends the tests, and says what to do."""
    try:
        return find()
    except LookupError as problem:
        return pytest.exit(problem.args[0], 1)


@pytest.fixture(scope="session")
def site():
    """Return the folder of the built site."""
    return found(paper.finished_site)


@pytest.fixture(scope="session")
def served(site):
    """Return the address of the site on a simple server."""
    with browsing.served(site) as address:
        yield address


@pytest.fixture(scope="session")
def playwright():
    """Return what drives browsers."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright):
    """Return the browser."""
    path = found(browsing.find)
    browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
    yield browser
    browser.close()


class Visit:
    """A page that was opened, with all that it asked for and complained about."""

    def __init__(self, page, address):
        """Open the page and wait until nothing is on its way any more."""
        self.page, self.address = page, address
        requests, answers, failures, complaints = [], [], [], []
        under_way = set()
        page.on("request", lambda request: under_way.add(request))  # a built-in is refused
        for end in ("requestfinished", "requestfailed"):
            page.on(end, lambda request: under_way.discard(request))
        page.on("request", lambda request: requests.append(request.url))
        page.on("response", lambda answer: answers.append(answer))
        page.on("requestfailed", lambda request: failures.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.extend(serious(message)))
        self.requests, self.answers = requests, answers
        self.failures, self.complaints = failures, complaints
        page.goto(address, wait_until="load")
        self._wait(under_way)

    def _wait(self, under_way):
        """Wait until nothing was under way for a quarter of a second.

        What the driver has for this, "networkidle", waits twice as long, and on a busy machine
        once in a hundred times for ever.
        """
        quiet, end = 0, time.monotonic() + LONGEST
        while quiet < 5:
            self.page.wait_for_timeout(50)
            quiet = 0 if under_way else quiet + 1
            asked = [request.url for request in under_way]
            assert time.monotonic() < end, f"{self.address} still waits for {asked}"

    def settle(self):
        """Measure how far the page jumped; what it does from here on is not noted."""
        self.shift = self.page.evaluate(browsing.SHIFT)
        self.requests, self.answers = list(self.requests), list(self.answers)
        self.failures, self.complaints = list(self.failures), list(self.complaints)

    @property
    def size(self):
        """Bytes of all that was loaded."""
        return sum(len(answer.body()) for answer in self.answers)


def serious(message):
    """Return what the console calls an error or a warning."""
    return [message.text] if message.type in ("error", "warning") else []


@pytest.fixture(scope="session")
def window(browser, served, site):
    """Return a function that opens a page in a new window."""

    def open_page(name, width=1280, theme="light", folder=False, height=800, **options):
        window = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, **options
        )
        try:
            return Visit(window.new_page(), (site.as_uri() + "/" if folder else served) + name)
        except BaseException:
            window.close()
            raise

    return open_page


@pytest.fixture
def visit(window):
    """Return a function that opens a page in a new window, which closes after the test."""
    visits = []

    def open_page(*where, **how):
        visits.append(window(*where, **how))
        return visits[-1]

    yield open_page
    for opened in visits:
        opened.page.context.close()


@pytest.fixture(scope="session")
def last_view():
    """Return the view of a page that the test before looked at, if one is open."""
    held = {}
    yield held
    for opened in held.values():
        opened.page.context.close()


@pytest.fixture
def opened(request, window, last_view):
    """Return the page of a test, opened for it or for the test before; look, and leave it so."""
    key = view(request.node)
    if key not in last_view:
        for _ in list(last_view):
            last_view.popitem()[1].page.context.close()
        name, *how = key
        fresh = window(name, **dict(zip(VIEW, how, strict=True)))
        last_view[key] = fresh
        fresh.settle()
    return last_view[key]
