"""What passes the layers of a network: the form in which two versions are compared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from course_lib._typing import Array

__all__ = ["Swap", "Trace", "Value", "Version", "swapped"]

Swap = Callable[[tuple[Array, ...]], Array]
"""Computes from the inputs of a layer what takes the place of its output."""


@dataclass
class Value:
    """What one layer returned.

    Attributes
    ----------
    name : str
        Of the layer.
    kind : str
        A name of `course_lib.frameworks.forms.FORMS`, or the framework's own word.
    array : ndarray
        As the layer computed it, also where something else took its place.
    inputs : tuple of ndarray
        What the layer was given, without its parameters.
    parents : tuple of int
        Which values these are, by their numbers; -1 for an input of the network.
    settings : callable
        Returns the settings of the formula, by name; empty where the kind has none.
    """

    name: str
    kind: str
    array: Array
    inputs: tuple[Array, ...]
    parents: tuple[int, ...]
    settings: Callable[[], Mapping[str, Any]] = dict


@dataclass
class Trace:
    """One pass through a network.

    Attributes
    ----------
    values : list of Value
        In the order in which they were computed.
    outputs : tuple of ndarray
        Of the network.
    places : tuple of int
        Which value each output is; -1 for one that is none of them.
    """

    values: list[Value]
    outputs: tuple[Array, ...]
    places: tuple[int, ...]
    _above: list[set[int]] = field(default_factory=list)

    @property
    def eps(self) -> float:
        """The largest machine epsilon of all that was computed."""
        found = [np.finfo(a.dtype).eps for a in self._arrays() if a.dtype.kind == "f"]
        return float(max(found, default=np.finfo(np.float64).eps))

    def _arrays(self) -> list[Array]:
        return [*(value.array for value in self.values), *self.outputs]

    def above(self, number: int) -> set[int]:
        """Return the numbers of all values from which one is computed."""
        while len(self._above) <= number:
            parents = {p for p in self.values[len(self._above)].parents if p >= 0}
            self._above.append(parents.union(*(self._above[p] for p in parents)))
        return self._above[number]


class Version(Protocol):
    """A network that can be run, and whose layers may be seen.

    Attributes
    ----------
    name : str
        Of the argument, for messages.
    told : str
        What it is, in words.
    open : bool
        Whether its layers can be seen.
    at_once : bool
        Whether `trace` takes functions as feeds.
    eps : float
        The machine epsilon of what it computes in; 0 if that is not known.
    """

    name: str
    told: str
    open: bool
    at_once: bool
    eps: float

    def outputs(self, inputs: Sequence[Any]) -> tuple[Array, ...]:
        """Return what the network returns."""
        ...

    def trace(self, inputs: Sequence[Any], feeds: Mapping[int, Any] | None = None) -> Trace:
        """Run the network and record its layers.

        Parameters
        ----------
        inputs : sequence of ndarray or torch.Tensor
            Of the network.
        feeds : mapping of int to ndarray or callable, optional
            What takes the place of a value, by its number, once it has been computed; or, at once,
            what computes that from the inputs of the layer.

        Returns
        -------
        Trace
            Values of the same numbers in every call.
        """
        ...


def swapped(version: Version, inputs: Sequence[Any], swaps: Mapping[int, Swap]) -> Trace:
    """Run a network in which some layers compute something else.

    Parameters
    ----------
    version : Version
        Whose layers can be seen.
    inputs : sequence of ndarray or torch.Tensor
        Of the network.
    swaps : mapping of int to callable
        By the number of the value, what it is computed by.

    Returns
    -------
    Trace
        Of one run, or of one for each of them, the last one.
    """
    if version.at_once:
        return version.trace(inputs, swaps)
    feeds: dict[int, Array] = {}
    trace = version.trace(inputs, feeds)
    for number in sorted(swaps):
        value = trace.values[number]
        feeds[number] = np.asarray(swaps[number](value.inputs)).reshape(value.array.shape)
        trace = version.trace(inputs, feeds)
    return trace
