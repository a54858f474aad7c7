"""Layers in a row: what they hold by name, and going through them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from course_lib import activations
from course_lib._checks import check_shape, describe
from course_lib._typing import Array
from course_lib.network.layers.base import Block, Layer, Stateful


def as_layers(layers: Any) -> list[Layer]:
    """Return layers as a list, or raise TypeError where something else is among them.

    Examples
    --------
    >>> from course_lib.network.layers import Activate
    >>> len(as_layers([Activate("relu"), Activate("tanh")]))
    2
    """
    if isinstance(layers, str) or not isinstance(layers, Iterable):
        raise TypeError(f"layers is {describe(layers)}; expected a list of layers")
    listed = list(layers)
    for i, layer in enumerate(listed):
        if isinstance(layer, type) or not (
            hasattr(layer, "forward") and hasattr(layer, "backward")
        ):
            name = str(getattr(layer, "__name__", layer))
            wrapped = f": Activate({name!r})" if name in activations.CATALOGUE else ""
            raise TypeError(
                f"layer {i} is {describe(layer)}; expected layers, such as those of "
                f"course_lib.network; wrap a function as one{wrapped}"
            )
    return listed


def check_untied(layers: Sequence[Layer]) -> None:
    """Raise ValueError if two places hold the same array, which one step would move twice.

    Examples
    --------
    >>> import numpy as np
    >>> from course_lib.network.layers import Activate, Dense
    >>> check_untied([Activate("relu"), Dense(np.eye(2), np.zeros((1, 2)))])
    """
    owners: dict[int, str] = {}
    for name, layer in walk(layers):
        if isinstance(layer, Block):
            continue  # the layers in it have their own turn
        for key, value in layer.parameters.items():
            first = owners.setdefault(id(value), f"{name}.{key}")
            if first != f"{name}.{key}":
                raise ValueError(
                    f"{first} and {name}.{key} are one array, which each step would move twice; "
                    f"give each its own, as with .copy()"
                )


def check_replicated(layers: Sequence[Layer], replicas: tuple[int, ...]) -> None:
    """Raise ValueError unless each parameter has the replicas as its leading axes.

    Examples
    --------
    >>> import numpy as np
    >>> from course_lib.network.layers import Dense
    >>> check_replicated([Dense(np.ones((3, 2, 2)), np.zeros((3, 1, 2)))], (3,))
    """
    for name, value in named_parameters(layers).items():
        fits = value.shape[: len(replicas)] == replicas
        check_shape(fits, f"the network's replicas, {replicas}, as leading axes", **{name: value})


def go_forward(layers: Sequence[Layer], x: Array) -> Array:
    """Return the output of layers in a row."""
    for layer in layers:
        x = layer.forward(x)
    return x


def go_backward(layers: Sequence[Layer], grad_output: Array, *, to_input: bool) -> Array | None:
    """Carry a gradient back through layers in a row, to their input if that is wanted."""
    gradient: Array | None = grad_output
    for layer in reversed(layers):
        assert gradient is not None, "only the first layer may leave out its input"
        gradient = layer.backward(gradient, to_input=to_input or layer is not layers[0])
    return gradient


def set_training(layers: Sequence[Layer], mode: bool) -> None:
    """Set the mode of the layers that have one."""
    for layer in layers:
        if hasattr(layer, "training"):
            layer.training = mode


def named_parameters(layers: Sequence[Layer]) -> dict[str, Array]:
    """Return the parameters of layers in a row, named ``"<layer>.<name>"``."""
    return {
        f"{i}.{name}": value
        for i, layer in enumerate(layers)
        for name, value in layer.parameters.items()
    }


def named_gradients(layers: Sequence[Layer]) -> dict[str, Array]:
    """Return the gradients of layers in a row, under the names of their parameters."""
    return {
        f"{i}.{name}": value
        for i, layer in enumerate(layers)
        for name, value in layer.gradients.items()
    }


def with_extra_state(layers: Sequence[Layer]) -> Iterator[tuple[str, Stateful]]:
    """Yield each layer that carries more than parameters, with its name.

    Examples
    --------
    >>> from course_lib.network.layers import Activate, Dropout, Residual
    >>> [name for name, _ in with_extra_state([Activate("relu"), Residual([Dropout(0.5)])])]
    ['1.0']
    """
    for name, layer in walk(layers):
        if hasattr(layer, "get_extra_state"):
            yield name, cast(Stateful, layer)


def replica_of(layer: Layer, index: int) -> Layer:
    """Return one replica of a layer, or raise TypeError if it has no method for that."""
    if not hasattr(layer, "replica"):
        raise TypeError(
            f"cannot copy a {type(layer).__name__}; expected layers with a method "
            f"replica(index), as those of course_lib.network have"
        )
    own: Layer = layer.replica(index)
    return own


def has_part(layer: Layer) -> bool:
    """Return whether some replicas of a layer can be taken as a layer on views of its arrays.

    The layer's own class must say how: a class derived from another may hold more than that one
    knows of. One whose methods were replaced, as `course_lib.diagnostics` does it, has no part.

    Examples
    --------
    >>> from course_lib.network.layers import Activate
    >>> class Loud(Activate):
    ...     pass
    >>> has_part(Activate("relu")), has_part(Loud("relu"))
    (True, False)
    """
    inside = layer.layers if isinstance(layer, Block) else []
    own = "part" in vars(type(layer)) and not vars(layer).keys() & {"forward", "backward"}
    return own and all(map(has_part, inside))


def part_of(layer: Any, replicas: slice) -> Layer:
    """Return some replicas of a layer that has parts, as a layer on views of its arrays."""
    part: Layer = layer.part(replicas)
    return part


def walk(layers: Sequence[Layer], prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Yield each layer with its name, and after a block the layers in it.

    Examples
    --------
    >>> from course_lib.network.layers import Activate, Residual
    >>> [name for name, _ in walk([Activate("relu"), Residual([Activate("tanh")])])]
    ['0', '1', '1.0']
    """
    for i, layer in enumerate(layers):
        yield f"{prefix}{i}", layer
        if isinstance(layer, Block):
            yield from walk(layer.layers, f"{prefix}{i}.")
