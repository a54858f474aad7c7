"""Where a result comes from."""

import platform
import subprocess
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import course_lib
from course_lib.experiments.provenance import _commit, provenance
from course_lib.experiments.trials import WHERE


def git(folder, *arguments):
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *author, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    """Return a package in a repository of its own."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "module.py").write_text("x = 1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    return package


def test_all_is_told():
    told = provenance()
    assert tuple(told) == WHERE
    assert told["version"] == course_lib.__version__ and told["numpy"] == np.__version__
    assert told["python"] == platform.python_version() and "CPUs" in told["machine"]
    ago = datetime.now(UTC) - datetime.fromisoformat(told["date"])
    assert timedelta(0) <= ago < timedelta(minutes=1)


def test_a_commit_has_seven_digits_and_says_whether_files_differ(checkout):
    assert _commit(checkout) == git(checkout, "rev-parse", "--short=7", "HEAD")
    (checkout / "module.py").write_text("x = 2\n")
    assert _commit(checkout).endswith(" with changes")


def test_changes_elsewhere_do_not_matter(checkout):
    (checkout.parent / "other.py").write_text("")
    git(checkout.parent, "add", ".")
    assert " " not in _commit(checkout)


def test_a_package_inside_the_checkout_of_something_else_has_none(checkout):
    inner = checkout / "site-packages"
    inner.mkdir()
    assert _commit(inner) == ""


def test_there_is_none_outside_a_checkout_and_without_git(tmp_path, checkout, monkeypatch):
    (tmp_path / "elsewhere/package").mkdir(parents=True)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path / "elsewhere"))
    assert _commit(tmp_path / "elsewhere/package") == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _commit(checkout) == ""
