"""JupyterLab opens on the chapters, shows nothing else, and asks nobody for news."""

import fnmatch
import json
import sys

import lab
import pytest
import site_checks
from environment import BOOK, ROOT, pages_in


def option(name):
    """Return the value of an option of the command."""
    (value,) = (a.split("=", 1)[1] for a in lab.command() if a.startswith(f"--{name}="))
    return value


def test_it_opens_the_first_chapter():
    assert lab.command()[:4] == [sys.executable, "-m", "jupyterlab", str(BOOK)]
    first = option("LabApp.default_url").removeprefix("/lab/tree/")
    assert first == f"{site_checks.chapters(ROOT)[0]}.ipynb"
    assert (BOOK / first).is_file()


def test_arguments_go_to_jupyterlab():
    assert lab.command(["--no-browser"])[-1] == "--no-browser"


def test_only_notebooks_are_shown():
    hidden = json.loads(option("ContentsManager.hide_globs"))
    shown = [
        path.name
        for path in BOOK.iterdir()
        if not any(fnmatch.fnmatch(path.name, pattern) for pattern in hidden)
    ]
    assert sorted(shown) == sorted({path.relative_to(BOOK).parts[0] for path in pages_in()})


@pytest.mark.parametrize("name", ["checkForUpdates", "fetchNews"])
def test_it_asks_nobody(name):
    file = option("LabApp.app_settings_dir") + "/overrides.json"
    with open(file, encoding="utf-8") as settings:
        told = json.load(settings)["@jupyterlab/apputils-extension:notification"]
    assert told[name] in (False, "false")
