"""Modules of PyTorch as versions of a network: what passes their layers, and what takes its place.

Layers are the modules of PyTorch and of this library that have none inside; and, where the
``forward`` of another module calls functions, these functions.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from course_lib._typing import Array
from course_lib.frameworks.of_callable import CallableVersion, called
from course_lib.frameworks.of_torch_layers import known_call, known_module
from course_lib.frameworks.traces import Trace, Value, Version
from course_lib.pytorch.tensors import array_of

__all__ = ["TorchVersion", "version_of_module"]

Settings = Callable[[tuple[Array, ...]], Mapping[str, Any]]


def version_of_module(name: str, model: nn.Module) -> Version:
    """Return a module as a version of a network; what is compiled is a function.

    Parameters
    ----------
    name : str
        Of the argument.
    model : torch.nn.Module
        In evaluation mode.

    Returns
    -------
    Version
        Whose layers can be seen, unless it is TorchScript or compiled.

    Raises
    ------
    ValueError
        If it is in training mode, or has parameters without values.
    """
    version = TorchVersion(name, model)
    if isinstance(model, torch.jit.ScriptModule) or hasattr(model, "_orig_mod"):
        return CallableVersion(name, version.run, f"a compiled {type(model).__name__}")
    return version


class TorchVersion:
    """A module of PyTorch, in evaluation mode.

    Parameters
    ----------
    name : str
        Of the argument.
    model : torch.nn.Module
        Left as it is.

    Raises
    ------
    ValueError
        If it is in training mode, or has parameters without values.
    """

    open, at_once = True, True

    def __init__(self, name: str, model: nn.Module) -> None:
        training = next((n or "itself" for n, m in model.named_modules() if m.training), None)
        if training is not None:
            raise ValueError(
                f"{name} is a {type(model).__name__} in training mode (module {training}), in "
                f"which dropout draws and batch normalization averages; call {name}.eval() first"
            )
        for part, values in (*model.named_parameters(), *model.named_buffers()):
            if values.is_meta or is_lazy(values):
                raise ValueError(
                    f"{name} is a {type(model).__name__} whose {part} has no values yet, as of a "
                    f"lazy layer or on the device 'meta'; load its weights first"
                )
        self.name, self.told, self._model = name, f"a {type(model).__name__}", model
        self._first = next(
            (p for p in (*model.parameters(), *model.buffers()) if p.is_floating_point()), None
        )
        self.eps = 0.0 if self._first is None else torch.finfo(self._first.dtype).eps

    def outputs(self, inputs: Sequence[Any]) -> tuple[Array, ...]:
        """Return what the module returns."""
        with torch.no_grad():
            return _arrays_of(self.name, called(self, self._model, self._tensors(inputs)))

    def run(self, *inputs: Any) -> tuple[Array, ...]:
        """Return what the module returns, for inputs one by one."""
        return self.outputs(inputs)

    def trace(self, inputs: Sequence[Any], feeds: Mapping[int, Any] | None = None) -> Trace:
        """Run the module and record its layers."""
        recorder = _Recorder(feeds or {})
        with torch.no_grad(), recorder.watching(self._model), recorder:
            tensors = self._tensors(inputs)
            recorder.depth = 0
            found = called(self, self._model, tensors)
        outputs = _tensors_in(found)
        arrays = _arrays_of(self.name, found)
        return Trace(recorder.values, arrays, tuple(recorder.number(t) for t in outputs))

    def _tensors(self, inputs: Sequence[Any]) -> list[torch.Tensor]:
        """Return the inputs as tensors, floats in the dtype of the module, on its device."""
        tensors = []
        for given in inputs:
            # copies, since a module may work in place
            given = given.clone() if isinstance(given, torch.Tensor) else _tensor_of(given)
            if self._first is not None:
                given = given.to(self._first.device)
                given = given.to(self._first.dtype) if given.is_floating_point() else given
            tensors.append(given)
        return tensors


def _tensor_of(values: Any) -> torch.Tensor:
    """Return a copy of an array as a tensor."""
    array = np.asarray(values)
    return torch.from_numpy(np.array(array, array.dtype.newbyteorder("="), order="C"))


def _tensors_in(found: Any) -> list[torch.Tensor]:
    """Return the tensors of what a module returned, in order."""
    if isinstance(found, torch.Tensor):
        return [found]
    if isinstance(found, Mapping):
        found = list(found.values())
    if isinstance(found, list | tuple) and not isinstance(found, nn.utils.rnn.PackedSequence):
        return [tensor for part in found for tensor in _tensors_in(part)]
    return []


def _arrays_of(name: str, found: Any) -> tuple[Array, ...]:
    """Return the outputs of a module as arrays, or raise TypeError if there are none."""
    arrays = tuple(array_of(tensor) for tensor in _tensors_in(found))
    if not arrays:
        raise TypeError(
            f"{name} returned a {type(found).__name__}; expected a tensor, or a tuple or dict of "
            f"tensors"
        )
    return arrays


class _Recorder(TorchFunctionMode):
    """Records the layers of one pass, and puts fed values in the place of their outputs."""

    def __init__(self, feeds: Mapping[int, Any]) -> None:
        super().__init__()
        self.values: list[Value] = []
        self.depth = 1  # inside of a layer nothing is recorded; 0 is outside of all
        self._feeds = feeds
        self._numbers: dict[int, int] = {}  # by the id of a tensor
        self._alive: list[torch.Tensor] = []  # whose id is therefore taken
        self._counts: Counter[str] = Counter()
        self._path: list[str] = [""]
        self._given: list[tuple[list[torch.Tensor], tuple[Array, ...]]] = []

    def number(self, tensor: torch.Tensor) -> int:
        """Return which value a tensor is, or -1."""
        return self._numbers.get(id(tensor), -1)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Call a function of PyTorch; record it if it is called outside of a layer."""
        kwargs = kwargs or {}
        name = str(getattr(func, "__name__", func)).strip("_")
        if in_place := _in_place(func, kwargs):
            self._protect(args[:1])
        if self.depth or name == "get":  # an attribute, such as shape
            return func(*args, **kwargs)
        kind, settings, given = known_call(name, args, kwargs)
        given = _tensors_in([*args, *kwargs.values()]) if given is None else given
        inputs = tuple(map(array_of, given))
        inputs = tuple(array.copy() for array in inputs) if in_place else inputs
        self.depth += 1
        try:
            found = func(*args, **kwargs)
        finally:
            self.depth -= 1
        name = f"{self._path[-1]}.{name}" if self._path[-1] else name
        return self._record(name, kind, settings, given, inputs, found, in_place)

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Put hooks on all modules, and take them away again."""
        hooks: list[Any] = []
        for name, module in model.named_modules():
            before, after = (
                (self._layer_hooks(name, module)) if _is_layer(module) else self._path_hooks(name)
            )
            hooks.append(module.register_forward_pre_hook(before, with_kwargs=True))
            hooks.append(module.register_forward_hook(after, with_kwargs=True))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _path_hooks(self, name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """Return hooks that keep the name of the module whose ``forward`` runs."""

        def before(module: nn.Module, args: Any, kwargs: Any) -> None:
            self._path.append(name)

        def after(module: nn.Module, args: Any, kwargs: Any, found: Any) -> None:
            self._path.pop()

        return before, after

    def _layer_hooks(
        self, name: str, module: nn.Module
    ) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """Return hooks that record a layer."""
        kind, settings = known_module(module)
        name = name or type(module).__name__

        def before(module: nn.Module, args: Any, kwargs: Any) -> None:
            self.depth += 1  # also of what this hook calls
            if self.depth == 1:
                given = _tensors_in([*args, *kwargs.values()])
                if getattr(module, "inplace", False):
                    self._protect(given)
                    inputs = tuple(array_of(tensor).copy() for tensor in given)
                else:
                    inputs = tuple(map(array_of, given))
                self._given.append((given, inputs))

        def after(module: nn.Module, args: Any, kwargs: Any, found: Any) -> Any:
            if self.depth == 1:
                in_place = getattr(module, "inplace", False)
                found = self._record(name, kind, settings, *self._given.pop(), found, in_place)
            self.depth -= 1
            return found

        return before, after

    def _record(
        self,
        name: str,
        kind: str,
        settings: Settings | None,
        given: Sequence[torch.Tensor],
        inputs: tuple[Array, ...],
        found: Any,
        in_place: bool,
    ) -> Any:
        """Record what a layer returned; return it, or what is fed in its place."""
        outputs = [t for t in _tensors_in(found) if t.is_floating_point()]
        if not outputs or (not in_place and all(id(t) in self._numbers for t in outputs)):
            return found  # as it came
        self._counts[name] += 1
        name = name if self._counts[name] == 1 else f"{name} (call {self._counts[name]})"
        parents = tuple(self.number(tensor) for tensor in given)
        replaced: dict[int, torch.Tensor] = {}
        for output, tensor in enumerate(outputs):
            number = len(self.values)
            about = dict if settings is None else _later(settings, inputs, output)
            array = array_of(tensor)
            self.values.append(Value(name, kind, array, inputs, parents, about))
            kept = tensor
            if number in self._feeds:
                feed = self._feeds[number]
                fed = _tensor_of(feed(inputs) if callable(feed) else feed)
                kept = replaced[id(tensor)] = fed.to(tensor).reshape(tensor.shape)
            self._numbers[id(kept)] = number
            self._alive.append(kept)
        return _with(found, replaced) if replaced else found

    def _protect(self, given: Sequence[Any]) -> None:
        """Copy what was recorded of tensors that are about to be overwritten."""
        moved = [array_of(tensor) for tensor in given if isinstance(tensor, torch.Tensor)]

        def safe(array: Array) -> Array:
            shared = any(np.may_share_memory(array, other) for other in moved)
            return array.copy() if shared else array

        for value in self.values:
            value.array, value.inputs = safe(value.array), tuple(map(safe, value.inputs))


def _later(settings: Settings, inputs: tuple[Array, ...], output: int) -> Callable[[], Any]:
    """Return a function that asks for the settings once they are needed."""
    return lambda: {**settings(inputs)} | ({"output": output} if output else {})


def _with(found: Any, replaced: Mapping[int, torch.Tensor]) -> Any:
    """Return what a layer returned, with other tensors in it."""
    if isinstance(found, torch.Tensor):
        return replaced.get(id(found), found)
    if isinstance(found, Mapping):
        return type(found)({name: _with(part, replaced) for name, part in found.items()})  # type: ignore[call-arg]
    if isinstance(found, tuple) and hasattr(found, "_fields"):
        return type(found)(*(_with(part, replaced) for part in found))
    if isinstance(found, list | tuple):
        return type(found)(_with(part, replaced) for part in found)
    return found


def _in_place(func: Any, kwargs: Mapping[str, Any]) -> bool:
    """Return whether a function overwrites its first argument."""
    name = str(getattr(func, "__name__", ""))
    return kwargs.get("inplace") is True or (name.endswith("_") and not name.endswith("__"))


def _is_layer(module: nn.Module) -> bool:
    """Return whether a module is recorded as a whole."""
    whole = isinstance(module, nn.RNNBase | nn.MultiheadAttention)
    own = type(module).__module__.startswith(("torch.", "course_lib."))
    return own and (whole or next(module.children(), None) is None)
