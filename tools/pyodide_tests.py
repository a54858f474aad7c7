"""Run the unit tests and doctests of the NumPy part under Pyodide: `make pyodide` calls this.

PyTorch and SciPy, which many tests compare with, do not exist there, nor does the compiled part of
Hypothesis. Placeholders stand for what is missing, so that test modules can be read; a test that
touches one is skipped. What is left compares with mpmath, closed forms and exact fractions.
Arguments are passed on to pytest.
"""

import glob
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types

import pytest

ABSENT = [name for name in ("torch", "scipy", "hypothesis") if not importlib.util.find_spec(name)]
FILES = ["activations", "pairs", "numerics", "losses", "state", "checks", "seeds", "model"]
FILES += ["building", "initialization", "dense", "activation_layers", "normalization", "dropout"]
FILES += ["sequence", "residual", "layers", "network_gradients"]
FILES += ["data", "quadrature", "meanfield", "autodiff"]
FILES += ["activation", "activation_inputs", "catalogue", "rectifiers", "softmax_family", "groups"]
FILES += ["exact", "measure", "constants", "nodes", "fused"]
TESTS = [f"tests/test_{name}.py" for name in FILES]
TESTS += sorted(glob.glob("tests/test_training_*.py"))
DOCTESTS = [f"course_lib/{name}" for name in ("activations", "data", "network", "training")]
MODULES = ["pairs", "numerics", "autodiff"]
DOCTESTS += [f"course_lib/{name}.py" for name in MODULES]
# Settings of pyproject.toml that ask for plug-ins are left out; warnings stay errors.
OPTIONS = ["-q", "-o", "addopts=", "-p", "no:cacheprovider", "--capture=sys", "--doctest-modules"]

# What asks for processes, or for a list that PyTorch itself keeps.
LEFT_OUT = [
    "tests/test_training_progress.py::test_no_terminal_no_bar",
    "tests/test_training_loop.py::test_a_training_goes_on_in_another_process",
    "tests/test_catalogue.py::test_every_activation_of_pytorch_is_there",
    "tests/test_model.py::test_a_step_asks_the_system_for_no_page_that_an_earlier_one_had",
    "tests/test_numerics.py::test_freed_memory_is_not_asked_for_page_by_page_again",
]
OPTIONS += [f"--deselect={name}" for name in LEFT_OUT]


class Absent(types.ModuleType):
    """A module whose every attribute can be named, and skips the test that uses it."""

    __path__ = ()
    __file__ = None

    def __getattr__(self, name):
        """Return a placeholder again; classes are asked for by what looks at real modules."""
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(f"{self.__name__}.{name}")

    def __call__(self, *given, **_):
        """Skip a test, also as its decorator; while a module is read, go on."""
        reason = f"needs {self.__name__.split('.')[0]}"
        if "PYTEST_CURRENT_TEST" in os.environ:
            pytest.skip(reason)
        if len(given) == 1 and isinstance(given[0], types.FunctionType):
            return pytest.mark.skip(reason=reason)(given[0])
        return Absent(self.__name__)

    def __or__(self, _):
        """Let alternatives be named."""
        return self

    __ror__ = __or__

    def __neg__(self):
        """Let it stand in formulas."""
        return self

    def __instancecheck__(self, _):
        """Tell that nothing is of a class that does not exist."""
        return False

    def __mro_entries__(self, _):
        """Let classes be derived from it."""
        return ()


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports placeholders."""

    def find_spec(self, name, path=None, target=None):
        """Tell that absent modules can be imported."""
        if name.split(".")[0] in ABSENT:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        """Return the placeholder."""
        return Absent(spec.name)

    def exec_module(self, module):
        """There is nothing to run."""


if __name__ == "__main__":
    sys.meta_path.append(Finder())
    named = any(not argument.startswith("-") for argument in sys.argv[1:])
    sys.exit(pytest.main([*OPTIONS, *sys.argv[1:], *([] if named else [*TESTS, *DOCTESTS])]))
