"""How many features pass through layers in a row, and whether each takes what it is given."""

from collections.abc import Sequence

from course_lib.network.layers.activation import Activate, PReLU, features_needed
from course_lib.network.layers.base import Block, Layer
from course_lib.network.layers.dense import Dense
from course_lib.network.layers.dropout import Dropout
from course_lib.network.layers.normalization import BatchNorm, LayerNorm

_ANY = 2520  # features, where any number will do: up to 10 pieces divide it


def widths(layers: Sequence[Layer]) -> tuple[int | None, int | None]:
    """Return how many features layers in a row take and return; None if it is open.

    Raises
    ------
    ValueError
        If a layer does not take what it is given.

    Examples
    --------
    >>> import numpy as np
    >>> from course_lib.network.layers import Activate, Dense
    >>> dense = Dense(np.ones((2, 6)), np.zeros((1, 6)))
    >>> widths([Activate("relu"), dense]), widths([dense, Activate("swiglu")])
    ((2, 6), (2, 3))
    """
    taken = _taken(layers)
    given, _ = _passed(layers, taken, "the input", "")
    return taken, given


def _taken(layers: Sequence[Layer]) -> int | None:
    """Return how many features layers in a row take, by the first of them that says so."""
    if not layers:
        return None
    layer, rest = layers[0], layers[1:]
    if isinstance(layer, Block):
        inside = _taken(layer.layers)
        return _taken(rest) if inside is None else inside
    if (ends := _ends(layer)) is not None:
        return ends[0]
    if not isinstance(layer, Activate | PReLU | Dropout) or (after := _taken(rest)) is None:
        return None
    return features_needed(layer.activation, after) if isinstance(layer, Activate) else after


def _passed(
    layers: Sequence[Layer], given: int | None, giver: str, prefix: str
) -> tuple[int | None, str]:
    """Return how many of the given features layers in a row return, and the last that says so."""
    for i, layer in enumerate(layers):
        here = f"layer {prefix}{i} ({_label(layer)})"
        if not isinstance(layer, Block):
            given, giver = _after(layer, here, given, giver)
            continue
        inside, last = _passed(layer.layers, given, giver, f"{prefix}{i}.")
        if None not in (given, inside) and inside != given:
            raise ValueError(
                f"{here} takes {given} features of {giver}, and {last} in it returns {inside}; the "
                f"sum x + f(x) needs as many as there were"
            )
        if inside is not None:
            given, giver = inside, last
    return given, giver


def _after(layer: Layer, here: str, given: int | None, giver: str) -> tuple[int | None, str]:
    """Return how many of the given features a layer returns, and who says so."""
    ends = _ends(layer)
    if ends is not None:
        if given not in (None, ends[0]):
            raise ValueError(
                f"{giver} returns {given} features, but {here} takes {ends[0]}; each must take as "
                f"many as it is given, so let it take {given}, or change what comes before"
            )
        return ends[1], here
    if isinstance(layer, PReLU | Dropout):
        return given, giver
    if given is None or not hasattr(layer, "output_features"):
        _check_axes(layer, here)
        return None, here
    try:
        returned = int(layer.output_features(given))
    except ValueError as error:
        raise ValueError(f"{here} cannot take the {given} features of {giver}: {error}") from None
    return returned, giver if returned == given else f"{here}, given {given} by {giver},"


def _check_axes(layer: Layer, here: str) -> None:
    """Raise ValueError for an activation that changes other axes, whatever it is given."""
    if isinstance(layer, Activate) and "pieces" not in layer.activation.parameters:
        try:
            layer.output_features(_ANY)
        except ValueError as error:
            raise ValueError(f"{here} cannot stand in a network: {error}") from None


def _ends(layer: Layer) -> tuple[int, int] | None:
    """Return how many features a layer takes and returns, or None if it takes any number."""
    if not has_weight(layer):
        return None
    in_features, out_features = layer.parameters["weight"].shape[-2:]
    if isinstance(layer, Dense):
        return in_features, out_features
    one_for_all = isinstance(layer, PReLU) and out_features == 1
    return None if one_for_all else (out_features, out_features)


def has_weight(layer: Layer) -> bool:
    """Return whether a layer is of this package and learns, with the replicas as leading axes."""
    return isinstance(layer, Dense | PReLU | BatchNorm | LayerNorm)


def _label(layer: Layer) -> str:
    return layer.activation.name if isinstance(layer, Activate) else type(layer).__name__
