"""The browser of this machine, and the site as it sees it: for printing, tests and benchmarks."""

import functools
import http.server
import os
import shutil
import threading
from contextlib import contextmanager

NAMES = [
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
]
"""The first is Chromium without a window, which opens a page in a seventh of the time."""
NONE = """no Chromium or Chrome was found; install one, or name it in CHROMIUM. On Debian:
apt-get install chromium"""

SHIFT = """new Promise((resolve) => {
  let shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(shift), 300);
})"""
"""What a page evaluates to its cumulative layout shift."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *arguments):
        """Say nothing."""


def server(folder, port=0):
    """Return a server of a folder on this machine, at a port or at any that is free."""
    handler = functools.partial(Quiet, directory=folder)
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)


@contextmanager
def served(folder):
    """Serve a folder, as `make serve` does; give its address."""
    with server(folder) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{found.server_port}/"
        found.shutdown()


def find():
    """Return the path of the browser; LookupError says what to do where there is none."""
    named = os.environ.get("CHROMIUM")
    found = next(filter(None, map(shutil.which, [named] if named else NAMES)), None)
    if found is None:
        raise LookupError(f"CHROMIUM names {named}, which is no program" if named else NONE)
    return found
