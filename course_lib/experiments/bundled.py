"""The records of the experiments that are too long for a page of the book."""

from importlib.resources import as_file, files

from course_lib._checks import check_choice
from course_lib.experiments.records import Records
from course_lib.experiments.storing import read_records

__all__ = ["stored", "stored_names"]

ENDING = ".parquet"


def stored(name: str) -> Records:
    """Return the records of a study, which come with the package.

    Parameters
    ----------
    name : str
        Such as ``"trainable_depth"``: ``make study NAME=trainable_depth``, run from the top of the
        repository, makes its records anew.

    Returns
    -------
    Records
        One row for each configuration, phase, tuned value and seed. Each row says with which
        version, commit, machine and date it was made, and with which settings.

    Raises
    ------
    KeyError
        If there are no records of that name.
    ModuleNotFoundError
        If pyarrow is missing.

    Examples
    --------
    >>> stored("propagation_cost").distinct("batch")
    [64, 1, 4, 16, 256]
    """
    check_choice("stored records", name, stored_names())
    with as_file(files("course_lib").joinpath("bundled", "results", name + ENDING)) as path:
        return read_records(path)


def stored_names() -> list[str]:
    """Return the names of all studies whose records come with the package.

    Examples
    --------
    >>> "propagation_cost" in stored_names()
    True
    """
    folder = files("course_lib").joinpath("bundled", "results")
    found = (entry.name for entry in folder.iterdir())
    return sorted(name.removesuffix(ENDING) for name in found if name.endswith(ENDING))
