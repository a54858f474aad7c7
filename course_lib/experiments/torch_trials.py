"""`train_network` by PyTorch: the same trainings, on a CPU or a GPU."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from course_lib._checks import as_integer, pytorch_module
from course_lib._typing import Array
from course_lib.experiments.training_trials import prepared, scores

__all__ = ["check_training_torch", "train_network_torch"]


def train_network_torch(
    seeds: Sequence[int],
    *,
    data: str = "mnist",
    pixels: int = 28,
    depth: int | None = None,
    width: int | None = None,
    sizes: Sequence[int] | None = None,
    activation: str = "relu",
    initialization: str = "he",
    gain: float = 1.0,
    bias_variance: float | None = None,
    normalization: str = "none",
    residual: bool = False,
    dropout: float = 0.0,
    optimizer: str = "momentum",
    learning_rate: float = 0.1,
    epochs: int = 4,
    batch_size: int = 64,
    device: str = "cpu",
) -> dict[str, Array]:
    """Train the networks of `train_network` by PyTorch, all at once, on any of its devices.

    Parameters
    ----------
    seeds : sequence of int
        As for `train_network`: the initial weights and the batches are the same.
    data, pixels, depth, width, sizes, activation, initialization, gain, bias_variance
        As for `train_network`, with the same defaults.
    normalization, residual, dropout, optimizer, learning_rate, epochs, batch_size
        As for `train_network`, with the same defaults.
    device : str
        Such as ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.

    Returns
    -------
    dict of str to ndarray
        As `train_network`, to the extent that float32 allows: both round otherwise, which grows
        with the length of a training.

    Raises
    ------
    KeyError, TypeError, ValueError
        As `check_training_torch`; ValueError too if PyTorch cannot compute on the device here.

    Notes
    -----
    Two things are PyTorch's own. Dropout drops other units, which follow from all seeds together:
    network i is then not the one that is trained with ``seeds[i]`` alone, and a sweep with other
    `replicas` has other results. And the activation ``"prelu"`` learns its negative slope.

    On one machine, CPU and thread the results are the same bits in each call. A GPU may add in
    another order each time; ``torch.use_deterministic_algorithms(True)`` keeps it from that.

    Examples
    --------
    >>> from course_lib.experiments.training_trials import train_network
    >>> small = {"pixels": 7, "depth": 1, "width": 8, "epochs": 1, "learning_rate": 0.03}
    >>> found, expected = train_network_torch(range(2), **small), train_network(range(2), **small)
    >>> bool(abs(found["train_loss"] - expected["train_loss"]).max() < 1e-4)
    True
    """
    arguments = dict(
        data=data, pixels=pixels, depth=depth, width=width, sizes=sizes, activation=activation,
        initialization=initialization, gain=gain, bias_variance=bias_variance,
        normalization=normalization, residual=residual, dropout=dropout, optimizer=optimizer,
        learning_rate=learning_rate, epochs=epochs, batch_size=batch_size,
    )  # fmt: skip
    pytorch, own = pytorch_module(), [as_integer("seed", seed) for seed in seeds]
    where = pytorch.tensors.as_device(device)
    parts, network, moves, length = prepared(own, arguments)
    ensemble = pytorch.Ensemble.from_numpy(network, device=where)
    steps = pytorch.torch_optimizer(moves, ensemble)
    masks = int(np.random.SeedSequence(own).generate_state(1)[0])
    with pytorch.tensors.fixed_random_numbers(where, masks):
        history = pytorch.fit(
            ensemble, *parts.train, optimizer=steps, seed=own, progress=False, **length
        )
    return scores(partial(pytorch.predict, ensemble), parts, history)


def check_training_torch(*, device: str = "cpu", **arguments: Any) -> None:
    """Do everything that `train_network_torch` does but training, for a single seed.

    The device must be one that PyTorch knows, but need not be here: workers of a cluster may have
    it.

    Parameters
    ----------
    device : str
        As for `train_network_torch`.
    **arguments : object
        Those of `train_network`, without the seeds.

    Raises
    ------
    KeyError, TypeError, ValueError
        As `check_training`; ValueError and TypeError for the device too.
    NotImplementedError
        If PyTorch cannot train several networks with that activation at once, as with ``"rrelu"``.

    Examples
    --------
    >>> check_training_torch(depth=2, width=8, device="tpu")
    Traceback (most recent call last):
    ValueError: unknown device 'tpu'; expected one that is here: cpu...
    """
    pytorch = pytorch_module()
    pytorch.tensors.as_device(device, present=False)
    parts, network, moves, _ = prepared([0], arguments)
    ensemble = pytorch.Ensemble.from_numpy(network)
    pytorch.torch_optimizer(moves, ensemble)
    like = pytorch.tensors.first_parameter(ensemble)
    some = pytorch.tensors.as_tensor("x", parts.train[0][:2], like)
    pytorch.ensembles.check_at_once(ensemble, some)
