"""What a comparison found: a line for each layer, and one for each output."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["LayerReport", "NetworkReport"]


@dataclass(frozen=True)
class LayerReport:
    """How far two versions of one layer, or the outputs of two networks, are apart.

    Attributes
    ----------
    layer, other : str
        Their names; layers that the other version has merged into one are joined by ``" + "``.
    kind : str
        Of the layer.
    shape : tuple of int
        Of the output.
    difference : float
        The largest absolute difference; infinite where one has a NaN and the other has none.
    place : tuple of int
        Where that is, in the output.
    tolerance : float
        What rounding may do, by the dtype; see `compare`.
    cause : str
        What explains a difference above the tolerance, in words.
    known : tuple of str
        The names of the differences in `DIFFERENCES` that do.
    """

    layer: str
    other: str
    kind: str
    shape: tuple[int, ...]
    difference: float
    place: tuple[int, ...]
    tolerance: float
    cause: str = ""
    known: tuple[str, ...] = ()

    @property
    def units(self) -> float:
        """The difference in units of the tolerance."""
        return self.difference / self.tolerance

    @property
    def parts(self) -> bool:
        """Whether the difference is above the tolerance."""
        return not self.difference <= self.tolerance


@dataclass(frozen=True)
class NetworkReport:
    """How far two versions of a network are apart: each layer on its own, and end to end.

    Attributes
    ----------
    model, other : str
        What was compared, in words.
    layers : tuple of LayerReport
        In the order of the forward pass, each for the inputs that the layer has in one version;
        empty where the layers of a version cannot be seen.
    outputs : tuple of LayerReport
        One for each output, end to end.
    """

    model: str
    other: str
    layers: tuple[LayerReport, ...]
    outputs: tuple[LayerReport, ...]

    @property
    def agrees(self) -> bool:
        """Whether no layer and no output parts."""
        return not any(row.parts for row in (*self.layers, *self.outputs))

    @property
    def first(self) -> LayerReport | None:
        """The first layer that parts, or None."""
        return next((row for row in self.layers if row.parts), None)

    @property
    def known(self) -> tuple[str, ...]:
        """The names of the known differences that fit, each once."""
        rows = (*self.layers, *self.outputs)
        return tuple(dict.fromkeys(name for row in rows for name in row.known))

    def __str__(self) -> str:
        """Return a table: a line for each layer and output, and the causes below it."""
        cells = [_HEAD, *map(_cells, (*self.layers, *self.outputs))]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [_line(row, widths) for row in cells]
        return "\n".join([*lines, *self._told()])

    def _repr_html_(self) -> str:
        """Return the table as HTML."""

        def row(cells: Sequence[str], tag: str) -> str:
            return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)

        body = "".join(
            f"<tr>{row(_cells(line), 'td')}</tr>" for line in (*self.layers, *self.outputs)
        )
        told = "".join(f"<p>{html.escape(line)}</p>" for line in self._told())
        return (
            f"<table><thead><tr>{row(_HEAD, 'th')}</tr></thead><tbody>{body}</tbody></table>{told}"
        )

    def _told(self) -> list[str]:
        """Return a sentence for each layer that parts, or one that says that none does."""
        if self.agrees:
            seen = "Every layer agrees" if self.layers else "The outputs agree"
            return [f"{seen} to rounding: {self.model} and {self.other}."]
        rows = [row for row in (*self.layers, *self.outputs) if row.parts]
        return [f"{row.layer} parts: {row.cause}." for row in rows]


_HEAD = ("layer", "other", "shape", "difference", "at", "tolerances", "")


def _cells(row: LayerReport) -> tuple[str, ...]:
    """Return the cells of a line."""
    return (
        row.layer,
        row.other,
        " x ".join(map(str, row.shape)),
        f"{row.difference:.1e}",
        str(list(row.place)) if row.difference else "",
        f"{row.units:.2g}",
        "parts" if row.parts else "",
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return a line of the table: names to the left, numbers to the right."""
    shown = [
        cell.rjust(width) if i in (3, 5) else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(shown).rstrip()
