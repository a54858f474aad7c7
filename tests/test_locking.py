"""The lock of a file of records: one holder, gone with its process, and nothing left behind."""

import os
import signal
import threading
from pathlib import Path

import pytest
from sweep_helpers import python

from course_lib.experiments.locking import locked

pytest.importorskip("filelock")

HOLD = """
import sys, time
from pathlib import Path
from course_lib.experiments.locking import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_an_error_at_once(tmp_path, refuses):
    path = tmp_path / "results.parquet"
    with locked(path):
        call = locked(path).__enter__
        told = "is being written by another sweep, which holds results.parquet.lock; wait for it"
        refuses(call, BlockingIOError, str(path), told)
        with locked(tmp_path / "other.parquet"):
            pass
    with locked(path):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no /proc")
def test_a_folder_that_makes_no_files_is_no_other_sweep(refuses):
    told = "/proc/self cannot be written (No such file or directory); choose another folder"
    refuses(locked(Path("/proc/self/results.parquet")).__enter__, OSError, told)


def test_a_lock_vanishes_with_a_killed_process(tmp_path, refuses):
    path = tmp_path / "results.parquet"
    holder = python(HOLD, path)
    try:
        assert holder.stdout.readline() == "locked\n"
        refuses(locked(path).__enter__, BlockingIOError, "another sweep")
    finally:
        holder.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        holder.communicate()
    with locked(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_a_lock_is_removed_while_it_is_held(tmp_path, monkeypatch, refuses):
    """Otherwise it may be that of the next holder, and a third would hold another one."""
    path, unlink, removed = tmp_path / "results.parquet", Path.unlink, []

    def note(self, **options):
        if self.exists():  # older versions of filelock remove it, too, where it is no more
            refuses(locked(path).__enter__, BlockingIOError, "another sweep")
        unlink(self, **options)
        removed.append(self.name)

    monkeypatch.setattr(Path, "unlink", note)
    with locked(path):
        pass
    assert removed == ["results.parquet.lock"]


def test_many_take_turns_and_no_two_at_once(tmp_path):
    """The lock's file is removed and made again all the time, which must not let two in."""
    path = tmp_path / "results.parquet"
    inside, most, entered = [], [], []

    def work():
        while len(entered) < 200:
            try:
                with locked(path):
                    inside.append(1)
                    most.append(len(inside))
                    entered.append(1)
                    inside.pop()
            except BlockingIOError:
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}


def test_a_folder_that_is_missing_and_one_in_the_way(tmp_path, refuses):
    call = locked(tmp_path / "no" / "results.parquet").__enter__
    told = "no of results.parquet does not exist; make it first"
    refuses(call, FileNotFoundError, told)
    call = locked(tmp_path).__enter__
    refuses(call, IsADirectoryError, "is a folder; expected the name of a file")
    assert list(tmp_path.iterdir()) == []
