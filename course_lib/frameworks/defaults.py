"""What layers, dropout, optimizers and losses of other frameworks do by default, as measured.

As in `atlas`, a program that knows nothing of this course asked each home, in an environment of its
own. Answers are stored with versions, date and machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from course_lib.frameworks.answers import Answers, about, chosen

__all__ = ["DefaultAnswer", "DefaultAnswers", "default_homes", "defaults"]


@dataclass(frozen=True)
class DefaultAnswer:
    """What one home answers to one question about its defaults.

    Attributes
    ----------
    home : str
        Such as ``"torch_defaults"``.
    question : str
        Such as ``"dense initial weights, 784 to 256"`` or ``"adam"``.
    details : mapping of str to object
        Of initial weights ``is``, their distribution, ``fan-in times variance``, ``largest`` and
        ``rule``, the variance that this is. Of dropout the fraction ``dropped`` and the ``factor``
        of the others; of alpha dropout ``mean`` and ``deviation``. Of two masks or layers ``is``,
        ``"equal"`` or ``"different"``, and the ``fraction`` of numbers that differ. Of Adam's first
        ``steps`` for the gradients 1, -2, 0.001, 1e-7 and 0 also the ``epsilon`` that explains
        them. Of AdamW its ``decay``; of label smoothing ``is``, over which classes, and the
        ``target`` of the true one; of others ``numbers``. Or ``error``, why there is no answer.
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
        if "numbers" in found:
            return ", ".join(map(_shown, found["numbers"]))
        if "steps" in found:
            return f"epsilon {found['epsilon']:g}; steps {', '.join(map(_shown, found['steps']))}"
        names = (name for name in found if name not in ("is", "largest"))
        parts = [found["is"]] if "is" in found else []
        return ", ".join([*parts, *(f"{name} {_shown(found[name])}" for name in names)])


def _shown(value: float | str) -> str:
    """Return a figure, or the word for what is none."""
    return value if isinstance(value, str) else f"{value:g}"


class DefaultAnswers(Answers[DefaultAnswer]):
    """Answers of homes, printed as a table.

    Attributes
    ----------
    rows : tuple of DefaultAnswer
        In the order of the questions, then of the homes.
    """


def default_homes() -> dict[str, dict[str, Any]]:
    """Return which homes were asked about their defaults, when and where.

    Returns
    -------
    dict of str to dict
        For each home its ``versions``, ``python``, ``date``, ``machine`` and ``setup``, what a
        reader imports; or ``failed``, why it does not install or run.

    Examples
    --------
    >>> default_homes()["torch_defaults"]["versions"]
    {'torch': '2.13.0+cpu'}
    """
    return about("defaults")


def defaults(question: str | None = None, *, home: str | None = None) -> DefaultAnswers:
    """Return what layers, dropout, optimizers and losses of other frameworks do by default.

    Parameters
    ----------
    question : str, optional
        Such as ``"dropout 0.2"``, ``"adam"`` or ``"label smoothing"``. All without it.
    home : str, optional
        One of `default_homes`. All without it.

    Returns
    -------
    DefaultAnswers
        The answers; printed, a table.

    Raises
    ------
    KeyError
        If there is no such question or home.

    Examples
    --------
    >>> print(defaults("adamw decay", home="torch_defaults"))
    adamw decay  torch_defaults  decay 0.01
    """
    return DefaultAnswers(chosen("defaults", question, home, DefaultAnswer))
