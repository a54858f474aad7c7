"""What holds for the notebooks when they are tested, and what is kept of them.

nbval executes every cell and compares what it gives with what is stored. Where
all cells of a chapter pass, what they gave, figures included, goes into the
cache that the build of the book reads: tests and site share one execution.
The site's drawings of figures are made for it, and not compared.
"""

from pathlib import Path

import execution_cache
import nbformat
import pytest
from environment import draw_figures, prepare, share_cores
from nbval.plugin import IPyNbCell

ROOT = Path(__file__).resolve().parent.parent
MIME_TYPE = "application/vnd.course-figure+json"
RUN = pytest.StashKey()  # a notebook's seconds, and the outputs that passed

prepare()
share_cores()
draw_figures()


def pytest_configure(config):
    """Let the process that hears of all cells, and no other, keep chapters."""
    worker = hasattr(config, "workerinput")
    if config.getoption("nbval_current_env", default=False) and not worker:
        config.pluginmanager.register(Keeper())


def pytest_runtest_setup(item):
    """Let nbval compare nothing that only the site shows."""
    if (
        isinstance(item, IPyNbCell)
        and MIME_TYPE not in item.parent.skip_compare
    ):
        item.parent.skip_compare += (MIME_TYPE,)


def passed(item, report):
    """Return whether nbval compared what a cell gave and found it as stored."""
    if not isinstance(item, IPyNbCell) or report.when != "call":
        return False
    compared = item.options["check"] and item.cell.execution_count is not None
    return compared and report.passed


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Give the report of a chapter's last cell the chapter, if all passed."""
    report = yield
    run = item.parent.stash.setdefault(RUN, {"seconds": 0.0, "outputs": {}})
    run["seconds"] += call.duration
    if passed(item, report):
        run["outputs"][item.cell_num] = item.test_outputs
        notebook = item.parent.nb
        kinds = [cell.cell_type for cell in notebook.cells]
        if len(run["outputs"]) == kinds.count("code"):
            outputs = [output for _, output in sorted(run["outputs"].items())]
            executed = execution_cache.with_outputs(notebook, outputs)
            text = nbformat.writes(executed)
            report.chapter = [str(item.path), text, run["seconds"]]
    return report


class Keeper:
    """Puts chapters into the cache of the library that the run began with."""

    def __init__(self):
        self.folder = execution_cache.folder(ROOT)

    def pytest_runtest_logreport(self, report):
        """Keep the chapter that a report brings, if the library is the same."""
        if not hasattr(report, "chapter"):
            return
        if execution_cache.folder(ROOT) == self.folder:
            path, text, seconds = report.chapter
            notebook = nbformat.reads(text, as_version=4)
            bundle = execution_cache.bundled(path, notebook, seconds)
            execution_cache.prune(self.folder)
            with execution_cache.opened(self.folder) as cache:
                execution_cache.keep(cache, bundle)
