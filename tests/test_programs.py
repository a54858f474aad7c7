"""The programs in tools/ answer arguments that they do not know, and then do nothing."""

import shutil
import subprocess
import sys

import notebooks
import pytest
from environment import ROOT


@pytest.mark.parametrize(("argument", "status"), [("--help", 0), ("extra", 2)])
@pytest.mark.parametrize("name", ["build_book", "clean", "make_epub", "serve", "tasks"])
def test_a_program_without_arguments_does_nothing_if_it_is_given_one(
    tmp_path, name, argument, status
):
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / "_build").mkdir()
    command = [sys.executable, tmp_path / "tools" / f"{name}.py", argument]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == status
    assert f"usage: {name}.py" in done.stdout + done.stderr
    assert list((tmp_path / "_build").iterdir()) == []


@pytest.mark.parametrize("name", ["no-such.ipynb", "README.md", "book"])
def test_what_is_no_notebook_is_told_in_a_line(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["notebooks.py", "--check", name])
    with pytest.raises(SystemExit):
        notebooks.main()
    assert f"{name} is no notebook" in capsys.readouterr().err
