"""Where two versions of one network part, layer by layer and end to end, and why."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from course_lib._checks import as_array, check_finite, describe
from course_lib._typing import Array
from course_lib.frameworks.aligning import Alignment, aligned, by_kind
from course_lib.frameworks.differences import Difference, Variant
from course_lib.frameworks.judging import UNKNOWN, Judge, swap_of, variants_of
from course_lib.frameworks.of_callable import CallableVersion
from course_lib.frameworks.of_onnx import OnnxVersion, is_onnx
from course_lib.frameworks.reporting import LayerReport, NetworkReport
from course_lib.frameworks.rounding import apart, tolerance_of_outputs
from course_lib.frameworks.traces import Trace, Version, swapped

__all__ = ["NetworkPair", "compare"]

ADDED_UP = "rounding that adds up, as no layer parts on its own"
BEAM = 8  # differences that are tried with others, where only outputs can be seen
PAIRS = 1000  # of these


def compare(model: Any, other: Any, inputs: Any) -> NetworkReport:
    r"""Tell where two versions of one network part, and which known difference fits.

    Each layer is judged on its own: the layers of one version are fed with what those of the other
    returned, so that a wrong layer does not make all later ones wrong. Unless all layers of two
    modules or graphs have the same names, kinds and shapes, in the same order, layers are found
    by their values: one that the other version has split, merged or renamed is where its output
    appears, and what comes after a wrong one tells where that is.

    Parameters
    ----------
    model : torch.nn.Module or str or os.PathLike or onnx.ModelProto or callable
        A module in evaluation mode, an ONNX graph or its file, or a function of the inputs, of any
        framework, of which only the outputs are compared. TorchScript and compiled modules are
        taken for functions, too.
    other : torch.nn.Module or str or os.PathLike or onnx.ModelProto or callable
        The other version.
    inputs : array_like or torch.Tensor or tuple of them
        A batch, or one for each argument. Floats are cast to what a module or a graph computes in;
        functions get them as they are, modules integers. Where a graph leaves the length of an axis
        open, or all of its shape, it takes that of the batch. Examples that reach both sides of
        every kink tell most.

    Returns
    -------
    NetworkReport
        A table with a line for each layer and output; `NetworkReport.agrees` says whether all is
        well, `NetworkReport.known` names the differences of `DIFFERENCES` that fit.

    Raises
    ------
    TypeError
        If a version is something else, or returns something else than arrays.
    ValueError
        If the batch is empty, has numbers that are not finite or does not fit; a module is in
        training mode or has no values yet; two runs of a version differ, or a graph draws random
        numbers; outputs have different shapes; or an ONNX graph cannot be read or run, or takes
        something else than arrays of numbers.
    FileNotFoundError
        If there is no such file.
    ModuleNotFoundError
        If ONNX or ONNX Runtime is needed and not installed (the extra ``frameworks``).

    Notes
    -----
    The tolerance is what rounding may do: :math:`8 \varepsilon s`, with the machine epsilon of the
    coarser version and the size :math:`s` of what is added up in the layer, such as
    :math:`\max_i \lVert w_i \rVert \max |x|` in a dense one, times :math:`\sqrt n / 8` where it
    has more than 64 inputs; :math:`64 \varepsilon s` for layers that the library does not know,
    recurrent ones and several in one. End to end it is :math:`8 \varepsilon s` for each layer on
    the way, at least four.

    A difference *fits* if the layer, computed anew in float64 with the other setting, agrees with
    the other version within the tolerance. Where one version is a function, the settings are
    exchanged in the other one until the outputs agree: in all layers of a kind, in single ones, and
    two of these at once, each with a run of the network. What the inputs do not reach is not seen.

    Examples
    --------
    >>> import torch
    >>> layers = torch.nn.Linear(2, 3), torch.nn.LeakyReLU(0.01), torch.nn.Linear(3, 1)
    >>> ported = torch.nn.Sequential(layers[0], torch.nn.LeakyReLU(0.2), layers[2])
    >>> x = np.random.default_rng(0).normal(size=(8, 2))
    >>> found = compare(torch.nn.Sequential(*layers).eval(), ported.eval(), x)
    >>> found.first.layer, found.known
    ('1', ('leaky-slope',))
    >>> found.first.cause
    'the slope of leaky ReLU for x < 0: 0.01 in model, 0.2 in other'

    For several batches, make what is needed once: ``pair = NetworkPair(model, other)``, then
    ``pair(x)`` for each.
    """
    return NetworkPair(model, other)(inputs)


class NetworkPair:
    """Two versions of one network, ready to be compared on batches.

    Sessions of ONNX Runtime are made once, and values are matched on the first batch.

    Parameters
    ----------
    model, other
        As for `compare`.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError, ModuleNotFoundError
        As `compare`.

    Examples
    --------
    >>> pair = NetworkPair(np.tanh, lambda x: np.tanh(x) + 1e-3)
    >>> print(pair(np.array([[0.5, -1.0]])))
    layer   other   shape  difference  at      tolerances
    output  output  1 x 2     1.0e-03  [0, 0]     1.8e+11  parts
    output parts: none of the known ones, as no layer can be seen.
    """

    def __init__(self, model: Any, other: Any) -> None:
        given = _version("model", model), _version("other", other)
        flipped = _openness(given[1]) > _openness(given[0])
        self._first, self._second = given[::-1] if flipped else given
        self._judge = Judge(self._first, self._second, flipped=flipped)
        self._told = given[0].told, given[1].told
        self._alignment: Alignment | None = None
        self._layers: list[tuple[str, str, tuple[int, ...]]] = []

    def __call__(self, inputs: Any) -> NetworkReport:
        """Compare both versions on a batch.

        Parameters
        ----------
        inputs
            As for `compare`.

        Returns
        -------
        NetworkReport
            As `compare` returns it.

        Raises
        ------
        TypeError, ValueError
            As `compare`.
        """
        batch = _batch(inputs)
        first, outputs = self._first.trace(batch), self._second.outputs(batch)
        _check_outputs(first.outputs, outputs, self._first, self._second)
        ends = self._ends(first, outputs)
        rows: tuple[LayerReport, ...] = ()
        if self._first.open and self._second.open:
            rows = self._rows(first, batch, ends)
            told = "see the layers above" if any(row.parts for row in rows) else ADDED_UP
            ends = tuple(replace(row, cause=told if row.parts else "") for row in ends)
        else:
            self._check_repeats(first, outputs, batch)
            if any(row.parts for row in ends):
                ends = self._explained(first, outputs, batch, ends)
        return NetworkReport(*self._told, rows, ends)

    # Layer by layer.

    def _rows(
        self, first: Trace, batch: Sequence[Any], ends: Sequence[LayerReport]
    ) -> tuple[LayerReport, ...]:
        """Return a line for each layer."""
        layers = [(value.name, value.kind, value.array.shape) for value in first.values]
        if self._alignment is not None and layers == self._layers:
            rows = self._judge.rows(first, batch, self._alignment)
            if not any(row.parts for row in rows):
                return rows
        second = self._second.trace(batch)
        self._check_repeats(first, second.outputs, batch)
        self._layers = layers
        self._alignment = aligned(first, second, self._second, batch)
        rows = self._judge.rows(first, batch, self._alignment)
        parting = _parting(rows, self._alignment)
        for numbers in (parting, set(self._alignment.places)):
            # what parts may be several layers; what does not may hide one
            closer = by_kind(first, second, self._alignment, numbers)
            if closer is not self._alignment:
                again = self._judge.rows(first, batch, closer)
                if numbers <= parting or not _unexplained(again):
                    self._alignment, rows = closer, again
        if _unexplained(rows) and not any(row.parts for row in ends):
            # hidden units may stand in another order, which their names do not tell
            by_value = aligned(first, second, self._second, batch, names=False)
            again = self._judge.rows(first, batch, by_value)
            if not any(row.parts for row in again):
                self._alignment, rows = by_value, again
        return rows

    # End to end.

    def _ends(self, first: Trace, outputs: Sequence[Array]) -> tuple[LayerReport, ...]:
        """Return a line for each output."""
        eps = max(first.eps, self._first.eps, self._second.eps, *map(_eps, outputs))
        rows = []
        for number, (here, there) in enumerate(zip(first.outputs, outputs, strict=True)):
            name = f"output {number}" if len(outputs) > 1 else "output"
            difference, place = apart(here, there)
            tolerance = tolerance_of_outputs(here, there, eps, len(first.values))
            cause = "" if difference <= tolerance else f"{UNKNOWN}, as no layer can be seen"
            rows.append(
                LayerReport(name, name, "output", here.shape, difference, place, tolerance, cause)
            )
        return tuple(rows)

    def _explained(
        self,
        first: Trace,
        outputs: Sequence[Array],
        batch: Sequence[Any],
        ends: tuple[LayerReport, ...],
    ) -> tuple[LayerReport, ...]:
        """Exchange settings in the version whose layers can be seen, until the outputs agree."""
        if not self._first.open:
            return ends
        limits = [row.tolerance for row in ends]

        def far(parts: Sequence[Part]) -> float:
            swaps = {
                number: swap_of(first.values[number], variant)
                for _, variant, numbers in parts
                for number in numbers
            }
            trial = swapped(self._first, batch, swaps).outputs
            return max(
                apart(a, b)[0] / limit for a, b, limit in zip(trial, outputs, limits, strict=True)
            )

        found = _nearest(first, far)
        if not found:
            return tuple(replace(row, cause=UNKNOWN if row.parts else "") for row in ends)
        cause = "; ".join(self._words_of(first, *part) for part in found)
        known = tuple(dict.fromkeys(difference.name for difference, _, _ in found))
        return tuple(replace(row, cause=cause, known=known) if row.parts else row for row in ends)

    def _words_of(
        self, first: Trace, row: Difference, variant: Variant, numbers: Sequence[int]
    ) -> str:
        """Return what differs, and in which layers."""
        names = ", ".join(dict.fromkeys(first.values[number].name for number in numbers))
        return f"{self._judge.words(row, variant)} (layer {names})"

    def _check_repeats(self, first: Trace, second: Sequence[Array], batch: Sequence[Any]) -> None:
        """Raise ValueError if a second run returns something else."""
        for version, before in ((self._first, first.outputs), (self._second, second)):
            again = version.outputs(batch)
            for here, there in zip(before, again, strict=True):
                difference, _ = apart(here, there)
                if difference > tolerance_of_outputs(here, there, _eps(here), 4):
                    raise ValueError(
                        f"{version.name} ({version.told}) is not deterministic: two runs on the "
                        f"same inputs differ by {difference:.2g}; expected one without random "
                        f"numbers and without a state that a run changes"
                    )


Part = tuple[Difference, Variant, tuple[int, ...]]


def _candidates(trace: Trace) -> tuple[list[Part], list[Part]]:
    """Return what may be exchanged: a setting in all layers that have it, and in one of several."""
    variants: dict[tuple[str, ...], tuple[Difference, Variant]] = {}
    layers: dict[tuple[str, ...], dict[str, list[int]]] = {}
    for number, value in enumerate(trace.values):
        for row, variant in variants_of(value):
            key = row.name, variant.here, variant.there
            variants.setdefault(key, (row, variant))
            layer = value.name.partition(" (call ")[0]  # the same one in each call
            layers.setdefault(key, {}).setdefault(layer, []).append(number)
    together = [
        (*variants[key], tuple(sorted(chain(*found.values())))) for key, found in layers.items()
    ]
    single = [
        (*variants[key], tuple(numbers))
        for key, found in layers.items()
        if len(found) > 1
        for numbers in found.values()
    ]
    return together, single


def _nearest(trace: Trace, far: Callable[[Sequence[Part]], float]) -> tuple[Part, ...]:
    """Return one part or two after which nothing parts: what comes nearest; nothing if none do."""
    tried: list[tuple[float, Part]] = []
    for candidates in _candidates(trace):
        tried += [(far([part]), part) for part in candidates]
        tried.sort(key=itemgetter(0))
        if tried and tried[0][0] <= 1:
            return (tried[0][1],)
    pairs = [
        (one, other)
        for _, one in tried[:BEAM]
        for _, other in tried[: PAIRS // BEAM]
        if not set(one[2]) & set(other[2])
    ]
    best, found = 1.0, tuple[Part, ...]()
    for pair in pairs:
        if (least := far(pair)) <= best:
            best, found = least, tuple(sorted(pair, key=itemgetter(2)))
    return found


def _eps(array: Array) -> float:
    """Return the machine epsilon of an array of floats, 0 of others."""
    return float(np.finfo(array.dtype).eps) if array.dtype.kind == "f" else 0.0


def _parting(rows: Sequence[LayerReport], alignment: Alignment) -> set[int]:
    """Return which values part."""
    numbers = sorted(alignment.places.keys() - alignment.same)
    return {number for number, row in zip(numbers, rows, strict=True) if row.parts}


def _unexplained(rows: Sequence[LayerReport]) -> bool:
    """Return whether a layer parts and no known difference fits."""
    return any(row.parts and not row.known for row in rows)


# Arguments.


def _version(name: str, given: Any) -> Version:
    """Return a version of a network, or raise TypeError."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(given, torch.nn.Module):
        from course_lib.frameworks.of_torch import version_of_module

        return version_of_module(name, given)
    if is_onnx(given):
        return OnnxVersion(name, given)
    if callable(given) and not isinstance(given, type):
        kind = type(given).__name__
        told = f"the function {given.__name__}" if hasattr(given, "__name__") else f"a {kind}"
        return CallableVersion(name, given, told)
    raise TypeError(
        f"{name} is {describe(given)}; expected a torch.nn.Module, an ONNX graph or the path of "
        f"its file, or a function of the inputs"
    )


def _openness(version: Version) -> int:
    """Return how much is known of the layers: all of modules, less of graphs, of functions none."""
    if not version.open:
        return 0
    return 1 if isinstance(version, OnnxVersion) else 2


def _batch(inputs: Any) -> tuple[Any, ...]:
    """Return the inputs as arrays or tensors, one for each argument, or raise an error."""
    parts = inputs if isinstance(inputs, tuple) else (inputs,)
    if not parts:
        raise ValueError("inputs is an empty tuple; expected an array, or one for each argument")
    batch = []
    for number, part in enumerate(parts):
        name = f"inputs[{number}]" if isinstance(inputs, tuple) else "inputs"
        if hasattr(part, "detach"):
            part = part.detach()
            layout = str(getattr(part, "layout", "torch.strided"))
            if layout != "torch.strided" or getattr(part, "is_meta", False):
                raise TypeError(
                    f"{name} is a tensor of layout {layout} on the device {part.device}; "
                    f"expected a dense one with values, such as to_dense() returns"
                )
        array = as_array(name, part.cpu() if hasattr(part, "cpu") else part)
        if array.dtype.kind == "O":
            raise TypeError(
                f"{name} is {describe(part)}; expected an array of numbers, or a tuple of arrays, "
                f"one for each argument"
            )
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{name} is of dtype {array.dtype}; expected numbers")
        if 0 in array.shape:
            raise ValueError(
                f"{name} has shape {array.shape}; expected a batch of at least one example"
            )
        check_finite(name, array)
        batch.append(part if hasattr(part, "detach") else array)
    return tuple(batch)


def _check_outputs(
    here: Sequence[Array], there: Sequence[Array], first: Version, second: Version
) -> None:
    """Raise ValueError unless the outputs have the same shapes."""
    shapes = [array.shape for array in here], [array.shape for array in there]
    if shapes[0] != shapes[1]:
        told = sorted(zip((first, second), shapes, strict=True), key=lambda pair: pair[0].name)
        given = " and ".join(
            f"{version.name} ({version.told}) returns {', '.join(map(str, found))}"
            for version, found in told
        )
        raise ValueError(
            f"the outputs have different shapes: {given}; expected the same number of outputs, of "
            f"the same shapes, as of two versions of one network"
        )
