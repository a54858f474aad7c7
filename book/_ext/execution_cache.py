"""Keep executed notebooks apart by what they were executed with.

jupyter-cache knows a notebook by its cells alone, so a page would keep stale results when the
library or a dependency changes. The cache therefore lies in a folder named by a digest of both: a
change there executes every chapter again, and a change in one chapter only that chapter. Folders
of other digests are removed.

Sphinx reads one page after another. So the chapters that have to be executed are executed before,
two at a time, and it finds them in the cache. One that fails is left to it, and to its report.
"""

import hashlib
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from jupyter_cache.executors.utils import single_nb_execution
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

LIBRARY = "course_lib"
LOCK = "requirements.lock"
CACHES = Path("_build") / "execution_cache"
AT_ONCE = 2


def files(root: Path) -> list[Path]:
    """Return what decides the results of a notebook beside its cells, in a fixed order."""
    library = (path for path in (root / LIBRARY).rglob("*") if path.is_file())
    return [*sorted(path for path in library if "__pycache__" not in path.parts), root / LOCK]


def digest(root: Path) -> str:
    """Return a short digest of the library, the lock and the Python that runs."""
    told = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for path in files(root):
        content = path.read_bytes()
        told.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        told.update(content)
    return told.hexdigest()[:16]


def prune(caches: Path, keep: str) -> None:
    """Remove the caches of other digests."""
    for path in caches.glob("*"):
        if path.is_dir() and path.name != keep:
            shutil.rmtree(path)


def choose_cache(app: Sphinx, config: Config) -> None:
    """Point myst-nb to the cache of this digest; a new one makes Sphinx read every page anew."""
    root = Path(app.srcdir)
    name = digest(root)
    prune(root / CACHES, name)
    config.nb_execution_cache_path = str(root / CACHES / name)


def is_cached(cache: JupyterCacheAbstract, notebook: nbformat.NotebookNode) -> bool:
    """Return whether a cache holds a notebook with these cells."""
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True


def execute(path: Path, notebook: nbformat.NotebookNode, *, timeout: int) -> CacheBundleIn | None:
    """Execute a notebook; return what the cache keeps of it, or None if a cell raised."""
    result = single_nb_execution(notebook, str(path.parent), timeout, False)
    if result.err is not None:
        return None
    return CacheBundleIn(notebook, str(path), data={"execution_seconds": result.time})


def execute_before(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Execute those of the pages to be read that are notebooks and not in the cache."""
    paths = [Path(env.doc2path(name)) for name in docnames]
    notebooks = {path: nbformat.read(path, 4) for path in paths if path.suffix == ".ipynb"}
    cache = get_cache(app.config.nb_execution_cache_path)
    missing = [path for path, notebook in notebooks.items() if not is_cached(cache, notebook)]
    missing.sort(key=lambda path: -path.stat().st_size)  # the longest first
    run = partial(execute, timeout=app.config.nb_execution_timeout)
    with ProcessPoolExecutor(AT_ONCE, get_context("spawn")) as pool:
        executed = list(pool.map(run, missing, [notebooks[path] for path in missing]))
    for path, bundle in zip(missing, executed, strict=True):
        if bundle is not None:
            cache.add_nb_to_project(str(path))
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("config-inited", choose_cache)
    app.connect("env-before-read-docs", execute_before)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
