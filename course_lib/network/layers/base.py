"""The interface of a layer, and the base class of those in this package."""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from course_lib._checks import check_type, describe
from course_lib._typing import Array

__all__ = ["Layer"]


class Layer(Protocol):
    """The interface of a layer in a network.

    Attributes
    ----------
    parameters : dict of str to ndarray
        What is learned; empty for a layer without parameters.
    gradients : dict of str to ndarray
        Filled by `backward`, with the keys and shapes of `parameters`.

    Notes
    -----
    Five more are optional. A layer that works differently while it learns has an attribute
    ``training``, which the network sets before each `forward`; `backward` follows the mode that the
    last `forward` had. A layer with a method ``replica(index)``, which returns a layer of its own
    with copies of one replica's arrays, can be part of a network of which replicas are taken.
    A layer whose class has a method ``part(replicas)``, which takes a slice and returns a layer of
    these replicas on views of the arrays, so that what the part changes changes here, can be part
    of a network that `course_lib.training.fit` trains some replicas at a time.
    A layer that carries more than parameters, such as running averages or a generator, saves and
    restores it as modules of PyTorch do, here as arrays: ``get_extra_state()`` returns a dict of
    copies, numeric and of lasting names, shapes and dtypes, and ``set_extra_state(state)`` goes on
    from such a dict. `Network.state_dict` holds them beside the parameters.
    A layer with a method ``output_features(input_features)``, which tells how many features it
    returns, or raises ValueError where it does not take that number, lets a network check that its
    neighbors fit. Behind a layer of your own without it any number may follow.
    The layers here leave out of copies and pickles what the last `forward` remembered: it may be
    larger than all parameters. Call `forward` on a copy before its `backward`.

    Leading axes of an input are those of the replicas. A layer here that is used alone also takes
    an input with leading axes that its parameters lack, or have with length 1: these parameters
    then serve all entries along the axis, and their gradients are summed over it, so that they
    always have the parameters' shapes. (A `Network` asks for exactly its replicas.)

    All layers here take float16, float32 and float64 and return the dtype that they were given. In
    float16 they add up in float32 or float64 and round once; only what is itself beyond 65504
    overflows.

    Infinite inputs give the limit, all infinities of a row or batch growing alike, and no layer
    warns, whatever `np.errstate` says. What is a sum of products follows the rules of floats, by
    which 0 times infinity and infinity minus infinity are NaN: the output of `Dense`, the sum of
    `Residual`, and all gradients of parameters.
    """

    @property
    def parameters(self) -> dict[str, Array]:
        """What is learned, by name."""

    @property
    def gradients(self) -> dict[str, Array]:
        """What `backward` found, by the same names."""

    def forward(self, x: Array) -> Array:
        """Return the layer's output and remember what `backward` needs."""

    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Fill `gradients`; return the gradient with respect to the input, if it is wanted."""


class Stateful(Protocol):
    """A layer that carries more than parameters from one batch to the next."""

    def get_extra_state(self) -> dict[str, Array]:
        """Return copies of its arrays."""

    def set_extra_state(self, state: Mapping[str, Array]) -> None:
        """Go on from such a state."""


class BaseLayer:
    """The parameters, gradients and checks of a layer of this package.

    Copies and pickles leave out the attributes in `_remembered`, which `forward` sets; the first of
    them is the one without which there is no `backward`.
    """

    _remembered: ClassVar[tuple[str, ...]] = ("_x", "_output_shape")
    _x: Array
    _output_shape: tuple[int, ...]

    def __init__(self, **parameters: Array) -> None:
        self.parameters = parameters
        self.gradients: dict[str, Array] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and pickles are made from."""
        return {name: value for name, value in vars(self).items() if name not in self._remembered}

    def _views(self, replicas: slice) -> Self:
        """Return a layer that works on views of some replicas' parameters."""
        layer = copy.copy(self)
        layer.parameters = {name: value[replicas] for name, value in self.parameters.items()}
        layer.gradients = {}
        return layer

    def _leading_axes(self) -> tuple[int, ...]:
        """Return the leading axes of the layer's own arrays."""
        return self.parameters["weight"].shape[:-2]

    def _check_input(self, x: object, features: int | None = None) -> None:
        """Raise an error unless an input has as many features, and leading axes that fit.

        Parameters
        ----------
        x : object
            What `forward` was given.
        features : int, optional
            The length of the last axis; any by default.
        """
        own = self._leading_axes()
        if isinstance(x, np.ndarray) and x.ndim > 1 and x.shape[-1] == (features or x.shape[-1]):
            if x.shape[:-2] in ((), own) or _broadcast(x.shape[:-2], own):
                return
        given = f"of shape {x.shape}" if isinstance(x, np.ndarray) else f"that is {describe(x)}"
        raise (ValueError if isinstance(x, np.ndarray) else TypeError)(
            f"{type(self).__name__} got an input {given}; expected an array of shape "
            f"(batch, {features or 'features'}), or (..., batch, {features or 'features'}) with "
            f"leading axes that broadcast with its replicas, {own}"
        )

    def _check_forward(self) -> None:
        """Raise RuntimeError unless there was a forward pass."""
        if not hasattr(self, self._remembered[0]):
            raise RuntimeError("backward before forward: call the network on a batch first")

    def _check_backward(self, grad_output: Array) -> None:
        """Raise an error unless there was a forward pass, whose output has the gradient's shape."""
        self._check_forward()
        check_type("grad_output", grad_output, np.ndarray, "an array of the last output's shape")
        # a derived layer with a forward of its own need not have remembered the shape
        if grad_output.shape != getattr(self, "_output_shape", grad_output.shape):
            raise ValueError(
                f"{type(self).__name__} got a gradient of shape {grad_output.shape}; expected "
                f"that of its last output, {self._output_shape}"
            )

    def _set_gradient(self, name: str, gradient: Array) -> None:
        """Set a gradient, summed over leading axes that its parameter lacks or has of length 1."""
        shape = self.parameters[name].shape
        if gradient.shape != shape:
            extra = gradient.ndim - len(shape)
            once = [i for i, n in enumerate(shape[:-2], extra) if n == 1]
            gradient = sum_along(gradient, (*range(extra), *once)).reshape(shape)
        self.gradients[name] = gradient


class Block:
    """A layer that is made of layers in a row, each with a name of its own in the network."""

    layers: list[Layer]


def _broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Return whether two shapes broadcast."""
    return all(a == b or 1 in (a, b) for a, b in zip(reversed(one), reversed(other), strict=False))


def sum_along(values: Array, axes: tuple[int, ...]) -> Array:
    """Return a sum along axes, which stay with length 1.

    In float16 NumPy would add the rows up in float16, where 2048 + 1 is 2048. Rows of a few numbers
    take NumPy's sum four times as long as its einsum, which adds them up in the same order.
    """
    few = axes == (-2,) and values.ndim > 2 and 1 < values.shape[-1] <= 64
    if few and values.dtype != np.float16 and values.flags.c_contiguous:
        return np.einsum("...ij->...j", values)[..., np.newaxis, :]
    if values.dtype != np.float16:
        return values.sum(axis=axes, keepdims=True)
    return values.sum(axis=axes, keepdims=True, dtype=np.float32).astype(np.float16)
