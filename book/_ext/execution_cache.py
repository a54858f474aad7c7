"""Keep executed notebooks apart by what they were executed with.

jupyter-cache knows a notebook by its cells alone, so a page would keep stale results when the
library or a dependency changes. The cache therefore lies in a folder named by a digest of both: a
change there executes every chapter again, and a change in one chapter only that chapter. Folders
of other digests are removed.
"""

import hashlib
import shutil
import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

LIBRARY = "course_lib"
LOCK = "requirements.lock"
CACHES = Path("_build") / "execution_cache"


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


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("config-inited", choose_cache)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
