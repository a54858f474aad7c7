"""The known differences: in what layers of the same name differ from framework to framework.

Each entry of `DIFFERENCES` names the kinds of layers that have it, and the settings that occur. A
difference explains what is seen if the layer, computed anew with another setting, agrees with the
other version to rounding.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from course_lib._typing import Array
from course_lib.frameworks.forms import compute
from course_lib.frameworks.traces import Value

__all__ = ["DIFFERENCES", "Difference", "Variant"]


@dataclass(frozen=True)
class Variant:
    """A layer with other settings.

    Attributes
    ----------
    here, there : str
        What the settings are, and what they would be, in words.
    settings : mapping of str to object
        Those of the formula that are replaced.
    kind : str
        That of the formula, where it is another one.
    """

    here: str
    there: str
    settings: Mapping[str, Any]
    kind: str = ""

    def output(self, kind: str, inputs: tuple[Array, ...], settings: Mapping[str, Any]) -> Array:
        """Return what the layer would return, in float64.

        Parameters
        ----------
        kind : str
            Of the layer.
        inputs : tuple of ndarray
            Of the layer; any float dtype.
        settings : mapping of str to object
            As they are.

        Returns
        -------
        ndarray of float64
            The output.
        """
        if self.kind:
            return compute(self.kind, inputs[:1], self.settings)
        return compute(kind, inputs, {**settings, **self.settings})


@dataclass(frozen=True)
class Difference:
    """A known difference between frameworks.

    Attributes
    ----------
    name : str
        By which it is looked up in `DIFFERENCES`.
    words : str
        What differs.
    kinds : tuple of str
        Of the layers that have it; empty for all.
    variants : callable
        Returns the variants of a layer, from its `Value` and settings.
    """

    name: str
    words: str
    kinds: tuple[str, ...]
    variants: Callable[[Value, Mapping[str, Any]], Iterator[Variant]]

    def of(self, value: Value) -> Iterator[Variant]:
        """Yield what a layer may be in another framework.

        Parameters
        ----------
        value : Value
            Of the layer.

        Yields
        ------
        Variant
            None where the layer is of another kind, or its settings are not known.
        """
        if not self.kinds:
            yield from self.variants(value, {})
        elif value.kind in self.kinds:
            settings = value.settings()
            if settings or value.kind == "relu":
                yield from self.variants(value, settings)


def _others(name: str, *numbers: float, text: str = "{:g}") -> Any:
    """Return the variants in which a setting is another one of some numbers."""

    def variants(value: Value, settings: Mapping[str, Any]) -> Iterator[Variant]:
        here = settings[name]
        for there in numbers:
            if not np.isclose(here, there, rtol=1e-9):
                yield Variant(text.format(here), text.format(there), {name: there})

    return variants


def _gelu(value: Value, settings: Mapping[str, Any]) -> Iterator[Variant]:
    forms = {"none": "the erf form", "tanh": "the tanh form", "quick": "x sigmoid(1.702 x)"}
    here = settings["approximate"]
    for there, told in forms.items():
        if there != here:
            yield Variant(forms[here], told, {"approximate": there})


def _softplus(value: Value, settings: Mapping[str, Any]) -> Iterator[Variant]:
    def told(threshold: float) -> str:
        return "no threshold" if np.isinf(threshold) else f"x itself above {threshold:g}"

    here = settings["threshold"]
    for there in (np.inf, 20.0):
        if there != here:
            yield Variant(told(here), told(there), {"threshold": there})


def _selu(value: Value, settings: Mapping[str, Any]) -> Iterator[Variant]:
    for digits in (6, 5, 4, 3):
        short = {name: float(f"{settings[name]:.{digits}g}") for name in ("alpha", "scale")}
        yield Variant("all digits", f"{digits} digits", short)


def _prelu(value: Value, settings: Mapping[str, Any]) -> Iterator[Variant]:
    count, shape = settings["weight"].size, value.inputs[0].shape
    for axis, length in enumerate(shape):
        if count > 1 and length == count and axis != settings["axis"]:
            yield Variant(f"axis {settings['axis']}", f"axis {axis}", {"axis": axis})


def _softmax(value: Value, settings: Mapping[str, Any]) -> Iterator[Variant]:
    def told(axes: tuple[int, ...]) -> str:
        return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))} together"

    here, ndim = tuple(settings["axes"]), value.inputs[0].ndim
    single = [(axis,) for axis in range(ndim)]
    several = [tuple(range(axis, ndim)) for axis in range(ndim - 1)]
    for there in [*single, *several]:
        if there != here:
            yield Variant(told(here), told(there), {"axes": there})


def _epsilon(value: Value, settings: Mapping[str, Any]) -> Iterator[Variant]:
    def told(eps: float, inside: bool) -> str:
        return f"{eps:.3g} {'inside' if inside else 'outside'} the root"

    here = settings["eps"]
    usual = [e for e in EPSILONS if not np.isclose(e, here, rtol=1e-3)]
    for eps in (here, *usual):
        for inside in (True, False):
            if (eps, inside) != (here, True):
                yield Variant(told(here, True), told(eps, inside), {"eps": eps, "inside": inside})


EPSILONS = (1e-3, 1e-5, 1e-12, 1e-4, 1e-6, 1e-7, 1e-8, 0.0)


def _gru(value: Value, settings: Mapping[str, Any]) -> Iterator[Variant]:
    forms = {"after": "after the product", "before": "before the product"}
    here = settings["reset"]
    there = "before" if here == "after" else "after"
    yield Variant(forms[here], forms[there], {"reset": there})


def _relu(value: Value, settings: Mapping[str, Any]) -> Iterator[Variant]:
    if np.isnan(value.array).any():
        yield Variant("NaN", "0", {"nan": 0.0})


def _flatten(value: Value, settings: Mapping[str, Any]) -> Iterator[Variant]:
    given, shape = value.inputs[0], value.array.shape
    if value.array.ndim != 2 or given.ndim not in (3, 4) or shape[0] != given.shape[0]:
        return
    names = "NCHW" if given.ndim == 4 else "NCL"
    for rest in permutations(range(1, given.ndim)):
        if list(rest) != sorted(rest):
            order = (0, *rest)
            there = "".join(names[axis] for axis in order)
            yield Variant(names, there, {"order": order, "shape": (shape[0], -1)})


def _transposed(value: Value, settings: Mapping[str, Any]) -> Iterator[Variant]:
    outputs, inputs = settings["weight"].shape
    if outputs == inputs:
        yield Variant("as they are", "transposed", {"transposed": True})


def _left_out(value: Value, settings: Mapping[str, Any]) -> Iterator[Variant]:
    if value.inputs and value.inputs[0].shape == value.array.shape:
        yield Variant("there", "left out", {}, kind="identity")


_ROWS = (
    Difference(
        "leaky-slope",
        "the slope of leaky ReLU for x < 0",
        ("leaky_relu",),
        _others("slope", 0.01, 0.2, 0.3, 0.25, 0.0),
    ),
    Difference("gelu-form", "the form of GELU", ("gelu",), _gelu),
    Difference(
        "hard-sigmoid-slope",
        "the slope of hard sigmoid",
        ("hard_sigmoid", "hard_swish"),
        _others("slope", 1 / 6, 0.2, text="{:.3g}"),
    ),
    Difference("softplus-threshold", "where softplus becomes a line", ("softplus",), _softplus),
    Difference("prelu-axis", "the axis of the slopes of PReLU", ("prelu",), _prelu),
    Difference("softmax-axis", "the axis of softmax", ("softmax",), _softmax),
    Difference("epsilon", "the epsilon of a normalization", ("normalization",), _epsilon),
    Difference("gru-reset", "where a GRU applies its reset gate", ("gru",), _gru),
    Difference("selu-constants", "the constants of SELU", ("selu",), _selu),
    Difference(
        "elu-alpha",
        "the alpha of ELU",
        ("elu", "celu"),
        _others("alpha", 1.0, 0.1, 0.2, 0.5, 1.6732632423543772, 2.0),
    ),
    Difference("relu-nan", "what ReLU makes of NaN", ("relu",), _relu),
    Difference("flatten-order", "the order of axes when flattened", ("flatten",), _flatten),
    Difference("left-out", "the layer itself", (), _left_out),
    Difference("transposed-weights", "the weights of a dense layer", ("linear",), _transposed),
)

DIFFERENCES: Mapping[str, Difference] = {row.name: row for row in _ROWS}
"""The known differences by name."""
