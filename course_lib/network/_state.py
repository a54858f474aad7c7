"""States: flat dicts of arrays, which np.savez stores, checked before anything is overwritten."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from course_lib._checks import as_array, check_type
from course_lib._typing import Array

VERSION = np.array(1)
"""Of the names and shapes in a state; a release that changes them counts on."""


def as_arrays(state: Any) -> dict[str, Array]:
    """Return the entries of a state, of a dict or of what np.load opened, as arrays.

    Raises
    ------
    ValueError
        If it is a file that is closed, or an entry is ragged.
    TypeError
        If it is not a mapping, or an entry is not numeric; an optimizer's ``"class"`` and
        ``"decay"`` are text.

    Examples
    --------
    >>> as_arrays({"0.bias": [[1.0, 2.0]]})
    {'0.bias': array([[1., 2.]])}
    """
    expected = (
        "a mapping of names to arrays, as state_dict() returns it, or np.load of a file of it"
    )
    check_type("state", state, Mapping, expected)
    if isinstance(state, np.lib.npyio.NpzFile) and state.zip is None:
        raise ValueError(
            "state is a file that is closed; load it before it closes, or open it again"
        )
    arrays = {str(name): as_array(str(name), value) for name, value in state.items()}
    wrong = [
        f"{name} is {value.dtype}"
        for name, value in arrays.items()
        if value.dtype.kind not in ("fiubU" if name in ("class", "decay") else "fiub")
    ]
    if wrong:
        raise TypeError(f"{'; '.join(wrong)}; expected arrays of numbers")
    return arrays


def check_writable(parameters: Mapping[str, Array]) -> None:
    """Raise one ValueError that names all parameters that cannot be written to.

    Examples
    --------
    >>> check_writable({"w": np.broadcast_to(1.0, (2, 1))})
    Traceback (most recent call last):
    ValueError: w cannot be written to (read-only); give the layers copies; nothing was loaded
    """
    fixed = [name for name, value in parameters.items() if not value.flags.writeable]
    if fixed:
        raise ValueError(
            f"{', '.join(fixed)} cannot be written to (read-only); give the layers copies; "
            f"nothing was loaded"
        )


def check_state(
    owner: str, arrays: Mapping[str, Array], expected: Mapping[str, Array | None]
) -> None:
    """Raise one ValueError that names every entry that is missing, unknown or misshapen.

    Parameters
    ----------
    owner : str
        Whose state it would be, such as ``"this network"``.
    arrays : mapping of str to ndarray
        As `as_arrays` returns them.
    expected : mapping of str to ndarray or None
        All names, with arrays of the shapes and dtypes that fit; None where any fits.

    Examples
    --------
    >>> check_state("this network", {"a": np.zeros(2), "version": VERSION}, {"b": None})
    Traceback (most recent call last):
    ValueError: the state does not fit this network: b is missing; a is unknown; nothing was loaded
    """
    problems = [f"{name} is missing" for name in expected if name not in arrays]
    problems += [] if "version" in arrays else ["version is missing"]
    for name, value in arrays.items():
        if name == "version":
            if not np.array_equal(value, VERSION):
                problems.append(f"version is {value}, and this release reads {VERSION}")
        elif name not in expected:
            problems.append(f"{name} is unknown")
        else:
            problems += _differences(name, value, expected[name])
    if problems:
        raise ValueError(
            f"the state does not fit {owner}: {'; '.join(problems)}; nothing was loaded"
        )


def _differences(name: str, value: Array, expected: Array | None) -> list[str]:
    """Return what is wrong with an entry: its shape, its dtype (in any byte order), or nothing."""
    if expected is None:
        return []
    problems = []
    if value.shape != expected.shape:
        problems.append(f"{name} has shape {value.shape}, expected {expected.shape}")
    if value.dtype.newbyteorder("=") != expected.dtype.newbyteorder("="):
        problems.append(f"{name} is {value.dtype}, expected {expected.dtype}")
    return problems
