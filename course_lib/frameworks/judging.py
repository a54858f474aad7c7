"""Each layer on its own: how far two versions of it are apart, and which known difference fits."""

from collections.abc import Iterator, Sequence
from typing import Any

from course_lib._typing import Array
from course_lib.frameworks.aligning import Alignment, segment
from course_lib.frameworks.differences import DIFFERENCES, Difference, Variant
from course_lib.frameworks.reporting import LayerReport
from course_lib.frameworks.rounding import apart, tolerance_of_layer
from course_lib.frameworks.traces import Swap, Trace, Value, Version, swapped

__all__ = ["UNKNOWN", "Judge", "swap_of", "variants_of"]

UNKNOWN = "none of the known ones"


class Judge:
    """Two versions of a network, of which the second may be fed with values of the first.

    Parameters
    ----------
    first, second : Version
        Whose layers can be seen.
    flipped : bool
        Whether reports name the second one first.
    """

    def __init__(self, first: Version, second: Version, *, flipped: bool) -> None:
        self._first, self._second, self._flipped = first, second, flipped

    def rows(
        self, trace: Trace, batch: Sequence[Any], alignment: Alignment
    ) -> tuple[LayerReport, ...]:
        """Return a line for each layer.

        Parameters
        ----------
        trace : Trace
            Of the first version.
        batch : sequence of ndarray or torch.Tensor
            Its inputs.
        alignment : Alignment
            The places of its values in the second version.

        Returns
        -------
        tuple of LayerReport
            In the order of the first version.
        """
        places, same = alignment.places, alignment.same
        feeds = {
            place.number: place.there(trace.values[number].array)
            for number, place in places.items()
            if number not in same
        }
        second = self._second.trace(batch, feeds)
        eps = max(trace.eps, second.eps, self._first.eps, self._second.eps)
        one = _Batch(trace, second, feeds, batch, alignment)
        return tuple(self._row(one, number, eps) for number in sorted(places) if number not in same)

    def words(self, row: Difference, variant: Variant) -> str:
        """Return what differs, in the order of the report.

        Parameters
        ----------
        row : Difference
            What it is.
        variant : Variant
            Of a layer of the first version, as the second has it.

        Returns
        -------
        str
            Such as ``"the form of GELU: the erf form in model, the tanh form in other"``.
        """
        told = [f"{variant.here} in {self._first.name}", f"{variant.there} in {self._second.name}"]
        return f"{row.words}: {', '.join(told[::-1] if self._flipped else told)}"

    def _row(self, one: "_Batch", number: int, eps: float) -> LayerReport:
        """Return the line of one layer, or of several that the second version has in one."""
        value, seen = one.trace.values[number], one.seen(number)
        parts = sorted(segment(one.trace, one.alignment.places, number))
        difference, place = apart(value.array, seen)
        tolerance = tolerance_of_layer(value, seen, eps, len(parts))
        cause, known = "", ""
        if not difference <= tolerance:
            limit = min(tolerance, difference / 2)
            cause, known, by = self._cause(one, number, seen, limit)
            parts = sorted({*parts, *by})
        names = _joined([one.trace.values[part].name for part in parts]), one.name(number)
        return LayerReport(
            *(names[::-1] if self._flipped else names),
            kind=value.kind,
            shape=value.array.shape,
            difference=difference,
            place=place,
            tolerance=tolerance,
            cause=cause,
            known=(known,) if known else (),
        )

    def _cause(
        self, one: "_Batch", number: int, seen: Array, limit: float
    ) -> tuple[str, str, list[int]]:
        """Return the cause in words, its name, and which layer has it."""
        best, found = limit, (UNKNOWN, "", list[int]())
        # a layer before that left its input as it was, such as Flatten, may not elsewhere
        kept = {n: p for n, p in one.alignment.places.items() if n not in one.alignment.same}
        for part in sorted(segment(one.trace, kept, number)):
            for row, variant in variants_of(one.trace.values[part]):
                far, _ = apart(self._with_variant(one, part, number, variant), seen)
                if far <= best:
                    best, found = far, (self.words(row, variant), row.name, [part])
        if not found[1]:
            for added in one.between(number):
                far, _ = apart(self._without(one, added, number), one.trace.values[number].array)
                if far <= limit:
                    row, name = DIFFERENCES["left-out"], one.second.values[added].name
                    return self.words(row, Variant("left out", f"there ({name})", {})), row.name, []
        return found

    def _with_variant(self, one: "_Batch", part: int, number: int, variant: Variant) -> Array:
        """Return what a value would be if one layer of the first version had other settings."""
        value = one.trace.values[part]
        if part == number:
            return swap_of(value, variant)(value.inputs).reshape(value.array.shape)
        swaps = {part: swap_of(value, variant)}
        return swapped(self._first, one.batch, swaps).values[number].array

    def _without(self, one: "_Batch", added: int, number: int) -> Array:
        """Return what a value of the second version would be without one layer there."""
        place, value = one.alignment.places[number], one.second.values[added]
        shape = one.trace.values[number].array.shape
        if added == place.number:
            return place.here(value.inputs[0], shape)
        again = self._second.trace(one.batch, {**one.feeds, added: value.inputs[0]})
        return place.here(again.values[place.number].array, shape)


class _Batch:
    """One pass of both versions, the second one fed."""

    def __init__(
        self,
        trace: Trace,
        second: Trace,
        feeds: dict[int, Array],
        batch: Sequence[Any],
        alignment: Alignment,
    ) -> None:
        self.trace, self.second, self.feeds = trace, second, feeds
        self.batch, self.alignment = batch, alignment

    def seen(self, number: int) -> Array:
        """Return what the second version has for a value, as it is laid out in the first."""
        place = self.alignment.places[number]
        shape = self.trace.values[number].array.shape
        return place.here(self.second.values[place.number].array, shape)

    def name(self, number: int) -> str:
        """Return the name that the second version has for a value."""
        return self.second.values[self.alignment.places[number].number].name

    def between(self, number: int) -> list[int]:
        """Return the layers of the second version that a value needs, and that keep the shape."""
        last = self.alignment.places[number].number
        needed = segment(self.second, dict.fromkeys(self.feeds), last)
        return [
            other
            for other in sorted(needed)
            if (value := self.second.values[other]).inputs
            and value.inputs[0].shape == value.array.shape
            and value.array.dtype.kind == "f"
        ]


def variants_of(value: Value) -> Iterator[tuple[Difference, Variant]]:
    """Yield all that a layer may be elsewhere.

    Parameters
    ----------
    value : Value
        What the layer returned.

    Yields
    ------
    Difference, Variant
        What differs, and how.
    """
    for row in DIFFERENCES.values():
        for variant in row.of(value):
            yield row, variant


def swap_of(value: Value, variant: Variant) -> Swap:
    """Return a function that computes a layer with other settings.

    Parameters
    ----------
    value : Value
        What the layer returned.
    variant : Variant
        Its other settings.

    Returns
    -------
    callable
        Takes the inputs of the layer; returns its output in float64.
    """
    settings = value.settings()
    return lambda inputs: variant.output(value.kind, inputs, settings)


def _joined(names: Sequence[str]) -> str:
    """Return the names of layers in a row, of many the first two and the last."""
    once = list(dict.fromkeys(names))
    return " + ".join(once if len(once) <= 4 else [*once[:2], "...", once[-1]])
