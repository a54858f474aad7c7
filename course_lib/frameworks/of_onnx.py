"""ONNX graphs as versions of a network: every node a layer, run by ONNX Runtime."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from course_lib._checks import not_installed
from course_lib._typing import Array
from course_lib.frameworks.of_onnx_nodes import Graph, known_node
from course_lib.frameworks.traces import Trace, Value

__all__ = ["OnnxVersion", "is_onnx"]

MOST = 8  # sessions that are kept
DRAWING = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
DRAWING |= {"Multinomial", "Bernoulli"}
PLACE = re.compile(r"/onnxruntime_src/.*\) (?=[A-Z])")  # in the sources of ONNX Runtime
FED = "//fed"  # behind the name of a value: what takes its place


def frameworks_module(name: str) -> Any:
    """Import a package of the extra ``frameworks``, or a module of it.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed; the message says how to install it.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError:
        package = name.partition(".")[0]
        told = {"onnxruntime": "ONNX Runtime", "onnx": "ONNX"}[package]
        raise not_installed(package, told, "frameworks") from None


def is_onnx(thing: object) -> bool:
    """Return whether something is a path, or a graph of ONNX."""
    return isinstance(thing, str | os.PathLike) or hasattr(thing, "opset_import")


class OnnxVersion:
    """A graph of ONNX, run by ONNX Runtime on the CPU.

    Its threads are as many as ``OMP_NUM_THREADS`` says, which ONNX Runtime itself does not read.

    Parameters
    ----------
    name : str
        Of the argument.
    model : str or os.PathLike or onnx.ModelProto
        A file, or a graph.

    Raises
    ------
    ModuleNotFoundError
        If ``onnx`` or ``onnxruntime`` is missing.
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be read, or ONNX Runtime cannot run it.
    """

    open, at_once = True, False

    def __init__(self, name: str, model: Any) -> None:
        self._runtime = frameworks_module("onnxruntime")
        self._onnx = frameworks_module("onnx")
        self.name, self._folder = name, Path()
        self.told = "an ONNX graph"
        self._model = self._read(model)
        graph = self._model.graph
        self._check_draws()
        constants = {tensor.name for tensor in graph.initializer}
        self._inputs = [value for value in graph.input if value.name not in constants]
        self._check_inputs()
        self._outputs = [value.name for value in graph.output]
        self._graph = Graph(self._model, self._onnx.numpy_helper.to_array)
        self._kinds = [known_node(self._graph, n) for n in range(len(self._graph.values))]
        self._sessions: dict[tuple[int, ...], Any] = {}
        self._whole = self._session(self._model)
        self._dtypes: dict[str, np.dtype[Any]] = {}
        self.eps = 0.0

    def outputs(self, inputs: Sequence[Any]) -> tuple[Array, ...]:
        """Return what the graph returns."""
        return tuple(self._run(self._whole, self._outputs, self._given(inputs)))

    def trace(self, inputs: Sequence[Any], feeds: Mapping[int, Any] | None = None) -> Trace:
        """Run the graph with all that its nodes compute as outputs."""
        feeds, given = feeds or {}, self._given(inputs)
        names = self._graph.values
        session = self._sessions.get(key := tuple(sorted(feeds)))
        if session is None:
            if len(self._sessions) >= MOST:
                del self._sessions[next(iter(self._sessions))]
            session = self._sessions[key] = self._session(self._exposed(key))
        fed = {names[number] + FED: self._as_fed(number, feeds[number]) for number in key}
        fixed = [] if self._dtypes else self._graph.fixed  # the first time
        found = self._run(session, [*names, *fixed], given | fed)
        arrays = dict(zip(names, found, strict=False))
        if not self._dtypes:
            self._dtypes = {name: array.dtype for name, array in arrays.items()}
            self._graph.computed |= dict(zip(fixed, found[len(names) :], strict=True))
        passed = given | arrays | {name.removesuffix(FED): value for name, value in fed.items()}
        values = [self._value(number, arrays[name], passed) for number, name in enumerate(names)]
        if any(name not in passed for name in self._outputs):  # one that depends on no input
            passed |= dict(zip(self._outputs, self.outputs(inputs), strict=True))
        outputs = tuple(passed[name] for name in self._outputs)
        return Trace(values, outputs, tuple(self._graph.numbers.get(o, -1) for o in self._outputs))

    def _value(self, number: int, array: Array, passed: Mapping[str, Array]) -> Value:
        """Return what a node computed, from all that passed the graph."""
        given = [name for name in self._graph.inputs[number] if name in passed]
        inputs = tuple(passed[name] for name in given)
        parents = tuple(self._graph.numbers.get(name, -1) for name in given)
        kind, settings = self._kinds[number]
        name = self._graph.names[number]
        return Value(name, kind, array, inputs, parents, lambda: settings(inputs))

    def _read(self, model: Any) -> Any:
        """Return a graph, its functions spelled out, or raise an error that tells."""
        if isinstance(model, str | os.PathLike):
            path = Path(model)
            if not path.is_file():
                there = "that is a folder" if path.is_dir() else "there is no such file"
                raise FileNotFoundError(
                    f"{self.name} is {str(model)!r}, and {there}; expected the path of an ONNX file"
                )
            self.told, self._folder = f"the ONNX graph {path.name}", path.parent
            try:
                model = self._onnx.load(path)
            except Exception as error:
                raise ValueError(
                    f"{self.name}: cannot read {path.name} ({_first_line(error)}); expected an "
                    f"ONNX file with its weights beside it, such as torch.onnx.export writes"
                ) from None
        if not model.graph.output:
            raise ValueError(
                f"{self.name}: {self.told} has no outputs, so that it is no network; expected an "
                f"ONNX file, such as torch.onnx.export writes"
            )
        if model.functions:
            return self._onnx.inliner.inline_local_functions(model)
        return model

    def _check_draws(self) -> None:
        """Raise ValueError for a node that draws: each session of the runtime draws the same."""
        for node in _nodes_in(self._model.graph):
            if node.op_type in DRAWING or _drops(node, self._model.graph, self._onnx):
                raise ValueError(
                    f"{self.name}: {self.told} is not deterministic: its node {node.name!r} "
                    f"({node.op_type}) draws random numbers; expected one that was exported in "
                    f"evaluation mode"
                )

    def _check_inputs(self) -> None:
        """Raise ValueError for an input that is no array of numbers."""
        text = self._onnx.TensorProto.STRING
        for value in self._inputs:
            if value.type.WhichOneof("value") != "tensor_type" or (
                value.type.tensor_type.elem_type == text
            ):
                raise ValueError(
                    f"{self.name}: {self.told} takes {value.name}, which is no array of numbers; "
                    f"expected a graph whose inputs are such arrays"
                )

    def _session(self, model: Any) -> Any:
        """Return a session of ONNX Runtime."""
        options = self._runtime.SessionOptions()
        options.log_severity_level = 4  # its errors are raised, and need not be printed as well
        threads = os.environ.get("OMP_NUM_THREADS", "")
        options.intra_op_num_threads = int(threads) if threads.isdecimal() else 0
        try:
            return self._runtime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise ValueError(
                f"{self.name}: ONNX Runtime cannot run {self.told} ({_first_line(error)}); "
                f"expected one that onnx.checker.check_model accepts, with operators that ONNX "
                f"Runtime has in these dtypes: float32 is safe"
            ) from None

    def _exposed(self, feeds: Sequence[int]) -> Any:
        """Return the graph with all values as outputs, and some replaced by inputs."""
        model, names = self._onnx.ModelProto(), self._graph.values
        model.CopyFrom(self._model)
        fed = {names[number] for number in feeds}
        for node in model.graph.node:
            for i, name in enumerate(node.input):
                if name in fed:
                    node.input[i] = name + FED
        make = self._onnx.helper.make_tensor_value_info
        number_of = self._onnx.helper.np_dtype_to_tensor_dtype
        types = {name: number_of(self._dtypes[name]) for name in sorted(fed)}
        model.graph.input.extend(make(name + FED, kind, None) for name, kind in types.items())
        del model.graph.output[:]
        shown = names if fed else [*names, *self._graph.fixed]
        model.graph.output.extend(map(self._onnx.helper.make_empty_tensor_value_info, shown))
        return model

    def _as_fed(self, number: int, array: Array) -> Array:
        """Return what takes the place of a value, in its dtype."""
        return np.array(array, self._dtypes[self._graph.values[number]], order="C")

    def _given(self, inputs: Sequence[Any]) -> dict[str, Array]:
        """Return the inputs by name, in the dtypes of the graph, or raise ValueError."""
        if len(inputs) != len(self._inputs):
            names = ", ".join(value.name for value in self._inputs)
            raise ValueError(
                f"{self.told} takes {len(self._inputs)} inputs ({names}), and {len(inputs)} were "
                f"given; expected a tuple of as many"
            )
        given = {}
        for value, array in zip(self._inputs, inputs, strict=True):
            tensor = value.type.tensor_type
            # some exporters write -1 for a length that is open
            known = [d.HasField("dim_value") and d.dim_value >= 0 for d in tensor.shape.dim]
            declared = [
                d.dim_value if k else None for d, k in zip(tensor.shape.dim, known, strict=True)
            ]
            array = np.asarray(array.cpu() if hasattr(array, "cpu") else array)
            fits = len(declared) == array.ndim and all(
                d in (None, n) for d, n in zip(declared, array.shape, strict=True)
            )
            if tensor.HasField("shape") and not fits:
                shown = ", ".join("any" if d is None else str(d) for d in declared)
                raise ValueError(
                    f"inputs: {value.name} of {self.told} has the shape ({shown}), and "
                    f"{array.shape} was given; expected that shape, or a graph that was exported "
                    f"with dynamic_shapes for the axes that vary"
                )
            dtype = self._onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            given[value.name] = np.asarray(array, dtype, order="C")
        return given

    def _run(self, session: Any, names: Sequence[str], given: Mapping[str, Array]) -> list[Array]:
        """Run a session, or raise ValueError."""
        try:
            found = session.run(list(names), dict(given))
        except Exception as error:
            shapes = ", ".join(f"{n} {a.shape}" for n, a in given.items() if FED not in n)
            raise ValueError(
                f"{self.told} cannot take these inputs ({shapes}): {_first_line(error)}; expected "
                f"shapes that all of its nodes can take, such as those of its export"
            ) from None
        return [np.asarray(value) for value in found]


def _nodes_in(graph: Any) -> Iterator[Any]:
    """Yield the nodes of a graph, and of the graphs in their attributes."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes_in(inner)


def _drops(node: Any, graph: Any, onnx: Any) -> bool:
    """Return whether a node is dropout in training mode, as a constant says."""
    if node.op_type != "Dropout" or len(node.input) < 3:
        return False
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for other in graph.node:
        if other.op_type == "Constant" and other.attribute[0].HasField("t"):
            tensors[other.output[0]] = other.attribute[0].t
    mode = tensors.get(node.input[2])
    return mode is not None and bool(onnx.numpy_helper.to_array(mode).any())


def _first_line(error: Exception) -> str:
    """Return the first line of an error, without the place in foreign sources."""
    text = PLACE.sub("", str(error).strip().partition("\n")[0])
    return text[:300] or type(error).__name__
