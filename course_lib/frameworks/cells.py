"""What recurrent layers and norms of other frameworks answer, as it was measured.

As in `atlas`, a program that knows nothing of this course asked each home, in an environment of its
own. Its answers were held against equations written out in NumPy, and are stored with versions,
date and machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from course_lib.frameworks.answers import Answers, about, chosen

__all__ = ["CellAnswer", "CellAnswers", "cell_homes", "cells"]

_PARTS = {"y": "outputs", "h": "last state", "c": "last cell state"}


@dataclass(frozen=True)
class CellAnswer:
    """What one home answers to one question about recurrent cells or normalization.

    Attributes
    ----------
    home : str
        Such as ``"torch_cells"``.
    question : str
        Such as ``"lstm lengths"`` or ``"layer norm at mean 4096"``.
    details : mapping of str to object
        Of outputs (``"y"``) and last states (``"h"``, ``"c"``) a mapping each: ``is``, which of the
        known answers it is, ``instead of``, what was asked for if it is not that, and
        ``difference``, the largest one from it. Of a default epsilon ``epsilon`` and ``is``:
        ``"inside"`` or ``"outside"`` of the root. Of running statistics after one batch ``mean``,
        ``variance``, the ``fraction`` of the new ones, and ``is``: ``"biased"`` or ``"unbiased"``.
        Of initial weights ``recurrent``, ``input`` and the ``bias`` of each gate. Or ``error``, why
        the home does not answer.
    """

    home: str
    question: str
    details: Mapping[str, Any]

    @property
    def refused(self) -> bool:
        """Whether the home has no answer."""
        return "error" in self.details

    @property
    def told(self) -> str:
        """The answer in words."""
        found = self.details
        if self.refused:
            return f"refused: {found['error']}"
        if "epsilon" in found:
            place = {"inside": "inside the root", "outside": "outside the root"}.get(found["is"])
            return f"{found['epsilon']:g} {place}" if place else str(found["is"])
        if "variance" in found:
            values = ", ".join(f"{value:g}" for value in found["variance"])
            return f"{found['is']}: variance {values}, fraction {found['fraction']:g}"
        if "recurrent" in found:
            return _initial(found)
        return "; ".join(
            f"{_PARTS[part]} {_part(each)}"
            for part, each in found.items()
            if isinstance(each, dict)
        ) or str(found["is"])


def _part(found: Mapping[str, Any]) -> str:
    """Return what is told of outputs or of a state."""
    if "count" in found:
        return f"not finite at {found['count']} of {found['of']}"
    size = f" ({found['difference']:g})" if "difference" in found else ""
    return f"{found['is']}{size}"


def _initial(found: Mapping[str, Any]) -> str:
    """Return what is told of initial weights."""
    recurrent, inputs = found["recurrent"], found["input"]
    told = (
        f"recurrent {recurrent['is']}, units times variance "
        f"{recurrent['units times variance']:g}; input {inputs['is']}, fan-in times variance "
        f"{inputs['fan-in times variance']:g}"
    )
    bias = ", ".join(f"{b:g}" if isinstance(b, float) else b for b in found.get("bias", ()))
    return f"{told}; bias {bias}" if bias else told


class CellAnswers(Answers[CellAnswer]):
    """Answers of homes, printed as a table.

    Attributes
    ----------
    rows : tuple of CellAnswer
        In the order of the questions, then of the homes.
    """


def cell_homes() -> dict[str, dict[str, Any]]:
    """Return which homes were asked about recurrent cells and normalization, when and where.

    Returns
    -------
    dict of str to dict
        For each home its ``versions``, ``python``, ``date``, ``machine`` and ``setup``, what a
        reader imports; or ``failed``, why it does not install or run.

    Examples
    --------
    >>> cell_homes()["torch_cells"]["versions"]
    {'torch': '2.13.0+cpu'}
    """
    return about("cells")


def cells(question: str | None = None, *, home: str | None = None) -> CellAnswers:
    """Return what recurrent layers and norms of other frameworks answer.

    Parameters
    ----------
    question : str, optional
        Such as ``"gru reset"``: of ``rnn``, ``lstm`` and ``gru`` and of layer, batch, group,
        instance and RMS norm. All without it.
    home : str, optional
        One of `cell_homes`. All without it.

    Returns
    -------
    CellAnswers
        The answers; printed, a table.

    Raises
    ------
    KeyError
        If there is no such question or home.

    Examples
    --------
    >>> print(cells("gru reset", home="keras_torch_cells"))
    gru reset  keras_torch_cells  outputs after
    >>> print(cells("rms norm epsilon", home="torch_cells"))
    rms norm epsilon  torch_cells  1.19e-07 inside the root
    """
    return CellAnswers(chosen("cells", question, home, CellAnswer))
