"""Open JupyterLab on the chapters, the first one in front; arguments go to JupyterLab.

The package jupyterlab-myst shows their text as it is meant, but for citations and references to
figures: it knows neither the bibliography nor the captions. The site's own files are hidden, and
JupyterLab asks nobody for news or updates.
"""

import json
import subprocess
import sys

from environment import BOOK, ROOT, prepare
from site_checks import chapters

KEYS = "Citations and references to figures show as their keys here; the site has them in full."
HIDDEN = ["_*", ".*", "api", "atlas", "*.md", "*.bib", "*.toml", "*.py", "*.pyc"]
"""What does not show up beside the chapters."""


def command(arguments=()):
    """Return what starts JupyterLab."""
    return [
        *(sys.executable, "-m", "jupyterlab", str(BOOK)),
        f"--LabApp.default_url=/lab/tree/{chapters(ROOT)[0]}.ipynb",
        f"--LabApp.app_settings_dir={ROOT / 'tools' / 'lab_settings'}",
        f"--ContentsManager.hide_globs={json.dumps(HIDDEN)}",
        *arguments,
    ]


if __name__ == "__main__":
    prepare()
    print(KEYS, flush=True)
    sys.exit(subprocess.run(command(sys.argv[1:]), cwd=ROOT).returncode)
