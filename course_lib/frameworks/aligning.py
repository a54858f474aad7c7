"""Which values of two versions of a network are the same, whatever their layers are called.

A value of the one that appears in the other, to a few digits, is the same value. Where none does, a
layer may compute something else, or have been merged with its neighbors. What follows decides: the
value is put in the place of each that might be meant, and the right place is where the values after
it appear again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np

from course_lib._typing import Array
from course_lib.frameworks.forms import FORMS
from course_lib.frameworks.traces import Trace, Version

__all__ = ["Alignment", "Place", "aligned", "by_kind", "segment"]

CLOSE = 1e-3  # of the largest number: as close as other GELUs are, and farther than rounding
PLACES = 24  # that are tried for a value that appears nowhere
AHEAD = 3  # layers that are taken together, and values after them, of which two are enough


@dataclass(frozen=True)
class Place:
    """Where a value of the first version stands in the second.

    Attributes
    ----------
    number : int
        Of the value in the second version.
    order : tuple of int
        Of the axes there, before they are laid out as here.
    shape : tuple of int
        There.
    """

    number: int
    order: tuple[int, ...]
    shape: tuple[int, ...]

    def here(self, array: Array, shape: Sequence[int]) -> Array:
        """Return a value of the second version as it is laid out in the first."""
        return array.transpose(self.order).reshape(shape)

    def there(self, array: Array) -> Array:
        """Return a value of the first version as it is laid out in the second."""
        moved = [self.shape[axis] for axis in self.order]
        return array.reshape(moved).transpose(np.argsort(self.order))


@dataclass(frozen=True)
class Alignment:
    """The values that two versions have in common.

    Attributes
    ----------
    places : dict of int to Place
        By the number of a value in the first version.
    same : frozenset of int
        Those which are what the layer before returned: nothing is left to compare.
    """

    places: Mapping[int, Place]
    same: frozenset[int]


def aligned(
    first: Trace, second: Trace, version: Version, inputs: Sequence[Any], *, names: bool = True
) -> Alignment:
    """Return which values of two versions are the same.

    Parameters
    ----------
    first, second : Trace
        Of both versions, for the same inputs.
    version : Version
        The second, which is run again where values do not appear.
    inputs : sequence of ndarray or torch.Tensor
        Of the network.
    names : bool
        Whether equal names, in the same order, decide.

    Returns
    -------
    Alignment
        Of all values that have a place.
    """
    if names and (alike := _by_name(first, second)):
        return Alignment(alike, frozenset())
    search = _Search(first, second, version, inputs)
    search.run()
    return Alignment(search.places, frozenset(search.same))


def by_kind(
    first: Trace, second: Trace, alignment: Alignment, numbers: Collection[int]
) -> Alignment:
    """Return the places, and those of values between them whose layers are of the same kind there.

    A layer that computes something else has no place if what follows erases that, as a ReLU erases
    the slope of a leaky one.

    Parameters
    ----------
    first, second : Trace
        Of both versions.
    alignment : Alignment
        Of both.
    numbers : collection of int
        Of values with places: those before them are looked for.

    Returns
    -------
    Alignment
        The same one if there are none.
    """
    places = dict(alignment.places)
    for last in sorted(numbers):
        place = alignment.places[last]
        for number in sorted(segment(first, alignment.places, last) - {last}):
            value = first.values[number]
            above = first.above(number)
            low = max((places[n].number for n in above if n in places), default=-1)
            found = (
                other
                for other in range(low + 1, place.number)
                if second.values[other].kind == value.kind in FORMS
                and second.values[other].array.shape == value.array.shape
            )
            if number not in places and (other := next(found, None)) is not None:
                shape = value.array.shape
                places[number] = Place(other, tuple(range(len(shape))), shape)
    return alignment if len(places) == len(alignment.places) else replace(alignment, places=places)


def _by_name(first: Trace, second: Trace) -> dict[int, Place]:
    """Return the places of all values if both have the same layers in the same order."""

    def told(trace: Trace) -> list[tuple[Any, ...]]:
        return [(v.name, v.kind, v.array.shape, v.parents) for v in trace.values]

    if told(first) != told(second):
        return {}
    return {
        number: Place(number, tuple(range(value.array.ndim)), value.array.shape)
        for number, value in enumerate(first.values)
        if value.array.dtype.kind == "f"
    }


class _Search:
    """Finds places for values, one after the other."""

    def __init__(
        self, first: Trace, second: Trace, version: Version, inputs: Sequence[Any]
    ) -> None:
        self._first, self._second = first, second
        self._version, self._inputs = version, inputs
        self.places: dict[int, Place] = {}
        self.same: set[int] = set()
        self._feeds: dict[int, Array] = {}
        outputs = {number for number in first.places if number >= 0}
        self._live = outputs.union(*(first.above(number) for number in outputs))
        self._tight = 256 * max(first.eps, second.eps)

    def run(self) -> None:
        """Look for all values; where one appears nowhere, try what it may stand for."""
        trace = self._second
        self.places, self.same = self._found(trace, self.places, self.same)
        tried: set[int] = set()
        while (lost := self._first_lost(tried)) is not None:
            tried.add(lost)
            best = self._best_place(lost, trace)
            if best is None:
                continue
            number, place = best
            self.places[number] = place
            self._feed(self._feeds, number, place)
            trace = self._version.trace(self._inputs, self._feeds)
            self.places, self.same = self._found(trace, self.places, self.same, after=number)
        for here, there in zip(self._first.places, self._second.places, strict=True):
            if here >= 0 and there >= 0 and here not in self.places:
                array = self._second.values[there].array
                self.places[here] = Place(there, tuple(range(array.ndim)), array.shape)

    def _feed(self, feeds: dict[int, Array], number: int, place: Place) -> None:
        """Put a value of the first version in its place in the second."""
        feeds[place.number] = place.there(self._first.values[number].array)

    def _first_lost(self, tried: set[int]) -> int | None:
        """Return the first value without a place, unless a later one that has a place holds it."""
        held: set[int] = set()
        for number in self.places:
            held |= self._alone_above(number)
        lost = (
            n
            for n in range(len(self._first.values))
            if self._matters(n) and n not in self.places and n not in held
        )
        return next((n for n in lost if n not in tried), None)

    def _matters(self, number: int) -> bool:
        """Return whether a value is one of floats on which an output depends."""
        return number in self._live and self._first.values[number].array.dtype.kind == "f"

    def _alone_above(self, number: int) -> set[int]:
        """Return the values without places from which one with a place is computed."""
        return segment(self._first, self.places, number) - {number}

    def _found(
        self,
        trace: Trace,
        places: Mapping[int, Place],
        same: set[int],
        after: int = -1,
        until: int | None = None,
    ) -> tuple[dict[int, Place], set[int]]:
        """Return the places of all values that appear in a trace, and which are unchanged."""
        places, same = dict(places), set(same)
        scores = self._scores(trace)
        end = len(self._first.values) if until is None else until + 1
        for number in range(after + 1, min(end, len(self._first.values))):
            if number in places or not self._matters(number):
                continue
            low = self._low(number, places)
            parent = self._unchanged(number)
            # several layers that are one in the other version must agree: they may hide a wrong one
            close = CLOSE if len(segment(self._first, places, number)) == 1 else self._tight
            found = [
                (score, other, order)
                for other, (score, order) in scores(number).items()
                if other > low and score <= close and not self._better(number, other, score, scores)
            ]
            if number in self._first.places:  # an output of the network
                at = self._second.places[self._first.places.index(number)]
                found = [part for part in found if part[1] == at]
            if parent is not None and parent[1]:  # the same array in the same shape, as dropout is
                found = []
            if found:
                least = min(score for score, _, _ in found)
                near = max(4 * least, self._tight)
                _, other, order = next(part for part in found if part[0] <= near)
                places[number] = Place(other, order, trace.values[other].array.shape)
            elif parent is not None and parent[0] in places:
                there = places[parent[0]]
                if there.order == tuple(range(len(there.order))):
                    places[number] = there
                    same.add(number)
        return places, same

    def _scores(self, trace: Trace) -> Callable[[int], dict[int, tuple[float, tuple[int, ...]]]]:
        """Return a function that says how far a value is from all in a trace that may be close."""
        kept: dict[int, dict[int, tuple[float, tuple[int, ...]]]] = {}
        summaries: dict[int, Summary | None] = {}

        def may_be_close(here: Summary | None, other: int) -> bool:
            if other not in summaries:
                summaries[other] = _summary(trace.values[other].array)
            return _may_be_close(here, summaries[other])

        def scores(number: int) -> dict[int, tuple[float, tuple[int, ...]]]:
            if number not in kept:
                array = self._first.values[number].array
                here = _summary(array)
                kept[number] = {
                    other: _distance(array, value.array)
                    for other, value in enumerate(trace.values)
                    if value.array.size == array.size and may_be_close(here, other)
                }
            return kept[number]

        return scores

    def _better(self, number: int, other: int, score: float, scores: Any) -> bool:
        """Return whether a value that is computed from this one fits a place much better."""
        if score <= self._tight / 32:
            return False
        for later in range(number + 1, min(number + 1 + AHEAD, len(self._first.values))):
            if number in self._first.above(later) and self._unchanged(later) is None:
                if other in (found := scores(later)) and found[other][0] < score / 4:
                    return True
        return False

    def _unchanged(self, number: int) -> tuple[int, bool] | None:
        """Return a parent of the same numbers in the same order, and whether of the same shape."""
        value = self._first.values[number]
        for parent, given in zip(value.parents, value.inputs, strict=False):
            if parent >= 0 and given.size == value.array.size:
                if np.array_equal(given.reshape(-1), value.array.reshape(-1), equal_nan=True):
                    return parent, given.shape == value.array.shape
        return None

    def _low(self, number: int, places: Mapping[int, Place]) -> int:
        """Return the last place of what a value is computed from."""
        above = self._first.above(number)
        return max((places[n].number for n in above if n in places), default=-1)

    def _best_place(self, lost: int, trace: Trace) -> tuple[int, Place] | None:
        """Return which of the lost values, from the first on, has which place."""
        after = [n for n in range(lost, len(self._first.values)) if self._is_after(lost, n)]
        best: tuple[tuple[float, ...], int, Place] | None = None
        for step, number in enumerate(after[:AHEAD]):
            value = self._first.values[number]
            low = self._low(number, self.places)
            last = number in self._first.places
            others = [
                (other, _distance(value.array, found.array))
                for other, found in enumerate(trace.values)
                if other >= max(low, 0)  # at the place before, where the layer is left out
                and found.array.dtype.kind == "f"
                and found.array.size == value.array.size
                and _orders(value.array.shape, found.array.shape)
            ]
            if last:
                at = self._second.places[self._first.places.index(number)]
                others = [pair for pair in others if pair[0] == at]
            others.sort(key=lambda pair: self._likelier(number, pair[0], pair[1][0], trace))
            for other, (score, order) in others[:PLACES]:
                place = Place(other, order, trace.values[other].array.shape)
                feeds = dict(self._feeds)
                self._feed(feeds, number, place)
                again, following = self._appear_again(number, place, feeds)
                alike = trace.values[other].kind == value.kind
                rank = (again, -step, alike, -score, -other)
                if best is None or rank > best[0]:
                    best = rank, number, place
                if again >= min(2, following) > 0 and step == 0:
                    return number, place  # the likeliest of those that are right
        return None if best is None else (best[1], best[2])

    def _likelier(
        self, number: int, other: int, score: float, trace: Trace
    ) -> tuple[bool, float, int]:
        """Return a key by which places are tried: those of the same kind, then near ones."""
        return trace.values[other].kind != self._first.values[number].kind, score, other

    def _is_after(self, lost: int, number: int) -> bool:
        """Return whether a value is the lost one, or computed from it, and has no place."""
        if number in self.places or not self._matters(number):
            return False
        return number == lost or lost in self._first.above(number)

    def _appear_again(
        self, number: int, place: Place, feeds: Mapping[int, Array]
    ) -> tuple[int, int]:
        """Return how many of the next values appear once a value has this place, of how many."""
        following = [
            n
            for n in range(number + 1, len(self._first.values))
            if number in self._first.above(n) and self._unchanged(n) is None
        ][:AHEAD]
        if not following:
            return 0, 0
        trace = self._version.trace(self._inputs, feeds)
        until = following[-1] + AHEAD  # what is merged appears a little later
        places, same = self._found(
            trace, self.places | {number: place}, self.same, after=number, until=until
        )
        return sum(n in places and n not in same for n in following), len(following)


def segment(trace: Trace, places: Mapping[int, object], number: int) -> set[int]:
    """Return the values from the last ones with places to one, which itself is among them.

    Parameters
    ----------
    trace : Trace
        Of the first version.
    places : mapping of int to object
        By the numbers of the values that have one.
    number : int
        Of the last value.

    Returns
    -------
    set of int
        All that must be computed once the values with places before are there.
    """
    found, waiting = {number}, [number]
    while waiting:
        for parent in trace.values[waiting.pop()].parents:
            if parent >= 0 and parent not in places and parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


Summary = tuple[float, float, float]


def _summary(array: Array) -> Summary | None:
    """Return the mean, the least and the largest of some floats, None for others."""
    if array.dtype.kind != "f" or not array.size:
        return None
    with np.errstate(all="ignore"):
        return float(array.mean()), float(array.min()), float(array.max())


def _may_be_close(here: Summary | None, there: Summary | None) -> bool:
    """Return whether arrays with these summaries may agree, in whatever order of axes."""
    if here is None or there is None:
        return False
    if not np.isfinite([here, there]).all():
        return True
    size = max(abs(here[1]), abs(here[2])) or 1.0
    return all(abs(a - b) <= 2 * CLOSE * size for a, b in zip(here, there, strict=True))


def _distance(here: Array, there: Array) -> tuple[float, tuple[int, ...]]:
    """Return how far two values are, relative to the largest number, and in which order of axes."""
    best = (np.inf, tuple(range(there.ndim)))
    with np.errstate(all="ignore"):
        size = float(np.abs(here[np.isfinite(here)]).max(initial=0)) or 1.0
        for order in _orders(here.shape, there.shape):
            moved = there.transpose(order).reshape(here.shape)
            both = (here == moved) | (np.isnan(here) & np.isnan(moved))
            far = float(np.where(both, 0, np.abs(here - moved)).max(initial=0)) / size
            far = np.inf if np.isnan(far) else far
            if far < best[0]:
                best = far, order
            if far == 0:
                break
    return best


def _orders(here: tuple[int, ...], there: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the orders of axes in which one array may be laid out as another; as it is first."""
    plain, wanted = tuple(range(len(there))), [n for n in here if n > 1]
    orders = permutations(plain) if len(there) <= 4 else [plain]
    found = [
        order
        for order in orders
        if [there[a] for a in order if there[a] > 1] == wanted
        and [a for a in order if there[a] == 1] == [a for a in plain if there[a] == 1]
    ]
    return found or [plain]
