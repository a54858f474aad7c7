"""Give every notebook the cell that gets the library, or take it away: as `_config.yml` says.

Colab and Binder open the notebooks of the repository, so these need the cell once
``repository.url`` is set. It comes after the title, and the site does not show it. Run
``.venv/bin/python tools/install_cells.py`` when the setting has changed, then ``make notebooks``,
which counts the cells anew.
"""

import sys

from environment import BOOK, name_of, no_arguments, pages_in
from notebooks import read, text_of, write

sys.path.append(str(BOOK / "_ext"))

from downloads import kept, repository


def main():
    """Change the notebooks that need it; say which."""
    where = repository()
    for path in pages_in():
        text = text_of(kept(read(path), where))
        if text != path.read_text(encoding="utf-8"):
            write(path, text)
            print(f"{name_of(path)}: {'with' if where.url else 'without'} the cell")


if __name__ == "__main__":
    no_arguments(__doc__)
    main()
