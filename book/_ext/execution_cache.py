"""Keep executed notebooks apart by what they were executed with.

jupyter-cache knows a notebook by its cells alone, so a page would keep stale results when the
library, a dependency or the drawing of figures changes. The cache therefore lies in a folder named
by a digest of these: a change there executes every chapter again, and a change in one chapter only
that chapter. Folders of other digests are removed.

Sphinx reads one page after another. So the chapters that have to be executed are executed before,
two at a time, and it finds them in the cache. One that fails is left to it, and to its report.

The tests of the chapters execute them as well. What passes there is kept here too, by
book/conftest.py, so that a build after the tests executes nothing.
"""

import hashlib
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from jupyter_cache.executors.utils import single_nb_execution

if TYPE_CHECKING:  # the tests of the chapters import this module without Sphinx
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

LIBRARY = "course_lib"
LOCK = "requirements.lock"
DRAWING = [Path(__file__).with_name(f"figure_{part}.py") for part in ("forms", "narrow", "labels")]
CACHES = Path("_build") / "execution_cache"
AT_ONCE = 2
PROGRESS = "progress: "
"""How a line begins that tools/build_book.py shows while the book is built."""


def files(root: Path) -> dict[str, Path]:
    """Return what decides the results of a notebook beside its cells, by name, in a fixed order."""
    library = (path for path in (root / LIBRARY).rglob("*") if path.is_file())
    own = [*sorted(path for path in library if "__pycache__" not in path.parts), root / LOCK]
    named = {path.relative_to(root).as_posix(): path for path in own}
    return named | {path.name: path for path in DRAWING}


def digest(root: Path) -> str:
    """Return a short digest of the library, the lock, the drawing and the Python that runs."""
    told = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for name, path in files(root).items():
        content = path.read_bytes()
        told.update(f"{name} {len(content)}\n".encode())
        told.update(content)
    return told.hexdigest()[:16]


def folder(root: Path) -> Path:
    """Return the folder of the cache that belongs to the library as it is now."""
    return root / CACHES / digest(root)


def prune(current: Path) -> None:
    """Remove the caches of other digests than that of a folder."""
    for path in current.parent.glob("*"):
        if path.is_dir() and path != current:
            shutil.rmtree(path)


def choose_cache(app: "Sphinx", config: "Config") -> None:
    """Point myst-nb to the cache of this digest; a new one makes Sphinx read every page anew."""
    cache = folder(Path(app.srcdir))
    prune(cache)
    config.nb_execution_cache_path = str(cache)


@contextmanager
def opened(path: Path | str) -> Iterator[JupyterCacheAbstract]:
    """Open the cache in a folder, which is made if it is missing, and close its database."""
    cache = get_cache(path)
    try:
        yield cache
    finally:
        cache.db.dispose()


def is_cached(cache: JupyterCacheAbstract, notebook: nbformat.NotebookNode) -> bool:
    """Return whether a cache holds a notebook with these cells, written to its end."""
    try:
        cache.get_cache_bundle(cache.match_cache_notebook(notebook).pk)
    except (KeyError, ValueError):
        return False
    return True


def keep(cache: JupyterCacheAbstract, bundle: CacheBundleIn) -> None:
    """Put an executed notebook into a cache."""
    cache.add_nb_to_project(bundle.uri)
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def bundled(path: Path | str, notebook: nbformat.NotebookNode, seconds: float) -> CacheBundleIn:
    """Return what a cache keeps of an executed notebook."""
    return CacheBundleIn(notebook, str(path), data={"execution_seconds": seconds})


def execute(path: Path, notebook: nbformat.NotebookNode, *, timeout: int) -> CacheBundleIn | None:
    """Execute a notebook; return what the cache keeps of it, or None if a cell raised.

    What a cell prints comes in pieces of chance size. They are joined here, as nbval joins them:
    myst-nb would end a line after each.
    """
    result = single_nb_execution(notebook, str(path.parent), timeout, False, coalesce_streams=True)
    return None if result.err else bundled(path, notebook, result.time)


def with_outputs(
    notebook: nbformat.NotebookNode, outputs: list[list[nbformat.NotebookNode]]
) -> nbformat.NotebookNode:
    """Return a notebook with other outputs of its code cells, which are counted from 1."""
    executed = deepcopy(notebook)
    cells = [cell for cell in executed.cells if cell.cell_type == "code"]
    for count, (cell, own) in enumerate(zip(cells, outputs, strict=True), start=1):
        cell.execution_count = count
        cell.outputs = deepcopy(own)
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return executed


def tell(place: str, path: Path, what: str) -> None:
    """Say what became of a chapter."""
    print(f"{PROGRESS}{place} {path.stem}: {what}", flush=True)


def execute_before(app: "Sphinx", env: "BuildEnvironment", docnames: list[str]) -> None:
    """Execute those of the pages to be read that are notebooks and not in the cache."""
    if app.config.nb_execution_mode != "cache":
        return
    paths = [Path(env.doc2path(name)) for name in docnames]
    notebooks = {path: nbformat.read(path, 4) for path in paths if path.suffix == ".ipynb"}
    places = (f"{place}/{len(notebooks)}" for place in range(1, len(notebooks) + 1))
    with opened(app.config.nb_execution_cache_path) as cache:
        missing = [path for path, notebook in notebooks.items() if not is_cached(cache, notebook)]
        for path in notebooks:
            if path not in missing:
                tell(next(places), path, "from the cache")
        missing.sort(key=lambda path: -path.stat().st_size)  # the longest first
        run = partial(execute, timeout=app.config.nb_execution_timeout)
        with ProcessPoolExecutor(AT_ONCE, get_context("spawn")) as pool:
            executed = pool.map(run, missing, [notebooks[path] for path in missing])
            for path, bundle in zip(missing, executed, strict=True):
                if bundle is None:
                    tell(next(places), path, "a cell failed; its report follows below")
                else:
                    tell(next(places), path, f"{bundle.data['execution_seconds']:.0f} s, executed")
                    keep(cache, bundle)


def setup(app: "Sphinx") -> dict[str, bool]:
    """Register the extension."""
    app.connect("config-inited", choose_cache)
    app.connect("env-before-read-docs", execute_before)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
