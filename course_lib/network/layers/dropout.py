"""Dropout: random masks, of its own for each replica."""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from course_lib._checks import as_array
from course_lib._typing import Array
from course_lib.activations import selu
from course_lib.network.layers.base import BaseLayer
from course_lib.network.seeds import as_seeds, generator_state, set_generator_state, stream

__all__ = ["AlphaDropout", "Dropout"]


class Dropout(BaseLayer):
    r"""Inverted dropout: in training, each input is set to 0 with probability p.

    .. math:: y = \frac{k}{1 - p}\, x, \qquad k = 1 \text{ with probability } 1 - p
        \text{, otherwise } 0

    The mean of y over the masks k is x. In evaluation mode nothing is drawn, and y is x. What is
    dropped is 0 whatever it was, an infinity or NaN too, and so is its gradient.

    Parameters
    ----------
    p : float or array_like
        The probability to drop, from 0 to below 1: one number, or one for each replica, in the
        shape of the leading axes.
    seed : int or SeedSequence, or a sequence of them
        One seed makes one mask for all replicas. A sequence, in the shape of the leading axes,
        makes one for each, which depends on its own seed alone. Layers with the same seed draw the
        same numbers, so give each layer its own.

    Attributes
    ----------
    p : ndarray of float64
        As given.
    replicas : tuple of int
        The shape of `p` or of the seeds; ``()`` where all replicas have the same.
    training : bool
        The mode; a network sets it. False at first.

    Raises
    ------
    ValueError
        If a probability is not from 0 to below 1, or the shapes of `p` and the seeds differ.
    TypeError
        If `p` is not numeric, or a seed is neither an integer nor a SeedSequence.

    Notes
    -----
    Srivastava et al., 2014 :cite:p:`srivastava2014dropout`, who divide in evaluation instead. How
    many random numbers are drawn does not depend on p: replicas with one seed and different p drop
    from the same draw, so that what is dropped at the smaller p is dropped at the larger one too.

    Examples
    --------
    >>> layer = Dropout(0.5, seed=1)
    >>> layer.forward(np.ones((1, 4)))
    array([[1., 1., 1., 1.]])
    >>> layer.training = True
    >>> layer.forward(np.ones((1, 4)))
    array([[0., 0., 2., 2.]])
    >>> layer.backward(np.ones((1, 4)))
    array([[0., 0., 2., 2.]])
    """

    _remembered: ClassVar[tuple[str, ...]] = ("_mask",)
    _mask: Array | None

    def __init__(self, p: ArrayLike, *, seed: Any = 0) -> None:
        self.p = as_probabilities("p", p)
        self._generators = _generators(seed)
        if self.p.shape and self._generators.shape not in ((), self.p.shape):
            raise ValueError(
                f"p has shape {self.p.shape} and the seeds {self._generators.shape}; expected "
                f"one of each, or one for each replica"
            )
        super().__init__()
        self.training = False

    def __repr__(self) -> str:
        """Return the kind and what it drops: from the least to the most, if replicas differ."""
        least, most = self.p.min(), self.p.max()
        return f"{type(self).__name__}({least:g}{f' to {most:g}' if most > least else ''})"

    @property
    def replicas(self) -> tuple[int, ...]:
        """The leading axes of `p` or of the seeds."""
        return self.p.shape or self._generators.shape

    def _leading_axes(self) -> tuple[int, ...]:
        """Return the leading axes of the masks."""
        return self.replicas

    @np.errstate(all="ignore")
    def forward(self, x: Array) -> Array:
        """Return the input after a new draw in training mode, and otherwise the input itself."""
        self._mask = None
        if not self.training:
            return x
        self._check_input(x)
        dtype = np.result_type(x, np.float16)  # floats stay, integers become floats
        # both sides in float32: a comparison in float64 would take twice the time
        kept = self._draws(x.shape[-2:]) >= _column(self.p, np.float32)
        self._mask = kept * _column(self._factor(), dtype)
        return _masked(x, self._mask)

    def _draws(self, shape: tuple[int, ...]) -> Array:
        """Return uniform random numbers of that shape, from each generator by itself."""
        draws = np.empty((self._generators.size, *shape), np.float32)
        for row, rng in zip(draws, self._generators.flat, strict=True):
            rng.random(out=row, dtype=np.float32)
        return draws.reshape(*self._generators.shape, *shape)

    def _factor(self) -> Array:
        """Return the factor of what is kept, for each p."""
        return np.asarray(1 / (1 - self.p))

    @np.errstate(all="ignore")
    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Return the gradient with respect to the input: what was dropped has none."""
        self._check_forward()
        if not to_input:
            return None
        return grad_output if self._mask is None else _masked(grad_output, self._mask)

    def get_extra_state(self) -> dict[str, Array]:
        """Return the state of each generator, shape ``(..., 6)``; see `seeds.generator_state`."""
        states = [generator_state(rng) for rng in self._generators.flat]
        return {"generator": np.reshape(states, (*self._generators.shape, 6))}

    def set_extra_state(self, state: Mapping[str, Array]) -> None:
        """Set the state of each generator, so that the same masks follow."""
        words = state["generator"].reshape(-1, 6)
        for rng, own in zip(self._generators.flat, words, strict=True):
            set_generator_state(rng, own)

    def replica(self, index: int) -> "Dropout":
        """Return one replica as a layer of its own, which goes on with the same masks."""
        layer = type(self)(self.p[index] if self.p.shape else self.p)
        own = self._generators[index] if self._generators.shape else self._generators
        layer._generators = copy.deepcopy(np.asarray(own, dtype=object))
        return layer

    def part(self, replicas: slice) -> "Dropout":
        """Return some replicas as a layer that draws from the generators of this one.

        Where all replicas share one, the first part has it, and the others twins of it: as long as
        each part makes one forward pass for each of the first's, all draw the same.
        """
        layer = self._views(replicas)
        layer.p = self.p[replicas] if self.p.shape else self.p
        if self._generators.shape:
            layer._generators = self._generators[replicas]
        elif replicas.start:
            layer._generators = copy.deepcopy(self._generators)
        return layer


def _masked(values: Array, mask: Array) -> Array:
    """Return values times a mask, and 0 where it is 0, whatever was there."""
    y = values * mask
    if not np.isfinite(y).all():
        y = np.where(mask == 0, y.dtype.type(0), y)
    return y


_SELU_LIMIT = float(selu(-np.inf))


class AlphaDropout(Dropout):
    r"""Dropout for SELU: what is dropped is set to SELU's limit, and mean and variance stay.

    .. math:: y = a\,\bigl(k\, x + (1 - k)\, \alpha'\bigr) + b, \qquad
        a = \frac{1}{\sqrt{(1 - p)(1 + p\, \alpha'^2)}}, \qquad b = -a\, p\, \alpha'

    with :math:`k` as for `Dropout` and :math:`\alpha' = -\lambda\alpha`, SELU's limit at minus
    infinity. Where x has mean 0 and variance 1, as after a SELU at its fixed point, so has y.

    Parameters
    ----------
    p, seed
        As for `Dropout`, with its attributes and errors; what is dropped is
        :math:`a\, \alpha' + b` whatever it was.

    Notes
    -----
    Klambauer et al., 2017 :cite:p:`klambauer2017self`. For a given x, the mean of y over the masks
    is :math:`a (1 - p)\, x`, not x.

    Examples
    --------
    >>> layer = AlphaDropout(0.5, seed=1)
    >>> layer.training = True
    >>> layer.forward(np.ones((1, 4))).round(3)
    array([[-0.779, -0.779,  1.666,  1.666]])
    """

    @np.errstate(all="ignore")
    def forward(self, x: Array) -> Array:
        """Return the input after a new draw in training mode, and otherwise the input itself."""
        y = super().forward(x)
        if self._mask is not None:
            # a (1 - k) alpha' + b is a alpha' times (1 - k) - p
            level = _column(self._factor() * _SELU_LIMIT, y.dtype)
            y += level * ((self._mask == 0) - _column(self.p, y.dtype))
        return y

    def _factor(self) -> Array:
        """Return the factor of what is kept, a, for each p."""
        variance = (1 - self.p) * (1 + self.p * _SELU_LIMIT**2)
        return np.asarray(1 / np.sqrt(variance))

    def part(self, replicas: slice) -> "AlphaDropout":
        """Return some replicas as a layer that draws from the generators of this one."""
        layer = super().part(replicas)
        assert isinstance(layer, AlphaDropout)
        return layer


def as_probabilities(name: str, p: ArrayLike) -> NDArray[np.float64]:
    """Return probabilities to drop as an array, or raise an error.

    Examples
    --------
    >>> as_probabilities("p", [0, 0.5])
    array([0. , 0.5])
    """
    values = as_array(name, p)
    if values.dtype.kind not in "fiu":
        raise TypeError(
            f"{name} is {p!r}; expected a number from 0 to below 1, or one for each replica"
        )
    # the largest of the draws, multiples of 2**-24 below 1, are to be kept
    if not values.size or not ((values >= 0) & (values <= 1 - 2**-24)).all():
        raise ValueError(
            f"{name} is {p!r}; expected numbers from 0 to below 1: it is the probability to "
            f"drop, and at 1 nothing would be left"
        )
    return values.astype(np.float64)


def _generators(seed: Any) -> Array:
    """Return a generator for each of the seeds, in their shape."""
    seeds = np.asarray(seed, dtype=object)
    generators = [stream(s, "dropout") for s in as_seeds(seeds.ravel().tolist())[0]]
    return np.array(generators, dtype=object).reshape(seeds.shape)


def _column(values: Array, dtype: DTypeLike) -> Array:
    """Return numbers of replicas as (..., 1, 1), to broadcast with (..., batch, features)."""
    return values[..., np.newaxis, np.newaxis].astype(dtype)
