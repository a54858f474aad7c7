"""The environment in which notebooks run, the same for the cleaner and for the book."""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
IPYTHON = ROOT / "_build" / "ipython"


def pages_in(folder=None, suffix=".ipynb"):
    """Return the paths of the notebooks of the book, or of other pages, those in folders too.

    What begins with an underscore or a period is none: what is built, extensions, checkpoints.
    """
    folder = folder or BOOK
    inside = ((path, path.relative_to(folder)) for path in folder.rglob(f"*{suffix}"))
    return sorted(path for path, told in inside if not any(p[0] in "_." for p in told.parts))


def name_of(path, folder=None):
    """Return how a page is called below ``book/``, as claims and commands do: `parts/images`."""
    path, folder = Path(path).resolve(), Path(folder or BOOK).resolve()
    told = path.relative_to(folder) if path.is_relative_to(folder) else Path(path.name)
    return told.with_suffix("").as_posix()


def no_arguments(purpose):
    """End a program that is given arguments and knows none; ``--help`` tells what it is for."""
    argparse.ArgumentParser(description=purpose.splitlines()[0]).parse_args()


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


def share_cores(environ=os.environ):
    """Give each kernel one thread, where two chapters are executed at once.

    The threads of one kernel's matrix products wait for work with a core in their hands, and the
    other kernel needs it. A setting of the reader's own stays.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environ.setdefault(name, "1")


def draw_figures(environ=os.environ):
    """Make kernels give figures their vector forms for the site, too.

    They start with a file of their own for that, in a folder of settings that replaces the
    reader's.
    """
    startup = IPYTHON / "profile_default" / "startup" / "figures.py"
    text = "\n".join(
        [
            "import sys",
            f"sys.path.append({str(BOOK / '_ext')!r})",
            "import figure_forms",
            "figure_forms.install(get_ipython().display_formatter)",
            "del figure_forms, sys",
            "",
        ]
    )
    if not startup.exists() or startup.read_text(encoding="utf-8") != text:
        startup.parent.mkdir(parents=True, exist_ok=True)
        startup.write_text(text, encoding="utf-8")
    environ["IPYTHONDIR"] = str(IPYTHON)
