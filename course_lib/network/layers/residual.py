"""The residual block around layers in a row."""

import copy
from collections.abc import Sequence

import numpy as np

from course_lib._typing import Array
from course_lib.network.layers.base import Block, Layer
from course_lib.network.layers.sequence import (
    as_layers,
    go_backward,
    go_forward,
    named_gradients,
    named_parameters,
    part_of,
    replica_of,
    set_training,
)
from course_lib.network.layers.widths import widths

__all__ = ["Residual"]


class Residual(Block):
    r"""A residual block, :math:`y = x + f(x)`, around layers in a row.

    Parameters
    ----------
    layers : sequence of Layer
        The layers of :math:`f`, in the order of the forward pass; blocks among them too. They must
        return as many features as they take.

    Attributes
    ----------
    parameters, gradients : dict of str to ndarray
        Those of the layers, named ``"<layer>.<name>"``.
    training : bool
        The mode, which the block passes on to its layers.

    Raises
    ------
    ValueError
        If there are no layers, or the numbers of features do not fit.
    TypeError
        If something else than a layer is in it.

    Notes
    -----
    He et al., 2016 :cite:p:`he2016deep`.

    Examples
    --------
    >>> from course_lib.network.layers import Activate, Dense
    >>> block = Residual([Dense(np.eye(2), np.zeros((1, 2))), Activate("relu")])
    >>> block.forward(np.array([[-1.0, 2.0]]))
    array([[-1.,  4.]])
    >>> list(block.parameters)
    ['0.weight', '0.bias']
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = as_layers(layers)
        if not self.layers:
            raise ValueError("a residual block without layers; at least one is needed")
        taken, given = widths(self.layers)
        if None not in (taken, given) and taken != given:
            raise ValueError(
                f"the layers of a residual block take {taken} features and return {given}; the sum "
                f"x + f(x) needs as many as there were"
            )
        self._training = False

    @property
    def parameters(self) -> dict[str, Array]:
        """The parameters of the layers."""
        return named_parameters(self.layers)

    @property
    def gradients(self) -> dict[str, Array]:
        """The gradients of the layers."""
        return named_gradients(self.layers)

    @property
    def training(self) -> bool:
        """Whether the layers are in training mode."""
        return self._training

    @training.setter
    def training(self, mode: bool) -> None:
        self._training = mode
        set_training(self.layers, mode)

    @np.errstate(all="ignore")
    def forward(self, x: Array) -> Array:
        """Return the input plus the output of the layers: (..., batch, features).

        Raises
        ------
        ValueError
            If the layers return another number of features.
        """
        y = go_forward(self.layers, x)
        if y.shape[-1] != x.shape[-1]:
            raise ValueError(
                f"the layers of a residual block took an input of shape {x.shape} and returned "
                f"{y.shape}; the sum x + f(x) needs as many features as there were"
            )
        return x + y

    @np.errstate(all="ignore")
    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Fill the gradients of the layers; return that of the input."""
        through = go_backward(self.layers, grad_output, to_input=to_input)
        return None if through is None else grad_output + through

    def replica(self, index: int) -> "Residual":
        """Return one replica as a block of its own."""
        return Residual([replica_of(layer, index) for layer in self.layers])

    def part(self, replicas: slice) -> "Residual":
        """Return some replicas as a block of such parts."""
        block = copy.copy(self)
        block.layers = [part_of(layer, replicas) for layer in self.layers]
        return block
