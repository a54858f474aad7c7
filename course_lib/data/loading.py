"""One name for each data set, and the whole of it on request."""

from collections.abc import Callable
from typing import Any, NamedTuple

from course_lib._checks import as_flag, check_choice
from course_lib.data import images, speech, texts
from course_lib.data.fetching import File, folder, in_megabytes, is_there

__all__ = ["DATASETS", "Dataset", "listed", "load"]


class Dataset(NamedTuple):
    """What there is of a data set."""

    content: str
    bundled: Callable[[], Any] | None
    """Returns what comes with the package, if anything does."""
    full: Callable[[], Any] | None = None
    """Returns what is fetched on request, if there is more."""
    files: tuple[File, ...] = ()
    """What is fetched for it."""

    @property
    def size(self) -> int:
        """Bytes to fetch."""
        return sum(file.size for file in self.files)


DATASETS = {
    "mnist": Dataset(
        "handwritten digits: 5,000, in full 70,000", images.mnist, images.full_mnist, images.MNIST
    ),
    "fashion_mnist": Dataset(
        "images of clothes: 6,000, in full 70,000",
        images.fashion_mnist,
        images.full_fashion_mnist,
        images.FASHION_MNIST,
    ),
    "names": Dataset(
        "first names: 5,163, in full 29,494 others", texts.names, texts.full_names, (texts.NAMES,)
    ),
    "poems": Dataset("313 poems of the Tang dynasty", texts.poems),
    "vowels": Dataset("640 utterances of Japanese vowels, as cepstra", speech.vowels),
    "spoken_digits": Dataset(
        "3,000 recordings of digits", None, speech.spoken_digits, (speech.RECORDINGS,)
    ),
    "shakespeare": Dataset(
        "plays of Shakespeare, a million characters", None, texts.shakespeare, (texts.SHAKESPEARE,)
    ),
}
"""What `load` knows, by name."""


def load(name: str, *, full: bool = False) -> Any:
    """Return a data set: what comes with the package, or the whole of it.

    Parameters
    ----------
    name : str
        ``"mnist"``, ``"fashion_mnist"`` (`Images`), ``"names"`` (a tuple of str), ``"poems"`` (a
        tuple of `Poem`), ``"vowels"`` (`Vowels`), ``"spoken_digits"`` (`SpokenDigits`) or
        ``"shakespeare"`` (a str).
    full : bool
        Fetch the whole data set if it is not there yet: once, into the folder that the environment
        variable ``COURSE_LIB_DATA`` names, or that of this platform for caches. Needs the extra
        ``data``.

    Returns
    -------
    Images, tuple, Vowels, SpokenDigits or str
        The data.

    Raises
    ------
    KeyError
        If there is no data set of that name.
    ValueError
        If it does not come with the package and `full` is not set, or there is no more of it than
        comes with the package and `full` is set.
    TypeError
        If `full` is not True or False.
    ConnectionError
        If no mirror has a file; the message tells the file, its size, and where it can be put by
        hand.
    OSError
        If the folder cannot be written.
    DataError
        If a bundled file is damaged. Fetched files that are damaged are fetched again.
    ModuleNotFoundError
        If what fetches is not installed; the message says how to install it.

    Notes
    -----
    Several mirrors are tried in order. A file counts once the SHA-256 of its content is right;
    until then it has another name, so that nothing is lost where a process is interrupted, and two
    may ask at once.

    Examples
    --------
    >>> load("mnist").x_train.shape
    (4000, 28, 28)
    >>> load("names")[:2]
    ('james', 'john')
    """
    check_choice("data set", name, DATASETS)
    dataset = DATASETS[name]
    if as_flag("full", full):
        if dataset.full is None:
            raise ValueError(f"all of {name} comes with the package; leave out full=True")
        return dataset.full()
    if dataset.bundled is None:
        raise ValueError(
            f"{name} does not come with the package; load({name!r}, full=True) fetches it "
            f"({in_megabytes(dataset.size)}) into {folder()}, unless it is there"
        )
    return dataset.bundled()


def listed() -> list[str]:
    """Return a line for each data set: what it is, and what of it is here.

    Returns
    -------
    list of str
        The lines, and where what is fetched is kept.

    Raises
    ------
    ModuleNotFoundError
        As `folder`.
    """
    lines = [
        f"{name:14} {dataset.content:46} {_state(name, dataset)}"
        for name, dataset in DATASETS.items()
    ]
    return [*lines, f"What is fetched is kept in {folder()}"]


def _state(name: str, dataset: Dataset) -> str:
    """Return what of a data set is here, and what can be fetched."""
    parts = ["comes with the package"] if dataset.bundled else []
    if dataset.files:
        missing = sum(file.size for file in dataset.files if not is_there(name, file))
        parts.append(f"fetching takes {in_megabytes(missing)}" if missing else "all of it is there")
    return "; ".join(parts)
