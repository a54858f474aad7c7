"""The progress bar: where someone can see it, and nowhere else."""

import io
import os
import subprocess
import sys
from contextlib import nullcontext, redirect_stderr
from types import SimpleNamespace

import pytest

from course_lib import data
from course_lib.network import mlp
from course_lib.training import SGD, fit
from course_lib.training.progress import progress_bar

PROGRAM = """
import numpy as np
from course_lib import data, network, training
x, y = data.xor()
training.fit(network.mlp([2, 2, 2]), x, y, optimizer=training.SGD(0.1), epochs=3, progress=True)
"""


def run_in_terminal(program=PROGRAM, **variables):
    """Run a training whose errors go to a pseudo-terminal; return what was shown there."""
    pty = pytest.importorskip("pty", reason="Windows has no pty", exc_type=ImportError)
    termios = pytest.importorskip("termios", reason="Windows has no termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    environment = {k: v for k, v in os.environ.items() if k != "TQDM_DISABLE"} | variables
    subprocess.run([sys.executable, "-c", program], stderr=theirs, env=environment, check=True)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # Linux's way to say that the other end is closed
        pass
    os.close(ours)
    return shown.decode()


def test_a_terminal_shows_a_bar():
    shown = run_in_terminal(TQDM_MININTERVAL="0")  # also the updates of a quick training
    assert "3/3" in shown
    assert "loss=" in shown


def test_the_environment_silences_the_bar():
    assert run_in_terminal(TQDM_DISABLE="1") == ""


def test_the_bar_can_be_turned_off():
    assert run_in_terminal(PROGRAM.replace("progress=True", "progress=False")) == ""


def test_no_terminal_no_bar():
    environment = {k: v for k, v in os.environ.items() if k != "TQDM_DISABLE"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, env=environment, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")


class Terminal(io.StringIO):
    """Where errors go when someone is looking."""

    def isatty(self):
        return True


def test_training_works_without_tqdm(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    x, y = data.xor()
    with redirect_stderr(Terminal()) as shown:
        assert fit(mlp([2, 2, 2]), x, y, optimizer=SGD(0.1)).steps == 1
    assert shown.getvalue() == ""


@pytest.fixture
def notebook(monkeypatch):
    """Pretend that a notebook's kernel runs the tests."""
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    IPython = pytest.importorskip("IPython", reason="IPython is not installed")
    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(kernel=None))


@pytest.mark.parametrize(("widgets", "kind"), [(True, "tqdm_notebook"), (False, "tqdm")])
def test_a_notebook_gets_a_bar_of_its_own_kind(notebook, monkeypatch, widgets, kind):
    if not widgets:
        monkeypatch.setitem(sys.modules, "ipywidgets", None)
    bar = progress_bar(3, wanted=True)
    assert type(bar).__name__ == kind
    bar.close()


def test_the_environment_silences_the_bar_of_a_notebook(notebook, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert isinstance(progress_bar(3, wanted=True), nullcontext)
