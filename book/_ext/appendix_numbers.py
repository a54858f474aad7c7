"""Number the figures and exercises of each appendix from 1.

Sphinx numbers what stands outside numbered chapters through the whole book, so that the first
figure of an appendix could be the third.
"""

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

Numbers = dict[str, tuple[int, ...]]


def from_one(numbers: Numbers) -> Numbers:
    """Return the numbers of a page counted from 1, if no chapter's number stands before them."""
    if any(len(number) != 1 for number in numbers.values()):
        return numbers
    ordered = sorted(numbers, key=lambda name: numbers[name])
    return {name: (i,) for i, name in enumerate(ordered, 1)}


def restart(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Number each page that has no number of its own from 1."""
    for kinds in env.toc_fignumbers.values():
        for kind, numbers in kinds.items():
            kinds[kind] = from_one(numbers)
    return []


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("env-get-updated", restart, priority=900)  # after Sphinx has numbered
    return {"parallel_read_safe": True, "parallel_write_safe": True}
