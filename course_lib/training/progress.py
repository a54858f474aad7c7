"""The progress bar of a training, where someone can see it."""

import importlib.util
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np

from course_lib._typing import PerReplica

__all__ = ["Bar", "advance", "progress_bar"]


class Bar(Protocol):
    """The methods of a tqdm bar that a training calls."""

    def set_postfix(self, *, refresh: bool, loss: str) -> None:
        """Show the loss."""

    def update(self) -> None:
        """Count an epoch."""


def progress_bar(
    total: int, wanted: bool, *, unit: str = "epoch", form: str | None = None
) -> AbstractContextManager[Any]:
    """Return a tqdm bar where someone can see it, and otherwise a context that does nothing."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    in_notebook = hasattr(shell, "kernel")
    # tqdm reads this variable too, but its bar for notebooks shows itself all the same
    silenced = os.environ.get("TQDM_DISABLE", "0") not in ("", "0")
    if silenced or not wanted or not (in_notebook or sys.stderr.isatty()):
        return nullcontext()
    if importlib.util.find_spec("tqdm") is None:
        return nullcontext()
    if in_notebook and importlib.util.find_spec("ipywidgets") is not None:
        from tqdm.notebook import tqdm
    else:
        from tqdm import tqdm
    options = {"total": total, "unit": unit, "leave": False, "bar_format": form}
    # tqdm has read the variable when it was imported, perhaps before it was changed
    bar: AbstractContextManager[Any] = tqdm(**options, disable=False)
    return bar


def advance(bar: Bar | None, loss: PerReplica | float) -> None:
    """Move the bar by one epoch and show its loss, averaged over replicas."""
    if bar is not None:
        bar.set_postfix(loss=f"{np.mean(loss):.3f}", refresh=False)
        bar.update()
