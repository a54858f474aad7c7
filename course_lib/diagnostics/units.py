"""Dead units, before and after training."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from course_lib._checks import as_array
from course_lib._typing import Array
from course_lib.diagnostics.diagnosis import dead, stack
from course_lib.diagnostics.trace import traces_of

__all__ = ["UnitTransitions", "dead_units", "unit_transitions"]


def dead_units(network: Any, x: ArrayLike) -> tuple[Array, ...]:
    """Return which units have derivative 0 on every example.

    Parameters
    ----------
    network : Network or torch.nn.Module
        Left as it is: a copy is looked at, in training mode, as by `diagnose`.
    x : array_like
        Examples; the more there are, the surer is the verdict.

    Returns
    -------
    tuple of ndarray of bool
        For each activation in order, shape ``(..., units)``. A unit whose derivative is NaN on
        an example counts as alive.

    Raises
    ------
    ValueError
        If the network has no elementwise activation, or there are no examples or they are ragged.
    TypeError, ValueError
        As `Network.forward`.

    Examples
    --------
    >>> import numpy as np
    >>> from course_lib.network import mlp
    >>> network = mlp([1, 3, 1], seed=1)
    >>> network.parameters["0.bias"][...] = [[-9, 0, 9]]
    >>> dead_units(network, np.linspace(-1, 1, 9)[:, np.newaxis])
    (array([ True, False, False]),)
    """
    network = copy.deepcopy(network)
    return tuple(dead(trace) for trace in traces_of(network, x, None, "cross_entropy"))


@dataclass(frozen=True)
class UnitTransitions:
    """Which fraction of each layer's units died, or revived; the layers are the last axis.

    Attributes
    ----------
    born_dead : ndarray, shape (..., layers)
        Dead before training.
    died : ndarray, shape (..., layers)
        Dead after training, and alive before.
    revived : ndarray, shape (..., layers)
        Dead before training, and alive after.
    """

    born_dead: Array
    died: Array
    revived: Array


def unit_transitions(before: Sequence[Array], after: Sequence[Array]) -> UnitTransitions:
    """Return which fraction of units was dead before training, died in it or revived.

    Parameters
    ----------
    before, after : sequence of array_like of bool
        What `dead_units` returned for the same network and examples, before and after training.

    Returns
    -------
    UnitTransitions
        One fraction for each replica and layer.

    Raises
    ------
    ValueError
        If the two do not belong to networks of the same shape, or a list in them is ragged.
    TypeError
        If they hold anything but bool.

    Examples
    --------
    >>> import numpy as np
    >>> before, after = np.array([True, True, False, False]), np.array([True, False, True, True])
    >>> found = unit_transitions([before], [after])
    >>> found.born_dead, found.died, found.revived
    (array([0.5]), array([0.5]), array([0.25]))
    """
    moments = [[as_array("dead units", layer) for layer in moment] for moment in (before, after)]
    shapes = [[layer.shape for layer in moment] for moment in moments]
    if shapes[0] != shapes[1] or not shapes[0]:
        raise ValueError(
            f"dead units of shapes {shapes[0]} before and {shapes[1]} after; both must come from "
            f"the same network"
        )
    kinds = {str(layer.dtype) for moment in moments for layer in moment}
    if kinds != {"bool"}:
        raise TypeError(f"dead units are {', '.join(sorted(kinds))}; expected bool")
    pairs = list(zip(*moments, strict=True))
    return UnitTransitions(
        born_dead=stack(b.mean(axis=-1) for b, _ in pairs),
        died=stack((a & ~b).mean(axis=-1) for b, a in pairs),
        revived=stack((b & ~a).mean(axis=-1) for b, a in pairs),
    )
