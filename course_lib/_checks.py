"""The checks of arguments, one call each, and the wording that all errors share.

A message says what was given, what is expected and, where it helps, what to do. A check of an
argument takes the argument's name first; those called ``as_...`` return it as it is used.
"""

import ast
from collections.abc import Iterable
from importlib import import_module
from inspect import signature
from math import inf, isfinite
from numbers import Integral
from operator import index
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._typing import Array


def unknown_name(kind: str, given: object, expected: Iterable[str]) -> str:
    """Return the message for a name that is not in a table, with the nearest one that is.

    Parameters
    ----------
    kind : str
        What the name stands for, such as ``"activation"``.
    given : object
        What the caller passed; of a list, the message says that one name is expected.
    expected : iterable of str
        The names that would have worked.

    Returns
    -------
    str
        One sentence.

    Examples
    --------
    >>> unknown_name("activation", "rellu", ["relu", "tanh"])
    "unknown activation 'rellu'; did you mean 'relu'? Expected: relu, tanh"
    >>> unknown_name("activation", ["relu"], ["relu", "tanh"])
    "activation is ['relu']; expected one name: relu, tanh"
    """
    names = list(expected)
    if isinstance(given, list | tuple):
        return f"{kind} is {given!r}; expected one name: {', '.join(names)}"
    from difflib import get_close_matches  # only errors need it, and it is slow to import

    near = get_close_matches(str(given).lower(), names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"unknown {kind} {given!r}{hint} Expected: {', '.join(names)}"


def function_instead(kind: str, given: Any, example: str, own: str) -> str:
    """Return the message for a function where a name is expected, or a row with its derivative.

    Examples
    --------
    >>> function_instead("activation", np.tanh, "relu", "Activation(name, f, derivative)")
    "activation is the ufunc tanh; expected a name, such as 'relu', or Activation(name, f,
    derivative)"
    """
    kind_of = type(given).__name__
    called = f"the {kind_of} {given.__name__}" if hasattr(given, "__name__") else f"a {kind_of}"
    return f"{kind} is {called}; expected a name, such as {example!r}, or {own}"


def check_function(name: str, value: Any, count: int, expected: str) -> None:
    """Raise TypeError unless an argument is a function of so many arguments.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object
        What the caller passed.
    count : int
        How many arguments it will be called with.
    expected : str
        How the message calls such a function.

    Examples
    --------
    >>> check_function("schedule", lambda: 1, 1, "a function of the step")
    Traceback (most recent call last):
    TypeError: schedule is a function of other arguments; expected a function of the step
    """
    if isinstance(value, type) or not takes(count, value):
        other = " of other arguments" if callable(value) and not isinstance(value, type) else ""
        raise TypeError(f"{name} is {describe(value)}{other}; expected {expected}")


def takes(count: int, function: Any) -> bool:
    """Return whether something can be called with so many arguments, as far as it says so.

    Examples
    --------
    >>> takes(1, np.sin), takes(2, lambda x: x), takes(1, "sin")
    (True, False, False)
    """
    try:
        signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # compiled, and without a signature
        return callable(function)
    return True


def parse_call(kind: str, text: str, example: str) -> tuple[str, dict[str, Any]]:
    """Split a name that is written with parameters, such as ``"elu(alpha=2.0)"``.

    Parameters
    ----------
    kind : str
        What it names, such as ``"activation"``.
    text : str
        A name, and in parentheses its parameters by name: numbers, text, True, False, None, and
        lists and tuples of them.
    example : str
        How it may be written, for the message.

    Returns
    -------
    name : str
        The text before the parentheses.
    parameters : dict
        By their names.

    Raises
    ------
    ValueError
        If it is written otherwise.

    Examples
    --------
    >>> parse_call("activation", "elu(alpha=2.0)", "elu(alpha=2.0)")
    ('elu', {'alpha': 2.0})
    >>> parse_call("activation", "elu(2)", "elu(alpha=2.0)")
    Traceback (most recent call last):
    ValueError: cannot read the activation 'elu(2)'; expected a name and parameters by their names,
    such as 'elu(alpha=2.0)'
    """
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.args:
            given = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg}
            if len(given) == len(call.keywords):  # none twice, and no **
                return call.func.id, given
    except (SyntaxError, TypeError, ValueError):
        pass
    raise ValueError(
        f"cannot read the {kind} {text!r}; expected a name and parameters by their names, such as "
        f"{example!r}"
    )


def check_integer(name: str, value: object, *, least: int = 1) -> None:
    """Raise ValueError unless a setting is an integer that is large enough.

    Parameters
    ----------
    name : str
        Of the setting.
    value : object
        What the caller passed. True is no number, although Python counts with it.
    least : int
        The smallest allowed.

    Raises
    ------
    ValueError
        If it is something else.

    Examples
    --------
    >>> check_integer("epochs", 0)
    Traceback (most recent call last):
    ValueError: epochs is 0; expected integers from 1 on
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} is {value!r}; expected integers from {least} on")


def as_array(name: str, values: Any) -> Array:
    """Return values as an array.

    Parameters
    ----------
    name : str
        Of the argument.
    values : array_like
        What the caller passed.

    Returns
    -------
    ndarray
        The same object where it is an array already.

    Raises
    ------
    ValueError
        If lists in it have different lengths, or it is a masked array with masked entries.

    Examples
    --------
    >>> as_array("x", [[1, 2], [3]])
    Traceback (most recent call last):
    ValueError: x is ragged: entries of one list have different lengths; expected an array
    """
    mask = getattr(values, "mask", None)
    if mask is not None and isinstance(values, np.ndarray) and np.any(mask):
        raise ValueError(f"{name} has masked entries, whose numbers would count; fill or drop them")
    try:
        return np.asarray(values)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(
            f"{name} is ragged: entries of one list have different lengths; expected an array"
        ) from None


def as_numbers(name: str, values: Any) -> Array:
    """Return values in float64.

    Parameters
    ----------
    name : str
        Of the argument.
    values : array_like
        What the caller passed.

    Returns
    -------
    ndarray of float64
        The same object where it is one already.

    Raises
    ------
    ValueError
        As `as_array`.
    TypeError
        If something in it is no real number, or one that no float64 can hold.

    Examples
    --------
    >>> as_numbers("samples", [1, "x"])
    Traceback (most recent call last):
    TypeError: samples is [1, 'x']; expected numbers
    """
    array = as_array(name, values)
    try:
        if array.dtype.kind in "biufO":
            return np.asarray(array, dtype=np.float64)
    except (OverflowError, TypeError, ValueError):
        pass
    raise TypeError(f"{name} is {values!r}; expected numbers")


def check_choice(name: str, given: Any, expected: Iterable[str]) -> None:
    """Raise KeyError, with the nearest name, unless a setting is one of a few names.

    Examples
    --------
    >>> check_choice("score", "acuracy", ["accuracy", "loss"])
    Traceback (most recent call last):
    KeyError: "unknown score 'acuracy'; did you mean 'accuracy'? Expected: accuracy, loss"
    """
    names = list(expected)
    if not isinstance(given, str) or given not in names:
        raise KeyError(unknown_name(name, given, names))


def as_integer(name: str, value: Any) -> int:
    """Return a setting as an int, or raise TypeError if it is not an integer.

    Examples
    --------
    >>> as_integer("fan_in", 3.0)
    Traceback (most recent call last):
    TypeError: fan_in is 3.0; expected an integer
    """
    try:
        if not isinstance(value, bool | np.bool):
            return index(value)
    except TypeError:
        pass
    raise TypeError(f"{name} is {value!r}; expected an integer")


def as_number(
    name: str,
    value: Any,
    *,
    least: float = -inf,
    above: float = -inf,
    most: float = inf,
    below: float = inf,
) -> float:
    """Return a setting as a float, or raise ValueError if it is not one finite number in a range.

    Parameters
    ----------
    name : str
        Of the setting.
    value : object
        What the caller passed. A 0-d array is a number; True and text are not.
    least, above, most, below : float
        The bounds: `least` and `most` are allowed themselves, `above` and `below` are not.

    Returns
    -------
    float
        The number.

    Raises
    ------
    ValueError
        If it is something else, or out of the range.

    Examples
    --------
    >>> as_number("momentum", 0.9, least=0, most=1)
    0.9
    >>> as_number("eps", 0, above=0)
    Traceback (most recent call last):
    ValueError: eps is 0; expected a finite number above 0
    >>> as_number("test_size", "half", above=0, below=1)
    Traceback (most recent call last):
    ValueError: test_size is 'half'; expected a number between 0 and 1
    """
    try:
        no_number = isinstance(value, bool | np.bool | str | bytes) or np.ndim(value)
        number = np.nan if no_number else float(value)
    except (OverflowError, TypeError, ValueError):
        number = np.nan
    if isfinite(number) and least <= number <= most and above < number < below:
        return number
    raise ValueError(f"{name} is {value!r}; expected {_range(least, above, most, below)}")


def _range(least: float, above: float, most: float, below: float) -> str:
    """Return the words for the numbers within some bounds."""
    if above > -inf and below < inf:
        return f"a number between {above:g} and {below:g}"
    start = f" from {least:g}" if least > -inf else f" above {above:g}" if above > -inf else ""
    end = f" to {most:g}" if most < inf else f" to below {below:g}" if below < inf else ""
    if start and end:
        return f"a number{start}{end}"
    return f"a finite number{start}{' on' if least > -inf else ''}{end}"


def check_type(name: str, value: object, kind: type | tuple[type, ...], expected: str) -> None:
    """Raise TypeError unless an argument is an instance of a class.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object
        What the caller passed.
    kind : type or tuple of types
        What it must be an instance of.
    expected : str
        How the message calls that.

    Examples
    --------
    >>> check_type("weight", [1.0], np.ndarray, "an array: pass np.array(weight)")
    Traceback (most recent call last):
    TypeError: weight is a list; expected an array: pass np.array(weight)
    """
    if not isinstance(value, kind):
        raise TypeError(f"{name} is a {type(value).__name__}; expected {expected}")


def as_flag(name: str, value: object) -> bool:
    """Return a setting as a bool, or raise TypeError if it is not True or False.

    Examples
    --------
    >>> as_flag("full", 1)
    Traceback (most recent call last):
    TypeError: full is 1; expected True or False
    """
    if not isinstance(value, bool | np.bool):
        raise TypeError(f"{name} is {value!r}; expected True or False")
    return bool(value)


def check_numbers(
    name: str, values: ArrayLike, *, least: float = -inf, above: float = -inf
) -> None:
    """Raise ValueError unless a setting is one finite number in a range, or one for each replica.

    Parameters
    ----------
    name : str
        Of the setting.
    values : array_like
        What the caller passed. True is no number.
    least, above : float
        The bounds, as for `as_number`.

    Examples
    --------
    >>> check_numbers("learning_rate", [0.1, 0.0], above=0)
    Traceback (most recent call last):
    ValueError: learning_rate is [0.1, 0.0]; expected finite numbers above 0, one, or one for each
    replica
    """
    numbers = as_array(name, values)
    if numbers.dtype.kind in "fiu" and numbers.size:
        if (np.isfinite(numbers) & (numbers >= least) & (numbers > above)).all():
            return
    start = f"from {least:g} on" if least > -inf else f"above {above:g}"
    raise ValueError(
        f"{name} is {values!r}; expected finite numbers {start}, one, or one for each replica"
    )


def check_finite(name: str, values: Array) -> None:
    """Raise ValueError where numbers are NaN or infinite, which nothing can be learned from.

    Parameters
    ----------
    name : str
        Of the argument.
    values : ndarray
        Of any dtype; a view that repeats itself is not copied.

    Examples
    --------
    >>> check_finite("x", np.array([[0.0, 1.0], [np.nan, np.inf]]))
    Traceback (most recent call last):
    ValueError: x has 2 numbers that are not finite, the first nan at [1, 0]; remove or replace them
    """
    if values.dtype.kind != "f":
        return
    # of an axis along which a view repeats itself, one entry tells all
    once = values[tuple(slice(1 if step == 0 else None) for step in values.strides)]
    # the smallest and the largest are NaN if any is, and need no array of their own
    if not once.size or (np.isfinite(once.min()) and np.isfinite(once.max())):
        return
    wrong = ~np.isfinite(once)
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    raise ValueError(
        f"{name} has {wrong.sum()} number{'s that are' if wrong.sum() > 1 else ' that is'} not "
        f"finite, the first {once[first]} at {list(first)}; remove or replace them"
    )


def check_shape(fits: bool, expected: str, /, **arrays: Array) -> None:
    """Raise ValueError unless the shapes of arrays fit.

    Parameters
    ----------
    fits : bool
        Whether they do.
    expected : str
        The shapes that would.
    **arrays : ndarray
        The arrays by name.

    Examples
    --------
    >>> check_shape(False, "(..., 1, n) for both", weight=np.ones(3), bias=np.ones((1, 3)))
    Traceback (most recent call last):
    ValueError: weight has shape (3,) and bias has shape (1, 3); expected (..., 1, n) for both
    """
    if not fits:
        given = " and ".join(f"{name} has shape {values.shape}" for name, values in arrays.items())
        raise ValueError(f"{given}; expected {expected}")


def check_float_arrays(**arrays: Any) -> None:
    """Raise TypeError unless all arguments are arrays, and of one float dtype.

    Examples
    --------
    >>> check_float_arrays(weight=np.ones(2), bias=np.ones(2, np.float32))
    Traceback (most recent call last):
    TypeError: weight is float64 and bias is float32; expected one float dtype
    """
    for name, values in arrays.items():
        check_type(name, values, np.ndarray, f"an array: pass np.array({name})")
    dtypes = {values.dtype for values in arrays.values()}
    if len(dtypes) > 1 or any(dtype.kind != "f" for dtype in dtypes):
        given = " and ".join(f"{name} is {values.dtype}" for name, values in arrays.items())
        raise TypeError(f"{given}; expected one float dtype")


def describe(thing: object) -> str:
    """Format an object for an error message: text and classes as they are, others by their type.

    Examples
    --------
    >>> describe("relu"), describe([1, 2])
    ("'relu'", 'a list')
    """
    return repr(thing) if isinstance(thing, str | type) else f"a {type(thing).__name__}"


def scipy_module(name: str) -> ModuleType:
    """Import a module of SciPy, an optional dependency, when it is first used.

    Parameters
    ----------
    name : str
        Such as ``"stats"`` for ``scipy.stats``.

    Returns
    -------
    module
        That module.

    Raises
    ------
    ModuleNotFoundError
        If SciPy is not installed; the message says how to install it.

    Examples
    --------
    >>> scipy_module("special").__name__
    'scipy.special'
    """
    return _optional(f"scipy.{name}", "SciPy", "stats")


def sweeps_module(name: str) -> ModuleType:
    """Import a package that long experiments need, or a module of it, when it is first used.

    Parameters
    ----------
    name : str
        Such as ``"pyarrow.parquet"``; one of the extra ``sweeps``, or ``dask`` or ``distributed``.

    Returns
    -------
    module
        That module.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed; the message says how to install it.

    Examples
    --------
    >>> sweeps_module("joblib").__name__
    'joblib'
    """
    package = name.partition(".")[0]
    extra = "cluster" if package in ("dask", "distributed") else "sweeps"
    return _optional(name, package, extra)


def pytorch_module() -> ModuleType:
    """Import `course_lib.pytorch`, for which PyTorch is needed, when it is first used.

    Returns
    -------
    module
        That package of this library.

    Raises
    ------
    ModuleNotFoundError
        If PyTorch is not installed; the message says how to install it.

    Examples
    --------
    >>> pytorch_module().__name__
    'course_lib.pytorch'
    """
    _optional("torch", "PyTorch", "torch")
    return import_module("course_lib.pytorch")


def not_installed(name: str, package: str, extra: str) -> ModuleNotFoundError:
    """Return the error that says how to install what is missing.

    Parameters
    ----------
    name : str
        Of the module that was not found.
    package : str
        As it is called.
    extra : str
        Of this package that brings it.

    Returns
    -------
    ModuleNotFoundError
        To be raised.

    Examples
    --------
    >>> str(not_installed("matplotlib", "Matplotlib", "plots"))
    'this needs Matplotlib; install it with: pip install "why-networks-bend[plots]"'
    """
    told = f'this needs {package}; install it with: pip install "why-networks-bend[{extra}]"'
    return ModuleNotFoundError(told, name=name)


def _optional(name: str, package: str, extra: str) -> ModuleType:
    """Import a module of an optional dependency, or say how to install it."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise not_installed(name.partition(".")[0], package, extra) from None
