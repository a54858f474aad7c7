"""Make ``.venv`` and install the locked requirements and this package into it.

A second run with unchanged files does nothing and needs no network: the stamp in ``.venv`` holds
a digest of the files that decide what is installed. An interrupted run leaves no stamp. Only the
standard library is used, and only what an old Python 3 reads too, so that it can say what is wrong.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed"
DECIDING = ["requirements.txt", "requirements.lock", "pyproject.toml"]
OLDEST, NEWEST = (3, 11), (3, 13)


def digest(root):
    """Return what identifies an installation: the deciding files, and where the checkout lies."""
    found = hashlib.sha256(str(root).encode())
    for name in DECIDING:
        found.update((root / name).read_text(encoding="utf-8").encode())
    return found.hexdigest()


def unsupported(version):
    """Return a message if this Python cannot be used, else None."""
    if OLDEST <= tuple(version[:2]) <= NEWEST:
        return None
    return (
        "This is Python {}.{}; the course needs Python 3.11, 3.12 or 3.13.\n"
        "Name one of them, for example: make PYTHON=python3.13"
    ).format(*version[:2])


def python_of(venv):
    """Return the interpreter of a virtual environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def version_of(venv):
    """Return the version that a virtual environment was made with, or None."""
    try:
        lines = (venv / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    entries = dict(line.split(" = ", 1) for line in lines if " = " in line)
    numbers = entries.get("version", "").split(".")
    return tuple(int(number) for number in numbers[:2]) if len(numbers) > 1 else None


def installed(root, venv, stamp):
    """Tell whether the environment stands and holds what the files ask for."""
    if not (python_of(venv).exists() and stamp.exists()):
        return False
    return stamp.read_text(encoding="utf-8").strip() == digest(root)


def other_python(venv, version):
    """Return a message if the environment was made with another Python than this one, else None."""
    found = version_of(venv)
    if found is None or found == tuple(version[:2]):
        return None
    return (
        ".venv was made with Python {}.{}, and Python {}.{} was asked for.\n"
        "Remove the folder .venv first."
    ).format(*(found + tuple(version[:2])))


def install():
    """Install everything; the stamp comes last."""
    if STAMP.exists():
        STAMP.unlink()
    if not python_of(VENV).exists():
        print("Making .venv with Python {}.{}".format(*sys.version_info[:2]), flush=True)
        subprocess.check_call([sys.executable, "-m", "venv", str(VENV)])
    pip = [str(python_of(VENV)), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    print("Installing the locked requirements; the first time takes a few minutes", flush=True)
    subprocess.check_call([*pip, "-r", "requirements.txt"], cwd=str(ROOT))
    own = ["--no-deps", "--no-build-isolation", "-e", "."]
    subprocess.check_call([*pip, *own], cwd=str(ROOT))
    STAMP.write_text(digest(ROOT) + "\n", encoding="utf-8")


def main(arguments):
    """Install what is missing; return the exit status."""
    same = other_python(VENV, sys.version_info) if "--same-python" in arguments else None
    if same is None and installed(ROOT, VENV, STAMP):
        return 0
    problem = same or unsupported(sys.version_info)
    if problem:
        print(problem, file=sys.stderr)
        return 1
    try:
        install()
    except subprocess.CalledProcessError as error:
        message = f"Installing failed (exit status {error.returncode}); see above."
        print(message, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
