"""Batches: in which order the examples are learned from, epoch after epoch."""

from collections.abc import Iterator, Sequence

import numpy as np

from course_lib._typing import Array
from course_lib.network import as_seeds, stream
from course_lib.network.seeds import Seed

__all__ = ["Batches", "epoch_batches", "order_seeds", "take"]


def epoch_batches(n: int, batch_size: int | None, rng: np.random.Generator) -> Iterator[Array]:
    """Yield the indices of one epoch's batches, in a fresh random order.

    Parameters
    ----------
    n : int
        Examples.
    batch_size : int or None
        Examples in a batch, of which the last may have fewer; None takes all at once, in order.
    rng : Generator
        Advanced by one permutation.

    Yields
    ------
    ndarray of int
        Together they hold each of 0 to n - 1 once.

    Examples
    --------
    >>> [len(batch) for batch in epoch_batches(5, 2, np.random.default_rng(0))]
    [2, 2, 1]
    """
    if batch_size is None:
        yield np.arange(n)
        return
    order = rng.permutation(n)
    for start in range(0, n, batch_size):
        yield order[start : start + batch_size]


class Batches:
    """The batches of a training: one order for all replicas, or one for each.

    Parameters
    ----------
    n : int
        Examples.
    batch_size : int or None
        As in `epoch_batches`.
    seeds : sequence of int or SeedSequence
        One for all replicas, or one for each.

    Examples
    --------
    >>> batches, twin = Batches(5, 2, [0, 1]), Batches(5, 2, [0, 1])
    >>> [index.shape for index in batches.epoch()]
    [(2, 2), (2, 2), (2, 1)]
    >>> twin.skip(1)
    >>> all(map(np.array_equal, batches.epoch(), twin.epoch()))
    True
    """

    def __init__(self, n: int, batch_size: int | None, seeds: Sequence[Seed]) -> None:
        self.n, self.batch_size = n, batch_size
        self._generators = [stream(seed, "batches") for seed in seeds]

    @property
    def in_epoch(self) -> int:
        """How many batches an epoch has."""
        return -(-self.n // int(self.batch_size or self.n))

    def epoch(self) -> Iterator[Array]:
        """Yield the indices of each batch of the next epoch.

        Yields
        ------
        ndarray of int
            Shape ``(batch,)``, or ``(replicas, batch)`` with an order for each replica.
        """
        orders = (epoch_batches(self.n, self.batch_size, rng) for rng in self._generators)
        for indices in zip(*orders, strict=True):
            yield indices[0] if len(indices) == 1 else np.stack(indices)

    def skip(self, epochs: int) -> None:
        """Advance the random orders by a number of epochs."""
        for _ in range(epochs):
            for rng in self._generators:
                next(epoch_batches(self.n, self.batch_size, rng))


def order_seeds(
    seed: int | np.random.SeedSequence | Sequence[int], replicas: tuple[int, ...]
) -> list[Seed]:
    """Return one seed for the order of the batches, or one for each replica.

    Raises
    ------
    ValueError
        If there are several, and not as many as replicas.
    TypeError
        As `course_lib.network.as_seeds` raises it.

    Examples
    --------
    >>> order_seeds(3, (2,)), order_seeds([3, 4], (2,))
    ([3], [3, 4])
    """
    seeds, replicated = as_seeds(seed)
    if replicated and replicas != (len(seeds),):
        raise ValueError(
            f"{len(seeds)} seeds for the order of the batches, but replicas {replicas}; "
            f"expected one number, or one for each replica"
        )
    return seeds


def take(own: Sequence[int], index: Array, *arrays: Array) -> list[Array]:
    """Return the examples of one batch, of arrays ``(*own, examples, ...)``.

    The index is ``(batch,)`` for all replicas, or ``(replicas, batch)`` with one row for each.
    """
    # an index for every axis: NumPy then gathers these rows alone, also from a broadcast view
    replicas = tuple(axis[..., np.newaxis] for axis in np.indices(own, sparse=True))
    return [array[(*replicas, index)] for array in arrays]
