"""Inputs, outputs and derivatives of every activation of a network on one batch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_array
from course_lib._typing import Array
from course_lib.activations import Activation, prelu_grad
from course_lib.diagnostics.measures import largest_derivative
from course_lib.network import Activate, Layer, Loss, Network, PReLU
from course_lib.network.layers import walk

__all__ = ["Trace"]


@dataclass
class Trace:
    """Inputs, outputs and derivatives of one activation on a batch.

    Attributes
    ----------
    name : str
        Its place in the network, as in the names of the parameters: ``"3"``, or ``"3.1"`` inside a
        residual block.
    inputs, outputs : ndarray, shape (..., batch, units)
        Pre-activations and activations. A gate, or maxout, has several inputs for each unit.
    derivatives : ndarray, shape (..., batch, units)
        At the inputs; of the several inputs of a unit, the largest absolute value.
    largest_derivative : float or ndarray
        That the activation has anywhere.
    gradient : ndarray
        Of the batch's mean loss with respect to the inputs, in their shape; empty where none was
        asked for.
    """

    name: str
    inputs: Array
    outputs: Array
    derivatives: Array
    largest_derivative: float | Array
    gradient: Array


def _trace(name: str, layer: Layer, inputs: Array, outputs: Array) -> Trace:
    """Return the trace of an activation, without a gradient yet."""
    if isinstance(layer, PReLU):
        weight = layer.parameters["weight"]
        derivatives = prelu_grad(inputs, negative_slope=weight)
        largest: float | Array = np.maximum(1.0, np.abs(weight))
    else:
        assert isinstance(layer, Activate)
        derivatives = _of_units(layer.activation, inputs, outputs)
        largest = largest_derivative(layer.activation)
    return Trace(name, inputs, outputs, np.asarray(derivatives), largest, np.empty(0))


def _of_units(row: Activation, inputs: Array, outputs: Array) -> Array:
    """Return the derivative of each unit: by its input, or the largest by its several inputs."""
    derivatives = np.asarray(row.derivative(inputs))
    if row.elementwise:
        return derivatives
    # input j of each part belongs to unit j; where all are 0, nothing passes this unit
    shape = (*outputs.shape[:-1], -1, outputs.shape[-1])
    return np.asarray(np.abs(derivatives.reshape(shape)).max(axis=-2))


def _has_units(layer: Layer) -> bool:
    """Return whether a layer is an activation whose units have derivatives of their own."""
    return isinstance(layer, PReLU) or (
        isinstance(layer, Activate) and layer.activation.kind != "axis"
    )


class _Tap:
    """Replaces `forward` and `backward` of a layer, and records what passes through them."""

    def __init__(self, name: str, layer: Layer, traces: list[Trace]) -> None:
        self._name, self._layer, self._traces = name, layer, traces
        self._forward, self._backward = layer.forward, layer.backward
        vars(layer).update(forward=self.forward, backward=self.backward)

    def forward(self, x: Array) -> Array:
        """Call the layer's own `forward`, and record inputs and outputs."""
        y = self._forward(x)
        self._trace = _trace(self._name, self._layer, x, y)
        self._traces.append(self._trace)
        return y

    def backward(self, grad_output: Array, *, to_input: bool = True) -> Array | None:
        """Call the layer's own `backward`, and record the gradient with respect to the input."""
        gradient = self._backward(grad_output)
        assert gradient is not None
        self._trace.gradient = gradient
        return gradient if to_input else None


def traces_of(network: Any, x: ArrayLike, y: ArrayLike | None, loss: str | Loss) -> list[Trace]:
    """Run a network, which this changes, forward on a batch, and backward if there are labels."""
    shape = np.shape(x) if hasattr(x, "shape") else as_array("x", x).shape
    if 0 in shape:
        raise ValueError(f"x has shape {tuple(shape)}; expected a batch of at least one example")
    traces: list[Trace] = []
    with np.errstate(all="ignore"):  # an explosion is a result
        if isinstance(network, Network):
            for name, layer in walk(network.layers):
                if _has_units(layer):
                    _Tap(name, layer, traces)
            checked = network.check_input(x)
            # for each replica, also where an activation comes before all weights
            batch = np.broadcast_to(checked, (*network.replicas, *checked.shape[-2:]))
            if y is None:
                network.forward(batch, training=True)
            else:
                network.loss_and_gradients(batch, y, loss)
        else:
            from course_lib import pytorch  # PyTorch is needed for its own modules only

            for passage in pytorch.passages(network, x, y, loss):
                trace = _trace(passage.name, passage.layer, passage.inputs, passage.outputs)
                trace.gradient = passage.gradient
                traces.append(trace)
    if not traces:
        raise ValueError(
            f"no elementwise activation found in {type(network).__name__}; expected layers "
            f"Activate and PReLU, or modules of torch.nn that the catalogue knows, such as "
            f"nn.ReLU() (a function called inside `forward` cannot be seen)"
        )
    return traces
