"""Which examples are held out."""

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_array, as_number
from course_lib._typing import Array

__all__ = ["stratified_split"]


def stratified_split(
    labels: ArrayLike, *, test_size: float = 0.2, seed: int = 0
) -> tuple[Array, Array]:
    """Split examples at random so that every class is divided in the same proportion.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        The class of each example.
    test_size : float
        The fraction held out, between 0 and 1.
    seed : int
        For the choice and the order.

    Returns
    -------
    train, test : ndarray of int64
        Indices into `labels`, each in random order; together they hold each example once.

    Raises
    ------
    ValueError
        If the labels are not one row of integers, the fraction is not between 0 and 1, or a class
        has too few examples to be on both sides.

    Examples
    --------
    >>> train, test = stratified_split([0] * 10 + [1] * 20)
    >>> len(train), np.bincount(np.repeat([0, 1], [10, 20])[test])
    (24, array([2, 4]))
    """
    labels = as_array("labels", labels)
    if labels.ndim != 1 or labels.size == 0 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels of shape {labels.shape} and dtype {labels.dtype}; expected one row of "
            f"integers, at least one"
        )
    test_size = as_number("test_size", test_size, above=0, below=1)
    rng = np.random.default_rng(seed)
    train, test = [], []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        count = round(len(members) * test_size)
        if not 0 < count < len(members):
            raise ValueError(
                f"class {label} has {len(members)} examples, of which test_size={test_size} "
                f"takes {count}; each side needs at least one"
            )
        test.append(members[:count])
        train.append(members[count:])
    mixed = [rng.permutation(np.concatenate(part)) for part in (train, test)]
    return mixed[0].astype(np.int64), mixed[1].astype(np.int64)  # intp is int32 on some systems
