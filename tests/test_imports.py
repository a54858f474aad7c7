"""The library stays light, and its modules import along one line."""

import ast
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import course_lib

FOLDER = Path(course_lib.__file__).parent
MODULES = sorted(
    [path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"]
    + [path.parent.name for path in FOLDER.glob("*/__init__.py")]
)

ALL = {"_checks", "_constants", "_typing"}  # what every module may import
MAY_IMPORT = {  # the reader's day, as the package's docstring tells it
    "_typing": set(),
    "_checks": set(),
    "_constants": set(),
    "data": set(),
    "pairs": set(),
    "numerics": {"pairs"},
    "activations": {"numerics", "pairs"},
    "accuracy": {"activations"},
    "autodiff": {"activations"},
    "meanfield": {"activations", "numerics"},
    "network": {"activations", "meanfield", "numerics", "pairs"},
    "training": {"network"},
    "pytorch": {"activations", "network", "training"},
    "statistics": set(),
    "diagnostics": {"activations", "network", "training", "pytorch"},
    "experiments": {
        "data",
        "activations",
        "meanfield",
        "network",
        "training",
        "pytorch",
        "diagnostics",
        "statistics",
    },
    "frameworks": {"activations", "pytorch"},
    "claims": {"experiments"},
    "plots": {"activations"},
    "__main__": {"data", "experiments", "plots"},
}
CHEAP = "ast, bisect, contextlib, copy, dataclasses, inspect, numbers, operator, typing"
SWEEPS = {"dask", "distributed", "filelock", "joblib", "pyarrow", "threadpoolctl"}
FETCHING = {"pooch", "requests", "urllib3"}
HEAVY = {"mpmath", "torch", "matplotlib", "tqdm", "scipy", "yaml", "IPython", "pandas"}
HEAVY |= SWEEPS | FETCHING | {"onnx", "onnxruntime", "onnxscript"}


def imported(module):
    """Return the names of the packages and of our own modules that a module imports."""
    names = set()
    for path in [FOLDER / f"{module}.py", *(FOLDER / module).rglob("*.py")]:
        if not path.exists():
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, "imports are absolute"
                names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def run(program, **variables):
    """Return what a program prints in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | variables,
    )
    return done.stdout.strip()


def test_every_module_has_a_place_on_the_line():
    assert set(MODULES) == set(MAY_IMPORT)


@pytest.mark.parametrize("module", MODULES)
def test_no_import_points_backwards(module):
    own = {name.split(".")[1] for name in imported(module) if name.startswith("course_lib.")}
    assert own & set(MODULES) <= MAY_IMPORT[module] | ALL | {module}


@pytest.mark.parametrize("module", MODULES)
def test_heavy_packages_are_imported_where_they_belong_alone(module):
    packages = {name.split(".")[0] for name in imported(module)} & HEAVY
    belongs = {
        "accuracy": {"mpmath"},
        "plots": {"matplotlib"},
        "frameworks": {"torch"},  # the module that takes modules apart; onnx is asked for by name
        "pytorch": {"torch"},
        "training": {"tqdm"},
        "statistics": {"scipy"},
        "experiments": SWEEPS,
    }
    assert packages <= belongs.get(module, set())


def test_importing_the_library_brings_numpy_alone():
    program = "import sys; from course_lib import *; print(*sys.modules)"
    loaded = {name.split(".")[0] for name in run(program).split()}
    assert "numpy" in loaded
    assert not loaded & HEAVY


def test_a_module_is_imported_when_it_is_first_asked_for():
    program = """
import sys, course_lib
print("numpy" in sys.modules, {*course_lib.__all__, "plots", "pytorch"} <= {*dir(course_lib)})
print(course_lib.network.mlp([2, 3]).sizes, "numpy" in sys.modules, "torch" in sys.modules)
"""
    assert run(program).splitlines() == ["False True", "[2, 3] True False"]
    with pytest.raises(AttributeError, match="'course_lib' has no attribute 'netwrk'"):
        _ = course_lib.netwrk


@pytest.mark.parametrize("module", [m for m in MODULES if not m.startswith("_")])
def test_every_public_name_exists(module):
    loaded = import_module(f"course_lib.{module}")
    assert [name for name in loaded.__all__ if not hasattr(loaded, name)] == []


@pytest.mark.parametrize(
    ("before", "statement"),
    [
        ("types, importlib", "import course_lib"),
        (f"numpy.random, numpy.typing, {CHEAP}", "import course_lib.training"),
        (f"numpy.random, numpy.typing, {CHEAP}", "from course_lib import activations, network"),
    ],
)
def test_an_import_brings_nothing_else_that_costs(before, statement):
    """Beyond these, the library itself alone; `benchmarks/imports.py` says how long that takes."""
    program = f"""
import sys, {before}
there = {{*sys.modules}}
{statement}
print(*{{*sys.modules}} - there)
"""
    names = {name.split(".")[0] for name in run(program).split()}
    assert names == {"course_lib"}


@pytest.mark.parametrize(
    ("module", "missing", "package", "extra"),
    [
        ("plots", "matplotlib", "Matplotlib", "plots"),
        ("pytorch", "torch", "PyTorch", "torch"),
        ("accuracy", "mpmath", "mpmath", "test"),
    ],
)
def test_a_module_whose_package_is_missing_says_how_to_install_it(module, missing, package, extra):
    program = f"""
import sys
sys.modules[{missing!r}] = None
for statement in ("from course_lib import {module}", "import course_lib.{module}"):
    try:
        exec(statement)
    except ModuleNotFoundError as error:
        print(error)
"""
    told = f'this needs {package}; install it with: pip install "why-networks-bend[{extra}]"'
    assert run(program).splitlines() == [told] * 2


def test_training_runs_where_only_numpy_is_installed():
    program = f"""
import sys
for name in {sorted(HEAVY - {"IPython"})}:
    sys.modules[name] = None
from course_lib import data, network, statistics, training
x, y = data.moons(20)
net = network.mlp([2, 8, 2], "gelu", seed=range(4))
network.mlp([2, 3, 2], "gelu", initialization="computed")
training.fit(net, x, y, optimizer=training.Adam(0.05), epochs=60)
low, high = statistics.wilson_interval((net(x).argmax(-1) == y).sum(), 4 * len(y))
print(bool(low > 0.7))
power = lambda x: statistics.power(x, 5)
for call in (statistics.t_interval, statistics.bootstrap_interval, power):
    try:
        call([1, 2])
    except ModuleNotFoundError as error:
        print(error)
"""
    told, *errors = run(program).splitlines()
    assert told == "True"
    missing = 'this needs SciPy; install it with: pip install "why-networks-bend[stats]"'
    assert errors == [missing] * 3
