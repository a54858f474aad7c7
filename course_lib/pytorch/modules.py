"""Modules that ``torch.nn`` lacks: residual blocks, gates, maxout, and functions of NumPy."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from course_lib import activations
from course_lib._checks import as_integer, check_choice
from course_lib._typing import Pull
from course_lib.activations import Activation
from course_lib.pytorch.tensors import array_of

__all__ = ["GATES", "Activate", "Gated", "Maxout", "Residual"]


class Residual(nn.Sequential):
    r"""A residual block, :math:`y = x + f(x)`, around modules in a row.

    Parameters
    ----------
    *modules : torch.nn.Module
        As for ``torch.nn.Sequential``; together they return as many features as they take.

    Raises
    ------
    ValueError
        In the forward pass, if they do not.

    Notes
    -----
    He et al., 2016 :cite:p:`he2016deep`; the counterpart of `course_lib.network.Residual`.

    Examples
    --------
    >>> Residual(nn.ReLU())(torch.tensor([[-1.0, 2.0]]))
    tensor([[-1.,  4.]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return the input plus the output of the modules.

        Raises
        ------
        ValueError
            If they return another shape.
        """
        output: torch.Tensor = super().forward(input)  # type: ignore[no-untyped-call]
        if output.shape != input.shape:
            raise ValueError(
                f"the modules of a residual block took an input of shape {tuple(input.shape)} and "
                f"returned {tuple(output.shape)}; the sum x + f(x) needs both alike"
            )
        return input + output


class Activate(nn.Module):
    """An activation of `course_lib.activations` as a module: any row, also one of your own.

    It computes by NumPy, on the CPU; autograd goes through the row's own derivative or
    vector-Jacobian product. Where PyTorch has a module of its own, `activation_module` returns
    that one, which is faster and runs on a GPU.

    Parameters
    ----------
    activation : str or Activation
        A name of the catalogue, or a row.

    Raises
    ------
    KeyError
        If the catalogue has no such activation.
    RuntimeError
        In the backward pass, if it is to be differentiated again (``create_graph=True``), or its
        input was changed in place since.

    Notes
    -----
    The counterpart of `course_lib.network.Activate`. Tensors of bfloat16, which NumPy lacks, go
    through float32.

    Examples
    --------
    >>> from course_lib.activations import get
    >>> x = torch.tensor([-1.0, 0.0, 1.0], requires_grad=True)
    >>> y = Activate(get("swish", beta=2.0))(x)
    >>> y.sum().backward()
    >>> y.detach(), x.grad
    (tensor([-0.1192,  0.0000,  0.8808]), tensor([-0.0908,  0.5000,  1.0908]))
    """

    def __init__(self, activation: str | Activation) -> None:
        super().__init__()
        self.activation = activations.get(activation)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return the activation of every element, or over the last axis."""
        return _apply(input, self.activation, [])

    def extra_repr(self) -> str:
        """Return the activation's name."""
        return self.activation.name


class _ByNumpy(torch.autograd.Function):
    """A row's value and, backwards, its vector-Jacobian product, which a list takes over."""

    @staticmethod
    def forward(x: torch.Tensor, row: Activation, pulls: list[Pull]) -> torch.Tensor:
        value, pull = row.pullback(array_of(x))
        pulls.append(pull)
        return torch.tensor(value, dtype=x.dtype, device=x.device)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        x, ctx.row, ctx.pulls = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        # PyTorch's once_differentiable says nothing where grad_output itself needs no gradient
        if torch.is_grad_enabled():
            raise RuntimeError(
                f"{ctx.row.name!r} is computed by NumPy and can be differentiated once; expected "
                f"a backward pass without create_graph=True"
            )
        (x,) = ctx.saved_tensors  # an error if it was changed since
        gradient = ctx.pulls[0](array_of(grad_output))
        return torch.tensor(gradient, dtype=x.dtype, device=x.device), None, None

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int, None, None], x: torch.Tensor, row: Activation, pulls: Any
    ) -> tuple[torch.Tensor, int]:
        whole = x.movedim(in_dims[0], 0)
        if row.elementwise:
            return _apply(whole, row, pulls), 0
        # its axis may be counted from the front, where the axis of vmap stands
        return torch.stack([_apply(part, row, []) for part in whole]), 0


def _apply(x: torch.Tensor, row: Activation, pulls: list[Pull]) -> torch.Tensor:
    """Return a row's value, through which autograd goes."""
    output: torch.Tensor = _ByNumpy.apply(x, row, pulls)  # type: ignore[no-untyped-call]
    return output


GATES: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "glu": torch.sigmoid,
    "reglu": nn.functional.relu,
    "geglu": nn.functional.gelu,
    "swiglu": nn.functional.silu,
}


class Gated(nn.Module):
    r"""A gated linear unit, :math:`a\,g(b)`, of the halves a and b of the last axis.

    Parameters
    ----------
    gate : str
        ``"reglu"``, ``"geglu"`` or ``"swiglu"`` :cite:p:`shazeer2020glu`; ``"glu"`` is
        ``torch.nn.GLU``.

    Raises
    ------
    KeyError
        If there is no such gate.
    ValueError
        In the forward pass, if the last axis cannot be halved.

    Notes
    -----
    As in ``torch.nn.GLU`` the second half is the gate. The functions of `course_lib.activations` of
    the same names do the same in NumPy.

    Examples
    --------
    >>> Gated("reglu")(torch.tensor([3.0, 5.0, -1.0, 2.0]))
    tensor([ 0., 10.])
    """

    def __init__(self, gate: str) -> None:
        super().__init__()
        check_choice("gate", gate, GATES)
        self.gate = gate

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return the first half times the gate of the second.

        Raises
        ------
        ValueError
            If the last axis cannot be halved.
        """
        a, b = _parts(input, 2).unbind(-2)
        return a * GATES[self.gate](b)

    def extra_repr(self) -> str:
        """Return the gate as it is passed."""
        return repr(self.gate)


class Maxout(nn.Module):
    """The largest of each group of inputs along the last axis.

    Parameters
    ----------
    pieces : int
        Inputs in a group. The last axis, of length n, is cut into that many parts, and output j is
        the largest of the entries j of all parts.

    Raises
    ------
    TypeError, ValueError
        If it is not an integer from 1 on; ValueError in the forward pass, if it does not divide
        the last axis.

    Notes
    -----
    Goodfellow et al., 2013 :cite:p:`goodfellow2013maxout`. Of several equal inputs one has the
    gradient: on a CPU the first, as in `course_lib.activations.maxout`.

    Examples
    --------
    >>> Maxout()(torch.tensor([1.0, 2.0, 3.0, 0.0]))
    tensor([3., 2.])
    """

    def __init__(self, pieces: int = 2) -> None:
        super().__init__()
        self.pieces = as_integer("pieces", pieces)
        if self.pieces < 1:
            raise ValueError(f"pieces is {pieces}; expected integers from 1 on")

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return the largest of each group.

        Raises
        ------
        ValueError
            If the pieces do not divide the last axis.
        """
        return _parts(input, self.pieces).max(dim=-2).values

    def extra_repr(self) -> str:
        """Return the number of pieces as it is passed."""
        return f"pieces={self.pieces}"


def _parts(x: torch.Tensor, pieces: int) -> torch.Tensor:
    """Cut the last axis: (..., n) -> (..., pieces, n / pieces)."""
    length = x.shape[-1] if x.ndim else 1
    if not x.ndim or length % pieces:
        raise ValueError(
            f"the input has shape {tuple(x.shape)}, whose last axis cannot be cut into {pieces} "
            f"equal parts"
        )
    return x.reshape(*x.shape[:-1], pieces, length // pieces)
