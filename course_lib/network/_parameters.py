"""The parameters of a network by name, which know what they belong to."""

from collections.abc import Mapping, Sequence

from course_lib._typing import Array
from course_lib.network.layers import Dense, Layer, walk


class Parameters(dict[str, Array]):
    """Parameters by name, and which of them are the weights of dense layers.

    An optimizer with ``decay="weights"`` asks for that. A copy as a plain dict does not know it.

    Parameters
    ----------
    named : mapping of str to ndarray
        The parameters.
    layers : sequence of Layer
        To which they belong.

    Examples
    --------
    >>> from course_lib.network import mlp
    >>> sorted(mlp([2, 3, 1], normalization="batch").parameters.weights)
    ['0.weight', '3.weight']
    """

    def __init__(self, named: Mapping[str, Array], layers: Sequence[Layer]) -> None:
        super().__init__(named)
        self._layers = layers

    @property
    def weights(self) -> frozenset[str]:
        """The names of the weights of dense layers."""
        return frozenset(
            f"{name}.weight" for name, layer in walk(self._layers) if isinstance(layer, Dense)
        )
