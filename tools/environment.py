"""The environment in which notebooks run, the same for the cleaner and for the book."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"


def prepare(environ=os.environ):
    """Make kernels run this very Python, without progress bars and with figures shown inline.

    A kernel of the same name in the reader's home folder, or a plotting backend set in their
    shell, would otherwise win.
    """
    own = str(Path(sys.prefix) / "share" / "jupyter")
    paths = [path for path in environ.get("JUPYTER_PATH", "").split(os.pathsep) if path]
    if own not in paths[:1]:
        environ["JUPYTER_PATH"] = os.pathsep.join([own, *paths])
    environ["TQDM_DISABLE"] = "1"
    environ.pop("MPLBACKEND", None)
    # Python 3.11 and 3.12 warn on stderr when the debugger meets frozen modules.
    environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
