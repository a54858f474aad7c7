"""The runner of tests under Pyodide: its placeholders, and Pyodide itself where it is at hand."""

import os
import subprocess
import sys

import pyodide_tests
import pytest
from pyodide_tests import Absent


def test_a_placeholder_can_be_named_in_everything_that_a_module_does_while_it_is_read(monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    torch = Absent("torch")
    for made in (torch.nn.ReLU(), -torch.ones(3), torch.a | torch.b, torch.nn.functional):
        assert isinstance(made, Absent)
    assert not isinstance(3, torch.Tensor)

    class Derived(torch.nn.Module):
        """Needs no base."""

    assert Derived.__bases__ == (object,)
    with pytest.raises(AttributeError):
        _ = torch.__version__


def test_a_test_that_touches_a_placeholder_is_skipped(monkeypatch):
    with pytest.raises(pytest.skip.Exception, match="needs torch"):
        Absent("torch").nn.Linear(2, 3)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")

    def test():
        """Would fail."""

    assert Absent("hypothesis").given(3)(test).pytestmark[0].name == "skip"


def test_placeholders_are_imported_for_what_is_missing_alone(monkeypatch):
    assert not {"torch", "scipy", "hypothesis"} & set(pyodide_tests.ABSENT)
    monkeypatch.setattr(pyodide_tests, "ABSENT", ["no_such_library"])
    finder = pyodide_tests.Finder()
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, finder])
    import no_such_library.below as found  # the finder makes it

    assert isinstance(found, Absent)
    for name in ("no_such_library", "no_such_library.below"):
        del sys.modules[name]
    assert finder.find_spec("numpy") is None


# Not collected elsewhere, so that no run depends on what lies on the machine.
if "PYODIDE_DIR" in os.environ:

    def run(root, *words):
        """Run the runner; return what it printed and its exit status."""
        done = subprocess.run(
            ["node", "tools/pyodide.mjs", *words], cwd=root, capture_output=True, text=True
        )
        return done.stdout, done.stderr, done.returncode

    def test_a_program_runs_under_pyodide(root, tmp_path):
        program = root / "tools" / "tasks.py"
        out, err, status = run(root, str(program.relative_to(root)))
        assert (status, err) == (0, "")
        assert out.startswith("make TASK")

    def test_labels_are_int64_on_32_bits(root):
        out, _, status = run(
            root, "--with", "pytest,_pytest,py,pluggy,iniconfig,packaging,pygments",
            "tools/pyodide_tests.py", "tests/test_data.py",
        )  # fmt: skip
        assert status == 0, out

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["--pyodide", "nowhere", "x.py"], "nowhere holds no pyodide.mjs"),
            ([], "usage: node tools/pyodide.mjs"),
            (["--fast", "x.py"], "unknown option --fast"),
            (["--with", "no_such", "x.py"], "no_such is neither in the distribution"),
        ],
    )
    def test_what_is_missing_is_told(root, words, told):
        _, err, status = run(root, *words)
        assert status == 2
        assert told in err
