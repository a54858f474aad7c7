"""Why Networks Bend: activation functions, small networks and the claims about them.

The modules follow a reader's day, and an import never points backwards along this line:
``data`` -> ``pairs`` -> ``numerics`` -> ``activations`` -> ``accuracy`` -> ``autodiff`` ->
``meanfield`` -> ``network`` -> ``training`` -> ``pytorch`` -> ``diagnostics`` -> ``statistics`` ->
``experiments`` -> ``frameworks`` -> ``claims`` -> ``plots`` -> ``__main__``, which is
``python -m course_lib``.

Each is imported when it is first asked for, so that ``import course_lib`` costs nothing. NumPy is
all that they need, but for ``course_lib.pytorch`` (PyTorch), ``course_lib.plots`` (Matplotlib),
``course_lib.accuracy`` (mpmath), ``course_lib.statistics`` and the fixed points of
``course_lib.meanfield`` (SciPy), graphs and modules in ``course_lib.frameworks`` (ONNX Runtime and
PyTorch), and what ``course_lib.data`` fetches on request (pooch).
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"
__all__ = [
    "activations",
    "autodiff",
    "claims",
    "data",
    "diagnostics",
    "experiments",
    "frameworks",
    "meanfield",
    "network",
    "statistics",
    "training",
]

_OPTIONAL = ["accuracy", "plots", "pytorch"]  # not brought by `from course_lib import *`


def __getattr__(name: str) -> ModuleType:
    """Import a module of the library when it is first used."""
    if name in __all__ or name in _OPTIONAL:
        return import_module(f"course_lib.{name}")
    raise AttributeError(f"module 'course_lib' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the modules, imported or not."""
    return sorted([*globals(), *__all__, *_OPTIONAL])
