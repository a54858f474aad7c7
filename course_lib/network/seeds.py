"""Seeds: one for each replica, and a stream of random numbers for each purpose."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_seeds", "stream"]

Seed = int | np.random.SeedSequence

_PURPOSES = {"weights": 1, "batches": 2, "dropout": 3}


def stream(seed: Seed, purpose: str) -> np.random.Generator:
    """Return the generator of random numbers for one purpose.

    If the initial weights were drawn from ``np.random.default_rng(seed)`` itself, they would equal
    data that are drawn from the same seed.

    Parameters
    ----------
    seed : int or SeedSequence
        Not negative.
    purpose : str
        ``"weights"``, ``"batches"`` or ``"dropout"``.

    Returns
    -------
    Generator
        Depends on both.

    Examples
    --------
    >>> stream(0, "weights").random() == stream(0, "batches").random()
    False
    """
    return np.random.default_rng(_child(seed, _PURPOSES[purpose]))


def layer_seed(seed: Seed, purpose: str, layer: int) -> np.random.SeedSequence:
    """Return the seed of one layer that draws random numbers for a purpose.

    Examples
    --------
    >>> layer_seed(7, "dropout", 1)
    SeedSequence(
        entropy=7,
        spawn_key=(3, 1),
    )
    """
    return _child(seed, _PURPOSES[purpose], layer)


def _child(seed: Seed, *numbers: int) -> np.random.SeedSequence:
    parent = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    return np.random.SeedSequence(parent.entropy, spawn_key=(*parent.spawn_key, *numbers))


def as_seeds(seed: Any) -> tuple[list[Seed], bool]:
    """Return seeds as a list, and whether there was a sequence of them: one for each replica.

    Raises
    ------
    TypeError
        If something is neither an integer nor a SeedSequence.
    ValueError
        If a number is negative, or the sequence is empty.

    Examples
    --------
    >>> as_seeds(3), as_seeds(range(2))
    (([3], False), ([0, 1], True))
    """
    single = isinstance(seed, int | np.integer | np.random.SeedSequence)
    try:
        seeds = [seed] if single else list(seed)
    except TypeError:
        seeds = [seed]
    for one in seeds:
        if not isinstance(one, int | np.integer | np.random.SeedSequence):
            raise TypeError(
                f"seed is {seed!r}; expected an integer from 0 on, a SeedSequence, or a "
                f"sequence of them with one for each replica"
            )
        if not isinstance(one, np.random.SeedSequence) and one < 0:
            raise ValueError(f"seed is {one}; expected integers from 0 on")
    if not seeds:
        raise ValueError("seed is an empty sequence; give one seed for each replica")
    return seeds, not single


def generator_state(rng: np.random.Generator) -> NDArray[np.uint64]:
    """Return the state of a generator of `stream`, as six numbers that a file of arrays can hold.

    PCG64 counts in 128 bits, here two words each of its state and its increment; the last two are
    the half of a draw that is left over, if there is one.

    Examples
    --------
    >>> rng, twin = stream(0, "dropout"), stream(1, "dropout")
    >>> _ = rng.random(3, dtype=np.float32)
    >>> set_generator_state(twin, generator_state(rng))
    >>> twin.random() == rng.random()
    True
    """
    state = rng.bit_generator.state
    numbers = (state["state"]["state"], state["state"]["inc"])
    words = [word for number in numbers for word in divmod(number, 2**64)]
    return np.array([*words, state["has_uint32"], state["uinteger"]], np.uint64)


def set_generator_state(rng: np.random.Generator, words: Iterable[Any]) -> None:
    """Set the state of a generator to what `generator_state` returned."""
    high, low, high_step, low_step, has_half, half = map(int, words)
    rng.bit_generator.state = {
        "bit_generator": type(rng.bit_generator).__name__,
        "state": {"state": (high << 64) + low, "inc": (high_step << 64) + low_step},
        "has_uint32": has_half,
        "uinteger": half,
    }
