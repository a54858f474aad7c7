"""Core ML's program, by the definitions of its operators.

Of `lstm`, and of the `while_loop` and the `scatter` of a GRU, no definition in numbers comes with
the converter: they are computed here by the equations of their documentation.
"""

import coremltools as ct
import numpy as np
import torch
from _torch import module
from coreml import PACKAGES
from coremltools.converters.mil import Builder as mb

__all__ = ["MODES", "PACKAGES", "answer"]
MODES = ("float32", "float16")
PRECISIONS = {"float32": ct.precision.FLOAT32, "float16": ct.precision.FLOAT16}


def answer(job, x, mode):
    """Return what the program of a job answers."""
    traced = torch.jit.trace(module(job, mode), torch.zeros(x.shape))
    made = ct.convert(
        traced, inputs=[ct.TensorType(name="x", shape=x.shape)], convert_to="milinternal",
        compute_precision=PRECISIONS[mode],
    )  # fmt: skip
    main = made.functions["main"]
    known = {"x": x.astype(np.float32)}
    compute(main, known, main.opset_version)
    return known[main.outputs[0].name]


def compute(block, known, opset):
    """Add what the operators of a block answer to what is known."""
    for each in block.operations:
        if each.op_type == "const":
            continue
        given = {name: numbers(v, known) for name, v in each.inputs.items() if v is not None}
        if each.op_type == "while_loop":
            found = repeated(each, given["loop_vars"], known, opset)
        elif each.op_type in OWN:
            found = OWN[each.op_type](**given)
        else:
            found = defined(each.op_type, given, opset)
        known |= dict(zip((out.name for out in each.outputs), found, strict=True))


def numbers(part, known):
    """Return the numbers of an input."""
    if isinstance(part, (list, tuple)):
        return [numbers(each, known) for each in part]
    return known[part.name] if part.val is None else part.val


def defined(kind, given, opset):
    """Return what an operator answers by the definition that comes with it."""
    found = []

    @mb.program(input_specs=[mb.TensorSpec(shape=(1,))], opset_version=opset)
    def folded(unused):
        answer = getattr(mb, kind)(**given)
        found.extend(answer if isinstance(answer, (list, tuple)) else [answer])
        return unused

    if any(each.val is None for each in found):
        raise NotImplementedError(f"{kind} has no definition in numbers")
    return [each.val for each in found]


def repeated(loop, values, known, opset):
    """Return the variables of a loop once its condition is false."""
    condition, body = loop.blocks
    while True:
        known |= dict(zip((each.name for each in condition.inputs), values, strict=True))
        compute(condition, known, opset)
        if not numbers(condition.outputs[0], known):
            return values
        known |= dict(zip((each.name for each in body.inputs), values, strict=True))
        compute(body, known, opset)
        values = [numbers(each, known) for each in body.outputs]


def scatter(data, indices, updates, axis, mode, **checks):
    """Return data to which numbers were added at some places along an axis."""
    if mode != "add":
        raise NotImplementedError(f"a scatter in mode {mode}")
    found = np.moveaxis(data.copy(), axis, 0)
    np.add.at(found, indices, np.moveaxis(updates, axis, 0))
    return [np.moveaxis(found, 0, axis)]


def lstm(x, initial_h, initial_c, weight_ih, weight_hh, bias, direction, output_sequence,
         **activations):  # fmt: skip
    """Return outputs (steps, batch, units) and the last states; gates are input, forget, output,
    candidate."""
    if (
        direction != "forward"
        or not output_sequence
        or {*activations.values()} > {"sigmoid", "tanh"}
    ):
        raise NotImplementedError("an lstm of another kind")
    h, c, outputs = initial_h, initial_c, []
    for step in x:
        i, f, o, z = np.split(step @ weight_ih.T + h @ weight_hh.T + bias, 4, axis=-1)
        c = c / (1 + np.exp(-f)) + np.tanh(z) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        outputs.append(h)
    return [np.stack(outputs), h, c]


OWN = {"lstm": lstm, "scatter": scatter}
