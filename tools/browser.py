"""The browser of this machine, which prints the book and tests the site."""

import os
import shutil

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
NONE = """no Chromium or Chrome was found; install one, or name it in CHROMIUM. On Debian:
apt-get install chromium"""


def find():
    """Return the path of the browser; LookupError says what to do where there is none."""
    named = os.environ.get("CHROMIUM")
    found = next(filter(None, map(shutil.which, [named] if named else NAMES)), None)
    if found is None:
        raise LookupError(f"CHROMIUM names {named}, which is no program" if named else NONE)
    return found
