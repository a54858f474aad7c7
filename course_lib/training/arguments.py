"""The checks of what both `fit`s are given: examples, targets, and whether they go together."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from course_lib._checks import check_integer
from course_lib._typing import Array
from course_lib.network import BatchNorm, Loss, Network
from course_lib.network.layers import walk
from course_lib.training.stepping import check_optimizer

__all__ = [
    "as_pair",
    "check_column",
    "check_fit_arguments",
    "check_smallest_batch",
    "check_targets",
]


class Shaped(Protocol):
    """An array, or a tensor of another library."""

    @property
    def shape(self) -> Sequence[int]:
        """The lengths of its axes."""


def check_fit_arguments(
    x: Shaped,
    y: Shaped,
    optimizer: object,
    epochs: int,
    batch_size: int | None,
    replicas: tuple[int, ...] = (),
) -> None:
    """Raise an error unless there are examples, as many labels, an optimizer, positive counts."""
    shape, given = tuple(x.shape), tuple(y.shape)
    if len(shape) < 2 or shape[:-2] not in ((), replicas) or shape[-2] == 0:
        for_each = f", or {replicas} before these axes for data of each replica" if replicas else ""
        raise ValueError(
            f"x has shape {shape}; expected (examples, features), at least one example in rows"
            f"{for_each}"
        )
    check_optimizer(optimizer)
    if given[: len(shape) - 1] != shape[:-1]:
        raise ValueError(
            f"{shape[-2]} examples in x of shape {shape}, but y has shape {given}; give one each: "
            f"the shape of y begins with {shape[:-1]}, as that of x does"
        )
    check_integer("epochs", epochs)
    if batch_size is not None:
        check_integer("batch_size", batch_size)


def check_targets(
    y: Array,
    outputs: Sequence[int],
    loss: Loss,
    own: tuple[int, ...] = (),
    dtype: DTypeLike = np.float64,
) -> None:
    """Raise an error unless a loss takes targets for a network's outputs.

    Parameters
    ----------
    y : ndarray
        Labels or targets; their leading axes are `own`.
    outputs : sequence of int
        The shape of the outputs: examples, and outputs for each.
    loss : Loss
        Whose errors are raised.
    own : tuple of int
        The replicas with targets of their own.
    dtype : dtype
        Of the outputs.
    """
    check_column(y, outputs, loss, own)
    for replica in np.ndindex(own):  # one by one, or labels with a wrong axis might pass as targets
        loss.function(np.zeros(outputs, dtype), y[replica])


def check_column(y: Array, outputs: Sequence[int], loss: Loss, own: Sequence[int] = ()) -> None:
    """Raise ValueError where targets lack the axis of the one output, or labels have one."""
    rows, *units = outputs
    given = y.shape[len(own) :]
    if given == (rows,) and units == [1] and loss.kind != "cross_entropy":
        raise ValueError(
            f"y has shape {y.shape}, and the network returns one output for each example, "
            f"{(*own, rows, 1)}; pass y[..., np.newaxis]"
        )
    if given == (rows, 1) and loss.kind == "cross_entropy":
        raise ValueError(
            f"y has shape {y.shape}, and labels are {(*own, rows)}, one integer for each example; "
            f"pass y[..., 0]"
        )


def check_smallest_batch(network: Network, n: int, batch_size: int | None) -> None:
    """Raise ValueError if batch normalization would meet a batch of one row in an epoch."""
    size = n if batch_size is None else min(batch_size, n)
    if min(size, n % size or size) == 1 and any(
        isinstance(layer, BatchNorm) for _, layer in walk(network.layers)
    ):
        raise ValueError(
            f"{n} examples in batches of {size} leave a batch of one row, which batch "
            f"normalization cannot learn from; choose another batch_size"
        )


def as_pair(validation: object) -> tuple[ArrayLike, ArrayLike]:
    """Return (x, y) of the validation data, or raise TypeError."""
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise TypeError(
            f"validation is a {type(validation).__name__}; expected a pair of inputs and labels"
        )
    return validation[0], validation[1]
