"""Notebooks elsewhere: where they can be opened, and how they get the library there.

A notebook that is downloaded from the site begins with a cell that says how to get the library. So
does, where ``_config.yml`` names a repository, every notebook in it, because Colab and Binder open
those; ``tools/install_cells.py`` puts the cells there.
"""

import json
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import nbformat
import yaml

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
GITHUB = "https://github.com/"
CELL = "install"
"""The id of the cell that gets the library."""
PACKAGE = "why-networks-bend[data,plots,stats,sweeps,torch]"
OTHERS = "mpmath onnx onnxruntime onnxscript"
"""What chapters need besides; the extra `frameworks` would bring TensorFlow, too."""
WITHOUT = """\
# This notebook imports the library of the course, course_lib. Where `make lab` opened it,
# there is nothing to do. Elsewhere, first install the library from a checkout of the course:
# %pip install "{place}" {others}"""
WITH = """\
# Get the library of the course where it is not installed, as on Colab and Binder.
try:
    import course_lib  # noqa: F401
except ImportError:
    %pip install --quiet "{package} @ git+{url}@{branch}" {others}"""


class Repository(NamedTuple):
    """Where the course is kept; an empty address is none."""

    url: str
    branch: str

    @property
    def on_github(self) -> str:
        """Return owner and name, or nothing if the repository is elsewhere."""
        return self.url.removeprefix(GITHUB) if self.url.startswith(GITHUB) else ""


def repository(root: Path = ROOT) -> Repository:
    """Return the repository that the settings name."""
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    told = settings.get("repository") or {}
    url = str(told.get("url") or "").rstrip("/").removesuffix(".git")
    return Repository(url, str(told.get("branch") or "main"))


def launches(where: Repository, notebook: str) -> dict[str, str]:
    """Return the addresses at which others run a notebook, by their names."""
    if not (where.on_github and notebook):
        return {}
    place = f"{where.on_github}/blob/{where.branch}/{notebook}"
    inside = quote(f"lab/tree/{notebook}", safe="")
    opened = f"{where.on_github}/{where.branch}?urlpath={inside}"
    return {
        "Colab": f"https://colab.research.google.com/github/{place}",
        "Binder": f"https://mybinder.org/v2/gh/{opened}",
    }


def source(where: Repository) -> str:
    """Return the code that gets the library, or says how."""
    if where.url:
        return WITH.format(package=PACKAGE, others=OTHERS, url=where.url, branch=where.branch)
    place = PACKAGE.replace("why-networks-bend", "path/to/the/checkout")
    return WITHOUT.format(place=place, others=OTHERS)


def install_cell(where: Repository) -> nbformat.NotebookNode:
    """Return the cell; the site does not show it."""
    metadata = {"tags": ["remove-cell"]}
    return nbformat.v4.new_code_cell(source(where), id=CELL, metadata=metadata)


def without_cell(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a copy of a notebook without the cell."""
    bare = deepcopy(notebook)
    bare.cells = [cell for cell in bare.cells if cell.get("id") != CELL]
    return bare


def downloaded(notebook: nbformat.NotebookNode, where: Repository) -> nbformat.NotebookNode:
    """Return a notebook as a reader gets it: the cell is its first."""
    found = without_cell(notebook)
    found.cells.insert(0, install_cell(where))
    return found


def kept(notebook: nbformat.NotebookNode, where: Repository) -> nbformat.NotebookNode:
    """Return a notebook as the repository has it: the cell follows the title, or is left out."""
    found = without_cell(notebook)
    if where.url:
        found.cells.insert(1, install_cell(where))
    return found


def as_script(text: str) -> str:
    """Return a classic script that hands text to its page.

    Browsers let no page read a file beside it, and show a notebook that a link in a folder names
    instead of saving it; a script they run.
    """
    return f"window.courseNotebook = {json.dumps(text)};\n"


def prepare_downloads(app: "Sphinx", exception: Exception | None) -> None:
    """Give the notebooks that the site offers their first cell."""
    if exception is not None:
        return
    where = repository(Path(app.srcdir))
    for path in sorted((Path(app.outdir) / "_sources").rglob("*.ipynb")):
        text = nbformat.writes(downloaded(nbformat.read(path, 4), where)) + "\n"
        path.write_text(text, encoding="utf-8")
        path.with_name(f"{path.name}.js").write_text(as_script(text), encoding="utf-8")


def setup(app: "Sphinx") -> dict[str, bool]:
    """Register the extension."""
    app.connect("build-finished", prepare_downloads)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
