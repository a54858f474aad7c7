"""Ensembles: modules of one kind, one for each seed, that compute and learn all at once.

Their parameters are stacked, as NumPy's replicas are, and ``torch.func.vmap`` computes the outputs
of all members in the calls of one. The backward pass is autograd's of the sum of their losses: what
one member has learned does not depend on the others.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from course_lib._checks import as_integer, as_numbers, check_function, check_type
from course_lib.network import Network, as_seeds
from course_lib.pytorch.conversion import from_numpy
from course_lib.pytorch.tensors import as_device, fixed_random_numbers

__all__ = [
    "Ensemble",
    "check_at_once",
    "clip_each",
    "each_loss",
    "movable",
    "pass_gradients",
]

Criterion = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Ensemble(nn.Module):
    """Modules of one kind, trained at once: in `course_lib.pytorch.fit`, by any loop of your own.

    Parameters
    ----------
    modules : iterable of torch.nn.Module
        At least one. All have the same layers and settings, the same parameters, frozen or not,
        and are on one device, in one dtype and in one mode. They are copied. See also `from_seeds`
        and `from_numpy`.
    device : str or torch.device, optional
        Where to move them, such as ``"cuda"`` or ``"mps"``; by default they stay where they are.

    Raises
    ------
    ValueError
        If there is none, they are not alike, or PyTorch has no such device here.
    TypeError
        If one is not a module, or the device is neither text nor a ``torch.device``.

    Attributes
    ----------
    stacked : torch.nn.Module
        The members as one module: each parameter and buffer has one axis more, the first.

    Notes
    -----
    An ensemble is a module: ``to``, ``train``, ``eval``, ``state_dict`` and ``parameters`` do what
    they do elsewhere, for all members. ``len(ensemble)`` is their number, ``ensemble[i]`` a copy of
    one, and `predict` returns ``(members, batch, outputs)``.

    ``torch.func.vmap`` handles normalizations, also batch normalization with its running averages,
    and dropout, which drops other units in each member (``randomness="different"``). These masks
    come from PyTorch's one stream of random numbers, so those of a member depend on how many there
    are. It has no rule for ``RReLU`` in training mode, and a ``BatchNorm1d(momentum=None)`` asks
    for a number in the middle; `fit` says so before it trains anything. What a module keeps beside
    parameters and buffers is taken from the first one.

    On a CPU an ensemble takes less time than its members one after another, and more than the
    replicas of `course_lib.training.fit`: ``benchmarks/ensembles.py`` measures both. It is for
    GPUs, and for modules that NumPy does not have.

    Examples
    --------
    >>> from course_lib.pytorch import fit, mlp, predict
    >>> from course_lib import data
    >>> x, y = data.xor()
    >>> ensemble = Ensemble([mlp([2, 8, 2], "tanh", seed=seed) for seed in range(3)])
    >>> sgd = torch.optim.SGD(ensemble.parameters(), lr=1.0)
    >>> history = fit(ensemble, x, y, optimizer=sgd, epochs=300, batch_size=None, seed=range(3))
    >>> history.train_loss.shape, predict(ensemble, x).shape
    ((3, 300), (3, 4, 2))
    >>> ensemble[2]
    Sequential(
      (0): Linear(in_features=2, out_features=8, bias=True)
      (1): Tanh()
      (2): Linear(in_features=8, out_features=2, bias=True)
    )
    """

    def __init__(
        self, modules: Iterable[nn.Module], *, device: str | torch.device | None = None
    ) -> None:
        super().__init__()
        found = None if device is None else as_device(device)
        given = list(modules)
        _check_alike(given)
        self._members = len(given)
        self.stacked = _replaced(given[0], _stacked(given))
        self._views: list[tuple[torch.Tensor, list[torch.Tensor]]] = []
        if found is not None:
            self.to(found)

    @classmethod
    def from_seeds(
        cls,
        build: Callable[[int], nn.Module],
        seeds: Iterable[int],
        *,
        device: str | torch.device | None = None,
    ) -> "Ensemble":
        """Build a member for each seed.

        Parameters
        ----------
        build : callable
            Called with each seed, and returns a module. PyTorch's random numbers are set to the
            seed before, and left as they were in the end.
        seeds : iterable of int
            From 0 on, one for each member.
        device : str or torch.device, optional
            As for the class.

        Returns
        -------
        Ensemble
            Of these modules.

        Raises
        ------
        TypeError, ValueError
            As the class; or if there are no seeds, or `build` is no function of one.

        Examples
        --------
        >>> ensemble = Ensemble.from_seeds(lambda seed: nn.Linear(3, 2), range(4))
        >>> len(ensemble), ensemble.stacked.weight.shape
        (4, torch.Size([4, 2, 3]))
        """
        check_function("build", build, 1, "a function of a seed that returns a module")
        found, modules = None if device is None else as_device(device), []
        numbers, several = as_seeds(seeds)
        if not several:
            raise TypeError(f"seeds is {seeds!r}; expected a sequence of them, such as range(16)")
        for seed in numbers:
            number = as_integer("seed", seed)
            with fixed_random_numbers(torch.device("cpu"), number):
                modules.append(build(number))
        return cls(modules, device=found)

    @classmethod
    def from_numpy(
        cls, network: Network, *, device: str | torch.device | None = None
    ) -> "Ensemble":
        """Copy the replicas of a NumPy network.

        Parameters
        ----------
        network : Network
            With one axis of replicas, as ``mlp(seed=range(16))`` has.
        device : str or torch.device, optional
            As for the class.

        Returns
        -------
        Ensemble
            Its member i is ``from_numpy(network.replica(i))``.

        Raises
        ------
        ValueError
            As the class and `course_lib.pytorch.from_numpy`; or if there is not one such axis.
        NotImplementedError, TypeError
            As `course_lib.pytorch.from_numpy`.

        Examples
        --------
        >>> from course_lib.network import mlp
        >>> len(Ensemble.from_numpy(mlp([2, 8, 2], seed=range(16))))
        16
        """
        check_type("network", network, Network, "a course_lib.network.Network")
        found = None if device is None else as_device(device)
        if len(network.replicas) != 1:
            raise ValueError(
                f"the network has replicas {network.replicas}; expected one axis of them, such as "
                f"mlp(seed=range(16)) has; course_lib.pytorch.from_numpy copies a single network"
            )
        numbers = range(network.replicas[0])
        return cls([from_numpy(network.replica(i)) for i in numbers], device=found)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs of all members.

        Parameters
        ----------
        x : torch.Tensor, shape (batch, features) or (members, batch, features)
            A batch for all, or one for each.

        Returns
        -------
        torch.Tensor, shape (members, batch, outputs)
            Of what the members return.

        Raises
        ------
        ValueError
            If `x` has another number of axes than two, and the first is not that of the members.
        """
        return self._outputs(x, dict(self.stacked.named_buffers()))

    def _outputs(self, x: torch.Tensor, buffers: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the outputs with other buffers than the own ones, which may change in place."""
        if x.ndim == 2:
            # vmap knows the axis of the members; what lacks it meets gaps, as in gumbel_softmax
            x = x.expand(self._members, *x.shape)
        if len(x) != self._members:
            raise ValueError(
                f"x has shape {tuple(x.shape)}; expected (batch, features), or "
                f"({self._members}, batch, features) with a batch for each member"
            )

        def member(state: Any, x: torch.Tensor) -> Any:
            return functional_call(self.stacked, state, (x,))

        state = dict(self.stacked.named_parameters()), buffers
        outputs: torch.Tensor = vmap(member, randomness="different")(state, x)
        return outputs

    def __len__(self) -> int:
        """Return the number of members."""
        return self._members

    def __getitem__(self, index: int) -> nn.Module:
        """Return a copy of one member, as a module of its own."""
        number = as_integer("index", index)
        if not -self._members <= number < self._members:
            raise IndexError(f"member {number} of an ensemble of {self._members}")
        state: dict[int, torch.Tensor] = {}
        for parameter in self.stacked.parameters():
            own = parameter.detach()[number].clone()
            state[id(parameter)] = nn.Parameter(own, requires_grad=parameter.requires_grad)
        for buffer in self.stacked.buffers():
            state[id(buffer)] = buffer[number].clone()
        return copy.deepcopy(self.stacked, state)

    def __iter__(self) -> Iterator[nn.Module]:
        """Yield a copy of each member."""
        return (self[i] for i in range(self._members))

    def groups(self, **settings: ArrayLike) -> list[dict[str, Any]]:
        """Return a group of parameters for each member, for optimizers that differ in settings.

        A group holds views of the stacked parameters. Make them when the ensemble is where it
        shall be trained: ``ensemble.to(device)`` leaves them behind.

        Parameters
        ----------
        **settings : array_like
            Of the optimizer, such as ``lr``: one number, or one for each member.

        Returns
        -------
        list of dict
            What an optimizer of PyTorch takes instead of ``ensemble.parameters()``.

        Raises
        ------
        TypeError, ValueError
            If a setting is something else.

        Notes
        -----
        With these, also an optimizer that looks at a parameter as a whole, such as ``Adafactor``,
        moves each member by itself. It takes longer: there are as many updates as members.

        Examples
        --------
        >>> ensemble = Ensemble.from_seeds(lambda seed: nn.Linear(3, 2), range(4))
        >>> sgd = torch.optim.SGD(ensemble.groups(lr=[1e-4, 1e-3, 1e-2, 1e-1]), momentum=0.9)
        >>> [group["lr"] for group in sgd.param_groups]
        [0.0001, 0.001, 0.01, 0.1]
        """
        numbers = {name: self._one_each(name, values) for name, values in settings.items()}
        if not self._current():
            self._views = [(p, _views(p)) for p in self.stacked.parameters()]
        return [
            {"params": [views[i] for _, views in self._views]}
            | {name: values[i] for name, values in numbers.items()}
            for i in range(self._members)
        ]

    def _one_each(self, name: str, values: ArrayLike) -> list[float]:
        """Return a setting for each member."""
        numbers = as_numbers(name, values)
        if numbers.shape not in ((), (self._members,)):
            raise ValueError(
                f"{name} is {values!r}; expected one number, or {self._members}, one for each "
                f"member"
            )
        found: list[float] = np.broadcast_to(numbers, (self._members,)).tolist()
        return found

    def _current(self) -> list[tuple[torch.Tensor, list[torch.Tensor]]]:
        """Return each stacked parameter with what `groups` gave away of it and is still a view."""
        own = list(self.stacked.parameters())
        known = [id(parameter) for parameter, _ in self._views] == [id(p) for p in own]
        valid = known and all(
            view.data_ptr() == part.data_ptr() and view.device == part.device
            for parameter, views in self._views
            for view, part in zip(views, parameter.detach(), strict=True)
        )
        return self._views if valid else []


def movable(model: nn.Module) -> dict[int, torch.Tensor]:
    """Return the parameter for each tensor that an optimizer may move, by the tensor's id.

    Of an ensemble these are also the parts that `Ensemble.groups` has given away.
    """
    own: dict[int, torch.Tensor] = {id(entry): entry for entry in model.parameters()}
    if not isinstance(model, Ensemble):
        return own
    return own | {id(view): p for p, views in model._current() for view in views}


def pass_gradients(ensemble: Ensemble) -> None:
    """Pass the gradients of the last backward pass on to the parameters of `Ensemble.groups`."""
    for parameter, views in ensemble._views:
        parts = [None] * len(views) if parameter.grad is None else parameter.grad
        for view, part in zip(views, parts, strict=True):
            view.grad = part


def clip_each(
    learning: Sequence[torch.Tensor], clip_norm: float | None, clip_value: float | None
) -> None:
    """Limit the gradients of each member by itself, in place, those of stacked parameters.

    Examples
    --------
    >>> weight = torch.zeros(2, 1, requires_grad=True)
    >>> weight.grad = torch.tensor([[0.5], [4.0]])
    >>> clip_each([weight], 1.0, 3.0)
    >>> weight.grad.flatten()
    tensor([0.5000, 1.0000])
    """
    gradients = [p.grad for p in learning if p.grad is not None]
    for gradient in [] if clip_value is None else gradients:
        limit = min(float(clip_value or 0), torch.finfo(gradient.dtype).max)
        gradient.clamp_(-limit, limit)
    if clip_norm is None or not gradients:
        return
    norms = torch.stack([torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients])
    # as ``nn.utils.clip_grad_norm_`` does it
    factor = (clip_norm / (torch.linalg.vector_norm(norms, dim=0) + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor.reshape(-1, *[1] * (gradient.ndim - 1)))


def _check_alike(modules: Sequence[nn.Module]) -> None:
    """Raise an error unless there are modules, and all are the first but for their numbers."""
    if not modules:
        raise ValueError("there are no modules; expected at least one for an ensemble")
    for i, module in enumerate(modules):
        check_type(f"module {i}", module, nn.Module, "a torch.nn.Module")
        first, other = _looks_of(modules[0]), _looks_of(module)
        for name in [*first, *other]:
            (kind, told), (own, mine) = (
                look.get(name, (None, "missing")) for look in (first, other)
            )
            if (kind, told) != (own, mine):
                raise ValueError(
                    f"{name} is {mine} in module {i} and {told} in module 0; expected modules that "
                    f"differ in their numbers alone"
                )


def _looks_of(module: nn.Module) -> dict[str, tuple[object, str]]:
    """Return the kind of each part by its name, and what a message says of it."""
    found: dict[str, tuple[object, str]] = {}
    for name, part in module.named_modules():
        mode = "training" if part.training else "evaluation"
        told = f"{type(part).__name__}({part.extra_repr()}) in {mode} mode"
        found[f"the part {name!r}" if name else "the whole"] = type(part), told
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        learns = ", learning" if value.requires_grad else ""
        told = f"{value.dtype} {tuple(value.shape)} on {value.device}{learns}"
        found[name] = torch.Tensor, told
    return found


def _stacked(modules: Sequence[nn.Module]) -> dict[str, torch.Tensor]:
    """Return parameters and buffers with an axis for the members, by their names."""
    parameters, buffers = stack_module_state(list(modules))
    learning = {name: p.requires_grad for name, p in modules[0].named_parameters()}
    return {n: nn.Parameter(v.detach(), learning[n]) for n, v in parameters.items()} | buffers


def _replaced(module: nn.Module, state: dict[str, torch.Tensor]) -> nn.Module:
    """Return a copy of a module with other parameters and buffers; none of its own is copied."""
    own = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return copy.deepcopy(module, {id(value): state[name] for name, value in own.items()})


def _views(parameter: torch.Tensor) -> list[torch.Tensor]:
    """Return the part of each member, for an optimizer of its own."""
    whole = parameter.detach()
    return [whole[i].requires_grad_(parameter.requires_grad) for i in range(len(whole))]


def check_at_once(ensemble: Ensemble, x: torch.Tensor) -> None:
    """Raise NotImplementedError if ``torch.func.vmap`` cannot train the members at once.

    One step forward and backward is tried on a few inputs, and changes nothing.

    Examples
    --------
    >>> ensemble = Ensemble([nn.Sequential(nn.Linear(2, 2), nn.RReLU())])
    >>> check_at_once(ensemble, torch.ones(2, 2))
    Traceback (most recent call last):
    NotImplementedError: torch.func.vmap cannot train these members at once: it does not support
    RReLU(lower=0.125, upper=0.3333333333333333); train each by itself: fit(ensemble[0], ...)
    """
    with torch.no_grad():
        ensemble[0].eval()(x)  # what a member cannot take either is no matter of vmap
    buffers = {name: value.clone() for name, value in ensemble.stacked.named_buffers()}
    modes = [(module, module.training) for module in ensemble.modules()]
    learning = [p for p in ensemble.parameters() if p.requires_grad]
    try:
        ensemble.train()
        with fixed_random_numbers(x.device):
            outputs = ensemble._outputs(x, buffers)
            torch.autograd.grad(outputs.sum(), learning, allow_unused=True)
    except RuntimeError as error:
        told = [str(module) for module in ensemble.modules() if _breaks_vmap(module)]
        reason = f"it does not support {', '.join(told)}" if told else str(error).splitlines()[0]
        raise NotImplementedError(
            f"torch.func.vmap cannot train these members at once: {reason}; train each by itself: "
            f"fit(ensemble[0], ...)"
        ) from error
    finally:
        for module, mode in modes:
            module.training = mode


def _breaks_vmap(module: nn.Module) -> bool:
    """Return whether it is one of PyTorch that is known for it, to name it in a message."""
    counts = isinstance(module, nn.modules.batchnorm._BatchNorm) and module.momentum is None
    return counts or isinstance(module, nn.RReLU)


def each_loss(
    criterion: Criterion, outputs: torch.Tensor, targets: torch.Tensor, *, own: bool
) -> torch.Tensor:
    """Return the loss of each member.

    Parameters
    ----------
    criterion : callable
        The loss of one, from outputs and targets.
    outputs : torch.Tensor, shape (members, batch, outputs)
        Of all.
    targets : torch.Tensor
        Those of all members; with an axis for the members if they have their own.
    own : bool
        Whether they have.

    Returns
    -------
    torch.Tensor, shape (members,)
        One loss each.

    Examples
    --------
    >>> outputs = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]])
    >>> each_loss(nn.functional.cross_entropy, outputs, torch.tensor([0]), own=False)
    tensor([0.3133, 0.6931])
    """
    if getattr(criterion, "keywords", {}).get("class_weights") is not None:
        # what happens depends on the labels of a batch, which vmap cannot ask for
        answers = targets if own else [targets] * len(outputs)
        return torch.stack([criterion(o, t) for o, t in zip(outputs, answers, strict=True)])
    found: torch.Tensor = vmap(criterion, (0, 0 if own else None))(outputs, targets)
    return found
