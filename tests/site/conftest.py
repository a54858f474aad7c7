"""A browser on the built site, served and as a folder. Nothing skips: what is missing fails."""

import browser as browsing
import paper
import pytest


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
        self.requests, self.answers, self.failures, self.complaints = [], [], [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("response", lambda answer: self.answers.append(answer))
        page.on("requestfailed", lambda request: self.failures.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self.note)
        page.goto(address, wait_until="load")
        page.wait_for_load_state("networkidle")

    def note(self, message):
        """Keep what the console calls an error or a warning."""
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    @property
    def size(self):
        """Bytes of all that was loaded."""
        return sum(len(answer.body()) for answer in self.answers)


@pytest.fixture
def visit(browser, served, site):
    """Return a function that opens a page in a new window."""
    windows = []

    def open_page(name, width=1280, theme="light", folder=False, height=800, **options):
        window = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, **options
        )
        windows.append(window)
        start = site.as_uri() + "/" if folder else served
        return Visit(window.new_page(), start + name)

    yield open_page
    for window in windows:
        window.close()
