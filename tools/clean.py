"""Remove everything that was built or cached, but not the virtual environment."""

import shutil
from pathlib import Path

from environment import no_arguments

ROOT = Path(__file__).resolve().parent.parent
BUILT = ["_build", "build", "htmlcov", ".coverage", ".hypothesis", ".mypy_cache", ".pytest_cache"]
BUILT += [".ruff_cache", "why_networks_bend.egg-info"]


def remove(path):
    """Remove a file or a folder; what does not exist is fine."""
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()


if __name__ == "__main__":
    no_arguments(__doc__)
    for name in BUILT:
        remove(ROOT / name)
