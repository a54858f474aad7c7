"""Text: first names, poems and plays."""

import re
from pathlib import Path
from typing import NamedTuple

from course_lib.data.bundled import bundled_content
from course_lib.data.fetching import File, check_content, fetched

__all__ = ["Poem", "names", "poems"]

CDN = "https://cdn.jsdelivr.net/gh/karpathy"
RAW = "https://raw.githubusercontent.com/karpathy"
NAMES = File(
    "names.txt",
    228_145,
    (f"{RAW}/makemore/988aa59/names.txt", f"{CDN}/makemore@988aa59/names.txt"),
)
SHAKESPEARE = File(
    "tinyshakespeare.txt",
    1_115_394,
    (
        f"{RAW}/char-rnn/6f9487a/data/tinyshakespeare/input.txt",
        f"{CDN}/char-rnn@6f9487a/data/tinyshakespeare/input.txt",
    ),
)
SHA256 = {
    NAMES.name: "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
    SHAKESPEARE.name: "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
}


class Poem(NamedTuple):
    """A poem."""

    title: str
    author: str
    lines: tuple[str, ...]


def names() -> tuple[str, ...]:
    """Return 5,163 first names of the United States, in the letters from a to z.

    Returns
    -------
    tuple of str
        Each once, the frequent ones of men first, then those of women that no man bears.

    Raises
    ------
    DataError
        If the bundled file is damaged.

    Notes
    -----
    Of the census of 1990 :cite:p:`census1990names`; public domain.

    Examples
    --------
    >>> names()[:3], len(names())
    (('james', 'john', 'robert'), 5163)
    """
    lines = bundled_content("first_names.tsv").decode("ascii").splitlines()
    return tuple(dict.fromkeys(line.split("\t")[0] for line in lines))


def poems() -> tuple[Poem, ...]:
    """Return 313 poems of the Tang dynasty, in Chinese, simplified characters.

    Returns
    -------
    tuple of Poem
        With title, author and lines.

    Raises
    ------
    DataError
        If the bundled file is damaged.

    Notes
    -----
    The *Three Hundred Tang Poems*, collected by Sun Zhu about 1763, as Debian's fortunes-zh has
    them; public domain.

    Examples
    --------
    >>> poem = next(poem for poem in poems() if poem.author == "柳宗元" and poem.title == "江雪")
    >>> poem.lines
    ('千山鸟飞绝，万径人踪灭。', '孤舟蓑笠翁，独钓寒江雪。')
    """
    text = bundled_content("tang_poems.txt").decode("utf-8")
    found = []
    for block in re.split("^《", text, flags=re.MULTILINE)[1:]:
        head, author, *lines = filter(None, map(str.strip, block.splitlines()))
        found.append(Poem(head.rstrip("》"), author.removeprefix("作者："), tuple(lines)))
    return tuple(found)


def full_names() -> tuple[str, ...]:
    """Return 29,494 first names, fetched on request; see `load`.

    Returns
    -------
    tuple of str
        Each once: 2,538 lines of the file are repeats, which would stand on both sides of a split.

    Raises
    ------
    ConnectionError, OSError
        As `load`.
    """
    return tuple(dict.fromkeys(_text("names", NAMES).split()))


def shakespeare() -> str:
    """Return a million characters of Shakespeare's plays, fetched on request; see `load`.

    Returns
    -------
    str
        In ASCII.

    Raises
    ------
    ConnectionError, OSError
        As `load`.
    """
    return _text("shakespeare", SHAKESPEARE)


def _text(dataset: str, file: File) -> str:
    """Return the text of a file."""

    def read(path: Path) -> str:
        content = path.read_bytes()
        check_content(str(path), [content], SHA256[file.name])
        return content.decode("ascii")

    return fetched(dataset, file, read)
