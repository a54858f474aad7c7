"""Networks of NumPy carried to PyTorch, and back: the same function, in the same dtype."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from course_lib import activations
from course_lib._checks import check_type
from course_lib._typing import Array
from course_lib.network import (
    Activate,
    AlphaDropout,
    BatchNorm,
    Dense,
    Dropout,
    Layer,
    LayerNorm,
    Network,
    PReLU,
    as_seeds,
)
from course_lib.network import Residual as NumpyResidual
from course_lib.network.seeds import Seed, layer_seed
from course_lib.pytorch.activation_modules import (
    activation_module,
    activation_of,
    computes_as,
    rows_for,
    settings_of,
    text_of,
)
from course_lib.pytorch.modules import Residual
from course_lib.pytorch.tensors import array_of

__all__ = ["from_numpy", "layer_with_parameters", "to_numpy"]


def from_numpy(network: Network) -> nn.Sequential:
    """Copy a NumPy network into a PyTorch module.

    Parameters
    ----------
    network : Network
        One network: without replicas (see `course_lib.network.Network.replica`).

    Returns
    -------
    torch.nn.Sequential
        The same function, in the same dtype, with running averages; in training mode, as every
        new module is. Weights are transposed: PyTorch keeps them as ``(out_features,
        in_features)``. A layer without a bias has none there either. Dropout has the same
        probabilities, but draws its masks from PyTorch's random numbers.

    Raises
    ------
    ValueError
        If the network has replicas, or an activation of its own is wrong about PyTorch (see
        `activation_module`).
    NotImplementedError
        If an activation draws random numbers.
    TypeError
        If it is no network, in float16, float32 or float64, of layers of `course_lib.network`. A
        class of your own that is derived from one of them is taken for it only if it inherits
        ``forward`` and ``backward``.

    Notes
    -----
    Two activations learn there what is constant here, or draw what is fixed here. ``"prelu"``
    becomes PyTorch's ``PReLU``, which learns its negative slope. ``"rrelu"``, whose negative slope
    is the mean of its two bounds here, becomes PyTorch's ``RReLU``: the same in evaluation mode
    (after ``.eval()``, or in `predict`), but in training mode that draws another one for each
    element.

    Examples
    --------
    >>> from course_lib import network
    >>> from_numpy(network.mlp([2, 3, 1], "tanh"))[1]
    Tanh()
    """
    check_type("network", network, Network, "a course_lib.network.Network")
    if network.replicas:
        raise ValueError(
            f"the network has replicas {network.replicas}; choose one with network.replica(i)"
        )
    dtype = _torch_dtype(network.dtype)
    return nn.Sequential(*(_module(layer, dtype) for layer in network.layers))


def _module(layer: Layer, dtype: torch.dtype) -> nn.Module:
    """Return a copy of one layer, blocks with all that is in them."""
    if isinstance(layer, Activate) and computes_as(layer, Activate):
        return activation_module(layer.activation).to(dtype)
    if isinstance(layer, NumpyResidual) and computes_as(layer, NumpyResidual):
        return Residual(*(_module(inner, dtype) for inner in layer.layers))
    if isinstance(layer, Dropout) and computes_as(layer, Dropout, AlphaDropout):
        drop = nn.AlphaDropout if isinstance(layer, AlphaDropout) else nn.Dropout
        return drop(float(layer.p))
    if not isinstance(layer, Dense | PReLU | BatchNorm | LayerNorm) or not computes_as(
        layer, Dense, PReLU, BatchNorm, LayerNorm
    ):
        raise TypeError(
            f"cannot copy a {type(layer).__name__}; expected Dense, Activate, PReLU, "
            f"BatchNorm, LayerNorm, Dropout, AlphaDropout and Residual"
        )
    # rows of parameters come without their axis of length 1, as PyTorch has them
    state = {name: torch.tensor(value[0]) for name, value in layer.parameters.items()}
    in_features, features = layer.parameters["weight"].shape
    # on "meta" no random weights are drawn, so PyTorch's random numbers stay as they were
    options: dict[str, Any] = {"dtype": dtype, "device": "meta"}
    module: nn.Module
    if isinstance(layer, Dense):
        state["weight"] = torch.tensor(layer.parameters["weight"].T)
        module = nn.Linear(in_features, features, bias="bias" in state, **options)
    elif isinstance(layer, PReLU):
        module = nn.PReLU(features, **options)
    elif isinstance(layer, LayerNorm):
        module = nn.LayerNorm(features, layer.eps, **options)
    else:
        module = nn.BatchNorm1d(features, layer.eps, layer.momentum, **options)
        # kept in float64 there, in the module's dtype here
        state["running_mean"] = torch.tensor(layer.running_mean[0]).to(state["weight"].dtype)
        state["running_var"] = torch.tensor(layer.running_variance[0]).to(state["weight"].dtype)
        state["num_batches_tracked"] = torch.tensor(0)
    module.load_state_dict(state, assign=True)
    return module.requires_grad_()


def _torch_dtype(dtype: np.dtype[Any]) -> torch.dtype:
    """Return PyTorch's name of a dtype."""
    if dtype not in (np.float16, np.float32, np.float64):
        raise TypeError(f"the network is {dtype}; expected float16, float32 or float64")
    return cast(torch.dtype, getattr(torch, dtype.name))


def to_numpy(module: nn.Sequential, *, seed: Seed = 0) -> Network:
    """Copy a PyTorch module into a NumPy network.

    Parameters
    ----------
    module : torch.nn.Sequential
        Of ``Linear`` layers, with or without bias, activations of the catalogue with any parameters
        that its functions take, `Gated`, `Maxout` and `Activate`, ``PReLU`` with any negative
        slopes, ``BatchNorm1d``, ``LayerNorm``, ``Dropout``, ``AlphaDropout``, `Residual` blocks of
        all these, and ``Flatten()`` with its defaults.
    seed : int or SeedSequence
        For the masks of dropout, other ones for each layer; those of PyTorch cannot be carried.

    Returns
    -------
    Network
        The same function, in the same dtype (float32 for bfloat16, which NumPy does not have), with
        running averages.

    Raises
    ------
    TypeError
        If the module holds something else, or an activation with settings that the catalogue's
        function does not take, or there are several seeds. A class of your own that is derived from
        one of PyTorch is taken for it only if it inherits ``forward``.
    ValueError
        If a dropout drops everything, two layers share a parameter, which would learn as two here,
        neighbors do not fit, or the catalogue's function does not take a number that a module has.

    Notes
    -----
    Outputs and gradients are equal; three things may be learned differently here. A normalization
    without weight or bias gets ones or zeros, which are parameters here, and learn. A frozen
    parameter (``requires_grad=False``) learns, too. ``RReLU`` has the mean of its bounds as its
    negative slope, as in PyTorch's evaluation mode, also while it trains. A batch normalization
    without running averages, or with ``momentum=None``, which averages over all batches, is not
    carried: nothing here does the same.

    Examples
    --------
    >>> from course_lib.pytorch import mlp
    >>> to_numpy(mlp([2, 3, 1], "relu"))
    Network(2-3-1, ['relu'], float32)
    >>> found = to_numpy(nn.Sequential(nn.Linear(2, 1, bias=False), nn.LeakyReLU(0.2)))
    >>> found, list(found.parameters)
    (Network(2-1, ['leaky_relu(negative_slope=0.2)'], float32), ['0.weight'])
    """
    if not computes_as(module, nn.Sequential):
        raise TypeError(
            f"module is a {type(module).__name__}; expected a torch.nn.Sequential, whose modules "
            f"are called one after the other"
        )
    _check_unshared(module)
    dtype = next((array_of(p).dtype for p in module.parameters()), np.dtype(np.float32))
    return Network(_layers(module, dtype, _mask_seeds(seed)))


def _check_unshared(module: nn.Module) -> None:
    """Raise ValueError if a parameter stands in a module under two names."""
    owners: dict[int, str] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        first = owners.setdefault(id(parameter), name)
        if first != name:
            raise ValueError(
                f"{first} and {name} are one parameter, which would become two that learn apart; "
                f"expected a parameter of its own for each layer"
            )


def _mask_seeds(seed: Seed) -> Iterator[Seed]:
    """Return a seed for each dropout of a network, those of `course_lib.network.mlp`."""
    seeds, replicated = as_seeds(seed)
    if replicated:
        raise TypeError(f"seed is {seed!r}; a PyTorch module is one network and takes one seed")
    return (layer_seed(seeds[0], "dropout", i) for i in count())


def _layers(modules: nn.Sequential, dtype: np.dtype[Any], seeds: Iterator[Seed]) -> list[Layer]:
    """Return NumPy layers for modules in a row; those without parameters get the dtype."""
    return [_layer(m, dtype, seeds) for m in modules if not _is_plain_flatten(m)]


def _is_plain_flatten(module: nn.Module) -> bool:
    """Return whether a module is a Flatten that keeps (batch, features); reject other Flattens."""
    if not isinstance(module, nn.Flatten) or not computes_as(module, nn.Flatten):
        return False
    if (module.start_dim, module.end_dim) != (1, -1):
        raise TypeError(
            f"cannot carry {module} across; expected Flatten(start_dim=1, end_dim=-1), which keeps "
            f"each example apart"
        )
    return True


def _layer(module: nn.Module, dtype: np.dtype[Any], seeds: Iterator[Seed]) -> Layer:
    """Return a copy of one module, or raise TypeError if there is no layer like it."""
    if isinstance(module, Residual) and computes_as(module, Residual):
        return NumpyResidual(_layers(module, dtype, seeds))
    if isinstance(module, nn.Dropout) and computes_as(module, nn.Dropout):
        return Dropout(module.p, seed=next(seeds))
    if isinstance(module, nn.AlphaDropout) and computes_as(module, nn.AlphaDropout):
        return AlphaDropout(module.p, seed=next(seeds))
    layer = layer_with_parameters(module, dtype)
    if layer is not None:
        return layer
    row = activation_of(module)
    if row is not None:
        return Activate(row)
    if rows_for(module):
        raise TypeError(f"cannot carry {module} across; expected {settings_of(module)}")
    raise TypeError(
        f"cannot carry {module} across; expected Linear, Flatten, Dropout, AlphaDropout, "
        f"BatchNorm1d with running averages and a momentum, LayerNorm over one axis, Residual, "
        f"PReLU, Gated, Maxout, Activate, and the activations of the catalogue, with parameters "
        f"that its functions take: "
        f"{', '.join(text_of(row) for row in activations.CATALOGUE.values() if row.pytorch)}"
    )


def layer_with_parameters(module: nn.Module, dtype: np.dtype[Any]) -> Layer | None:
    """Return a copy of a module with parameters, or None if there is no layer like it."""
    state = {
        name: array_of(value)[np.newaxis].copy() for name, value in module.state_dict().items()
    }
    known = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
    if not known.issuperset(state):  # as with a weight that other parameters are computed into
        return None
    if isinstance(module, nn.PReLU) and computes_as(module, nn.PReLU):
        return PReLU(state["weight"])
    if isinstance(module, nn.Linear) and computes_as(module, nn.Linear):
        return Dense(state["weight"][0].T.copy(), state.get("bias"))
    if isinstance(module, nn.LayerNorm) and computes_as(module, nn.LayerNorm):
        if len(module.normalized_shape) != 1:
            return None
        return LayerNorm(*_affine(state, module.normalized_shape, dtype), eps=module.eps)
    if isinstance(module, nn.BatchNorm1d) and computes_as(module, nn.BatchNorm1d):
        if "running_mean" not in state or module.momentum is None:
            return None
        weight, bias = _affine(state, [module.num_features], dtype)
        layer = BatchNorm(weight, bias, momentum=module.momentum, eps=module.eps)
        averages = {"running_mean": "running_mean", "running_variance": "running_var"}
        layer.set_extra_state({name: state[key] for name, key in averages.items()})
        return layer
    return None


def _affine(
    state: dict[str, Array], features: Sequence[int], dtype: np.dtype[Any]
) -> tuple[Array, Array]:
    """Return weight and bias of a normalization: ones and zeros where it has none."""
    shape = (1, *features)
    return state.get("weight", np.ones(shape, dtype)), state.get("bias", np.zeros(shape, dtype))
