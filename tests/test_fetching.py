"""Files on request: mirrors that fail in every way, interrupted processes, and two at once."""

import errno
import hashlib
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from mirror_helpers import ENOUGH, Mirrors, serving

from course_lib.data import DataError, fetching
from course_lib.data.fetching import File, check_content, fetched

for package in ("pooch", "filelock", "tqdm"):
    pytest.importorskip(package, reason=f"{package} is not installed")

CONTENT = b"to be or not to be\n" * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PLAY = File("play.txt", len(CONTENT), ())


def read(path):
    """Return the content of a file, if it is the right one."""
    content = path.read_bytes()
    check_content(str(path), [content], SHA256)
    return content


@pytest.fixture
def mirrors(monkeypatch, tmp_path):
    """Serve; return a function that gives the file with these mirrors, and set the folder."""
    with serving(monkeypatch, tmp_path / "data", {PLAY.name: CONTENT}) as at:
        yield partial(at, PLAY)


def left():
    """Return the names of the files in the folder."""
    there = (fetching.folder() / "plays").glob("*")
    return sorted(path.name for path in there if path.name != ".lock")


def test_a_file_is_fetched_once(mirrors):
    file = mirrors("good")
    assert fetched("plays", file, read) == fetched("plays", file, read) == CONTENT
    assert Mirrors.asked == ["good"]
    assert left() == ["play.txt"]
    assert fetching.is_there("plays", file)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("missing", "answered 404 Not Found"),
        ("broken", "answered 500"),
        ("corrupt", "sent 76,000 bytes that are not this file"),
        ("truncated", "broke off before the end"),
        ("silent", "did not answer in time"),
        ("trickling", "bytes in "),
        ("endless", "sent more than 152 kB"),
    ],
)
def test_a_mirror_that_fails_is_left_and_what_it_did_is_told(mirrors, kind, told):
    with pytest.raises(ConnectionError) as raised:
        fetched("plays", mirrors(kind, kind), read)
    message = str(raised.value)
    assert message.count(told) == 2
    assert message.startswith("play.txt of plays (76 kB) could not be fetched; 127.0.0.1:")
    assert f"put the file into {fetching.folder() / 'plays'}" in message
    assert left() == []
    assert fetched("plays", mirrors(kind, "good"), read) == CONTENT
    assert left() == ["play.txt"]


def test_a_redirection_is_followed(mirrors):
    assert fetched("plays", mirrors("moved"), read) == CONTENT


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://nowhere.invalid/file", "nowhere.invalid: not found (is there a network?)"),
        ("http://127.0.0.1:9/file", "127.0.0.1:9: no connection"),
    ],
)
def test_without_a_network_it_is_told_what_to_do(mirrors, url, told):
    file = mirrors()._replace(urls=(url,))
    with pytest.raises(ConnectionError) as raised:
        fetched("plays", file, read)
    assert told in str(raised.value)


def test_a_file_put_there_by_hand_is_taken_without_what_fetches(mirrors, monkeypatch):
    place = fetching.folder() / "plays"
    place.mkdir(parents=True)
    (place / "play.txt").write_bytes(CONTENT)
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert fetched("plays", mirrors("missing"), read) == CONTENT
    (place / "play.txt").unlink()
    with pytest.raises(ModuleNotFoundError, match=r"needs pooch.*why-networks-bend\[data\]"):
        fetched("plays", mirrors("good"), read)


def test_a_damaged_file_stays_until_there_is_a_better_one(mirrors):
    place = fetching.folder() / "plays"
    place.mkdir(parents=True)
    (place / "play.txt").write_bytes(b"my own notes")
    with pytest.raises(ConnectionError):
        fetched("plays", mirrors("missing"), read)
    assert (place / "play.txt").read_bytes() == b"my own notes"
    assert fetched("plays", mirrors("good"), read) == CONTENT
    assert (place / "play.txt").read_bytes() == CONTENT


def test_a_content_of_another_digest_is_named():
    with pytest.raises(DataError, match=r"^letters is damaged: its SHA-256 is fb8e20fc2e4c"):
        check_content("letters", [b"a", b"b"], SHA256)


def test_a_folder_that_cannot_be_written_is_named(mirrors, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("COURSE_LIB_DATA", str(tmp_path / "file"))
    with pytest.raises(
        OSError, match=r"file/plays cannot be written \(.*COURSE_LIB_DATA"
    ) as raised:
        fetched("plays", mirrors("good"), read)
    assert not isinstance(raised.value, ConnectionError)


def test_a_full_disk_is_told_and_leaves_nothing(mirrors, monkeypatch):
    def full(pieces, path, file):
        path.write_bytes(next(pieces))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetching, "_write", full)
    with pytest.raises(OSError, match=r"plays cannot be written \(No space left on device\)"):
        fetched("plays", mirrors("good"), read)
    assert left() == []


def test_the_folder_is_that_of_the_platform_or_of_the_variable(monkeypatch):
    monkeypatch.setenv("COURSE_LIB_DATA", "~/course")
    assert fetching.folder() == Path.home() / "course"
    monkeypatch.delenv("COURSE_LIB_DATA")
    assert fetching.folder().name == "why-networks-bend"


# Interrupted, and two at once.

PROGRAM = """
import sys
sys.path[:0] = {path!r}
from test_fetching import File, fetched, read
fetched("plays", File("play.txt", 76_000, ({url!r},)), read)
print("fetched")
"""


@contextmanager
def process(url):
    """Run a process that fetches the file."""
    program = PROGRAM.format(path=[str(Path(__file__).parent)], url=url)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def wait_until(condition):
    """Wait, but not without end."""
    for _ in range(int(ENOUGH / 0.02)):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=lambda end: end.name)
def test_an_interrupted_process_leaves_no_file(mirrors, end):
    (url,) = mirrors("halting").urls
    with process(url) as running:
        wait_until(lambda: Mirrors.asked)
        wait_until(lambda: any((fetching.folder() / "plays").glob("tmp*")))
        running.send_signal(end)
        running.wait()
    assert not fetching.is_there("plays", mirrors("good"))
    assert (left() == []) == (end == signal.SIGINT)
    assert fetched("plays", mirrors("good"), read) == CONTENT
    assert left() == ["play.txt"]  # what the killed one had begun is gone, too


def test_two_processes_fetch_once(mirrors):
    (url,) = mirrors("halting").urls
    with process(url) as one, process(url) as other, ThreadPoolExecutor(2) as pool:
        wait_until(lambda: Mirrors.asked)
        ends = [pool.submit(running.communicate) for running in (one, other)]
        time.sleep(2.5)  # the other one waits, and says so
        Mirrors.released.set()
        told = [end.result(ENOUGH) for end in ends]
    assert [out for out, _ in told] == ["fetched\n"] * 2
    assert Mirrors.asked == ["halting"]
    assert sorted("waiting for another process that fetches plays" in e for _, e in told) == [
        False, True
    ]  # fmt: skip
