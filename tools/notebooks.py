"""Execute the chapters and clean them, or check that they are as this program leaves them.

A clean notebook holds its text outputs and no image data, counts its cells from 1, and carries no
trace of the machine or the day it ran on, so that a difference under version control is always one
that somebody made.
"""

import argparse
import hashlib
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from environment import name_of, pages_in, prepare
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from notebook_checks import problems

ANSI = re.compile(r"\x1b\[[0-9;]*m")
TIMEOUT = 300  # seconds for one cell
FAILURES = (CellExecutionError, CellTimeoutError, DeadKernelError)
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}
KEPT_NOTEBOOK_METADATA = ["mystnb"]
KEPT_CELL_METADATA = ["mystnb", "tags"]
FOLDED = "hide-input"  # the tag of cells whose code the site folds
GATE = re.compile(r"^(?:`{3,}|:{3,})\{solution-(start|end)\}", re.MULTILINE)
DROPPED_MIME = ("image/", "application/vnd.jupyter.widget")


def trimmed(source):
    """Return the source without white space at the ends of lines and of the whole."""
    return "\n".join(line.rstrip() for line in source.splitlines()).strip("\n")


def unique_ids(cells):
    """Return an id for every cell: its own, or one made from its source where that is missing."""
    seen, ids = set(), []
    for index, cell in enumerate(cells):
        name = cell.get("id")
        if not name or name in seen:
            name = hashlib.sha256(f"{index} {cell['source']}".encode()).hexdigest()[:8]
        seen.add(name)
        ids.append(name)
    return ids


def folded(cells):
    """Return the cells in a form in which JupyterLab folds what the site folds.

    It folds the text in the cell where a solution begins, which the text after it therefore joins,
    and code cells whose metadata say so.
    """
    result, solving = [], False
    for cell in cells:
        if cell["cell_type"] == "markdown":
            gates = GATE.findall(cell["source"])
            if solving and not gates and result[-1]["cell_type"] == "markdown":
                result[-1]["source"] += "\n\n" + cell["source"]
                continue
            solving = gates[-1] == "start" if gates else solving
        elif solving:
            cell["metadata"]["jupyter"] = {"outputs_hidden": True, "source_hidden": True}
        elif FOLDED in cell["metadata"].get("tags", []):
            cell["metadata"]["jupyter"] = {"source_hidden": True}
        result.append(cell)
    return result


def clean_output(output):
    """Return an output without images, widgets and its metadata."""
    if output["output_type"] in ("display_data", "execute_result"):
        kept = {k: v for k, v in output["data"].items() if not k.startswith(DROPPED_MIME)}
        return nbformat.from_dict({**output, "data": kept, "metadata": {}})
    return output


def merged(outputs):
    """Join neighboring pieces of the same stream, which arrive in pieces of chance size."""
    result = []
    for output in outputs:
        last = result[-1] if result else {}
        both = {last.get("output_type"), output["output_type"]} == {"stream"}
        if both and last["name"] == output["name"]:
            last["text"] += output["text"]
        else:
            result.append(nbformat.from_dict(dict(output)))
    return result


def clean(notebook):
    """Return a clean copy of an executed notebook."""
    cells = [dict(cell, source=trimmed(cell["source"])) for cell in notebook["cells"]]
    cells = [cell for cell in cells if cell["source"]]
    for cell in cells:
        cell["metadata"] = {k: v for k, v in cell["metadata"].items() if k in KEPT_CELL_METADATA}
    cells = folded(cells)
    count = 0
    for cell, name in zip(cells, unique_ids(cells), strict=True):
        cell["id"] = name
        cell.pop("attachments", None)
        if cell["cell_type"] != "code":
            continue
        cell["outputs"] = merged(clean_output(output) for output in cell["outputs"])
        if cell["execution_count"] is not None:
            count += 1
            cell["execution_count"] = count
            for output in cell["outputs"]:
                if output["output_type"] == "execute_result":
                    output["execution_count"] = count
    kept = {k: v for k, v in notebook["metadata"].items() if k in KEPT_NOTEBOOK_METADATA}
    metadata = {**kept, "kernelspec": KERNELSPEC, "language_info": LANGUAGE}
    return nbformat.from_dict(
        {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    )


def read(path):
    """Return the notebook in a file."""
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)


def text_of(notebook):
    """Return what the file of a notebook holds."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def write(path, text):
    """Write a file as a whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(name, path.stat().st_mode if path.exists() else 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def execute(notebook, folder, **hooks):
    """Return the notebook with fresh outputs; a cell that raises ends it.

    It runs in a folder: its own, as in the tests and when the book is built. The hooks are
    nbclient's, such as ``on_cell_executed``.
    """
    fresh = nbformat.from_dict(notebook)
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(
        fresh,
        timeout=TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        resources=where,
        **hooks,
    ).execute()
    return fresh


def update(path):
    """Execute and clean one notebook in place; return whether that went well."""
    start = time.perf_counter()
    try:
        fresh = execute(read(path), path.parent)
    except FAILURES as error:
        message = ANSI.sub("", str(error))
        print(f"{name_of(path)}: not written, because a cell failed:\n{message}", file=sys.stderr)
        return False
    write(path, text_of(clean(fresh)))
    print(f"{name_of(path)}: {time.perf_counter() - start:.0f} s", flush=True)
    return True


def check(path):
    """Return what is wrong with a notebook as it is stored."""
    notebook = read(path)
    found = problems(notebook, name_of(path))
    if text_of(clean(notebook)) != path.read_text(encoding="utf-8"):
        found.append("is not clean")
    return found


def main():
    """Run or check the notebooks that are named, or all; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, tell what is wrong")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all in book/")
    options = parser.parse_args()
    for path in options.notebooks:
        if path.suffix != ".ipynb" or not path.is_file():
            parser.error(f"{path} is no notebook")
    paths = options.notebooks or pages_in()
    good = paths
    if not options.check:
        prepare()
        good = [path for path in paths if update(path)]
    # After a run, what is left is for an author: a figure without a description, say.
    found = [f"{name_of(path)}: {what}" for path in good for what in check(path)]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if len(good) < len(paths) or (options.check and found) else 0


if __name__ == "__main__":
    sys.exit(main())
