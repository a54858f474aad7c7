"""The commands: what they run, what they say, and the status with which they end."""

import builtins
import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sweep_functions import compared

from course_lib.__main__ import _drawn, main
from course_lib.experiments.journal import Journal
from course_lib.experiments.locking import locked
from course_lib.experiments.records import Records
from course_lib.experiments.reporting import Report
from course_lib.experiments.storing import read_records

pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("joblib", reason="joblib is not installed")
pytest.importorskip("scipy", reason="SciPy is not installed")
pyplot = pytest.importorskip("matplotlib.pyplot", reason="Matplotlib is not installed")

ROOT = Path(__file__).resolve().parent.parent
MODULE = """\
import math, os, time

def study(seeds, depth, steps=4, rate=0.1):
    with open("calls.txt", "a") as file:
        file.write(f"{depth} {steps} {rate} {seeds}\\n")
    time.sleep(float(os.environ.get("PAUSE", 0)))
    if depth == 13:
        raise ValueError("unlucky\\nnumber")
    away = abs(math.log10(rate) + 1)
    return {"score": [depth - away + seed / 100 for seed in seeds], "loss": [away for _ in seeds]}
"""
SPEC = """\
question = "Does depth help?"
function = "a_study:study"
seeds = 8

[fixed]
steps = 4

[grid]
depth = [1, 2]

[tune]
name = "rate"
values = [0.01, 0.1, 1.0]
score = "score"
budget = "steps"
seeds = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with a spec and its function, in which the commands run."""
    (tmp_path / "a_study.py").write_text(MODULE)
    (tmp_path / "spec.toml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "a_study", raising=False)
    yield tmp_path
    sys.modules.pop("a_study", None)


def changed(folder, before, after):
    """Change the spec."""
    assert SPEC.count(before) == 1
    (folder / "spec.toml").write_text(SPEC.replace(before, after))


def started(folder, *arguments, **environment):
    """Start a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "course_lib", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(process, timeout=120):
    """Return status, output and errors."""
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


def calls(folder):
    path = folder / "calls.txt"
    return path.read_text().splitlines() if path.exists() else []


def wait_for_calls(process, folder, count):
    """Wait until the function was called so often."""
    while len(calls(folder)) < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


# ---------------------------------------------------------------------------------------------
# Sweeps
# ---------------------------------------------------------------------------------------------


def test_a_sweep_and_its_report_in_processes_of_their_own(folder):
    status, out, err = ended(started(folder, "sweep", "spec.toml", "--out", "r.parquet"))
    assert (status, err) == (0, "")
    assert "r.parquet: " in out and "2 configurations" in out
    assert "python -m course_lib report r.parquet" in out
    records = read_records(folder / "r.parquet")
    assert records.select(phase="result", depth=2, seed=7).values("score") == pytest.approx(2.07)
    assert len(calls(folder)) == len(set(calls(folder))) == len(set(records.values("trial")))

    status, out, err = ended(started(folder, "report", "r.parquet"))
    assert (status, err) == (0, "")
    assert out.startswith("Best by score: **depth=2**")
    made = {path.name for path in (folder / "r-report").iterdir()}
    figures = {"results-score", "results-loss", "tuning"}
    assert made == {"report.md"} | {f"{n}.{kind}" for n in figures for kind in ("png", "svg")}
    page = (folder / "r-report" / "report.md").read_text(encoding="utf-8")
    assert "| command | `python -m course_lib report r.parquet` |" in page
    for name in figures:
        assert f"]({name}.svg)" in page
        assert (folder / "r-report" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert b"</svg>" in (folder / "r-report" / f"{name}.svg").read_bytes()


def test_workers_give_the_same_records(folder, capsys):
    assert main(["sweep", "spec.toml", "--out", "one.parquet"]) == 0
    status, _, err = ended(
        started(folder, "sweep", "spec.toml", "--out", "two.parquet", "--workers", "2")
    )
    assert (status, err) == (0, "")
    assert compared(read_records("one.parquet")) == compared(read_records("two.parquet"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_an_interrupted_sweep_leaves_a_usable_file_and_goes_on(folder, capsys):
    process = started(folder, "sweep", "spec.toml", "--out", "r.parquet", PAUSE="0.2")
    wait_for_calls(process, folder, 4)
    process.send_signal(signal.SIGINT)
    status, _, err = ended(process)
    kept = set(read_records("r.parquet").values("trial"))
    assert status == 130
    assert err.splitlines() == [
        f"python -m course_lib: interrupted; r.parquet holds {len(kept)} trials, and --resume goes "
        f"on from there"
    ]
    assert 3 <= len(kept) < 20
    before = calls(folder)

    assert main(["report", "r.parquet"]) == 0
    assert "**Not finished**: 2 configurations" in capsys.readouterr().out

    assert main(["sweep", "spec.toml", "--out", "r.parquet"]) == 2  # and nothing is touched
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "r.parquet has results already" in told and "--resume" in told
    assert calls(folder) == before
    assert set(read_records("r.parquet").values("trial")) == kept

    assert main(["sweep", "spec.toml", "--out", "r.parquet", "--resume"]) == 0
    again = [call for call in set(calls(folder)) if calls(folder).count(call) > 1]
    assert len(again) <= 1  # what was running when it was interrupted
    assert main(["sweep", "spec.toml", "--out", "whole.parquet"]) == 0
    assert compared(read_records("r.parquet")) == compared(read_records("whole.parquet"))


ENDS = [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143)]


def gone(group, seconds=10):
    """Return whether a group of processes ends soon."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals to one process")
@pytest.mark.parametrize("to_all", [False, True])
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("number", "word", "expected"), ENDS)
def test_what_is_asked_to_end_leaves_a_file_and_no_process(
    number, word, expected, workers, to_all, folder
):
    """Clusters ask one process or all of them, and so does a terminal."""
    asked = ["sweep", "spec.toml", "--out", "r.parquet", "--workers", str(workers)]
    process = started(folder, *asked, PAUSE="0.2")
    wait_for_calls(process, folder, 5)
    while len(read_records("r.parquet")) < 1:  # what is found comes a moment after its call
        assert process.poll() is None, process.communicate()
    (os.killpg if to_all else os.kill)(process.pid, number)
    status, out, err = ended(process)
    kept = len(set(read_records("r.parquet").values("trial")))
    assert (status, out) == (expected, "")
    assert err.splitlines() == [
        f"python -m course_lib: {word}; r.parquet holds {kept} trials, and --resume goes on from "
        f"there"
    ]
    assert 0 < kept < 20 and not list(folder.glob("r.parquet.*"))
    assert gone(process.pid)


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_dry_run_can_be_asked_to_end(folder):
    process = started(folder, "sweep", "spec.toml", "--out", "r.parquet", "--dry-run", PAUSE="60")
    wait_for_calls(process, folder, 1)
    process.terminate()
    assert ended(process) == (
        143,
        "",
        "python -m course_lib: terminated before a trial was finished\n",
    )
    assert not list(folder.glob("r.parquet*"))


def test_signals_are_handled_as_before_when_a_sweep_is_done(folder):
    before = signal.getsignal(signal.SIGTERM)
    assert main(["sweep", "spec.toml", "--out", "r.parquet"]) == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_command_in_another_thread_handles_no_signals(folder):
    with ThreadPoolExecutor(1) as threads:
        status = threads.submit(main, ["sweep", "spec.toml", "--out", "r.parquet"]).result()
    assert status == 0


def test_trials_that_failed_are_run_again_where_that_is_asked_for(folder, capsys):
    asked = ["sweep", "spec.toml", "--out", "r.parquet"]
    changed(folder, "depth = [1, 2]", "depth = [1, 13]")
    assert main(asked) == 1
    before = calls(folder)
    assert main([*asked, "--resume"]) == 1  # errors count as done
    assert calls(folder) == before
    (folder / "a_study.py").write_text(MODULE.replace("== 13", "== 14"))
    os.utime(folder / "a_study.py", (1e9, 1e9))  # else Python may take what it compiled before
    del sys.modules["a_study"]
    capsys.readouterr()
    assert main([*asked, "--retry", "--dry-run"]) == 0
    assert " done already" in capsys.readouterr().out
    (folder / "calls.txt").unlink()
    assert main([*asked, "--retry"]) == 0
    assert "failed" not in capsys.readouterr().out
    assert all(call.startswith("13 ") for call in calls(folder))
    assert main([*asked[:2], "--out", "whole.parquet"]) == 0
    assert compared(read_records("r.parquet")) == compared(read_records("whole.parquet"))


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_what_a_killed_sweep_has_left_can_be_reported(folder, capsys):
    process = started(folder, "sweep", "spec.toml", "--out", "r.parquet", PAUSE="0.1")
    wait_for_calls(process, folder, 12)
    process.kill()
    process.communicate()
    assert not (folder / "r.parquet").exists()
    assert main(["report", "r.parquet", "--out", "told"]) == 0
    assert "**Not finished**" in (folder / "told" / "report.md").read_text(encoding="utf-8")


def test_failed_trials_end_with_status_1_and_are_told_in_the_last_line(folder, capsys):
    changed(folder, "depth = [1, 2]", "depth = [1, 13]")
    assert main(["sweep", "spec.toml", "--out", "r.parquet"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    told = "3 trials failed, the first of them with ValueError: unlucky number"
    assert last == f"{told}; --retry runs them again"
    assert main(["report", "r.parquet"]) == 0
    page = Path("r-report/report.md").read_text(encoding="utf-8")
    assert "| depth=13 | tuning | 0.01 | 0 to 2 |" not in page  # tuning seeds are others
    assert page.count("ValueError: unlucky number") == 3


def test_widened_grids_and_edges_are_told(folder, capsys):
    changed(folder, "[0.01, 0.1, 1.0]", "[0.00001, 0.00002, 0.00004]\nwiden = 1")
    assert main(["sweep", "spec.toml", "--out", "r.parquet"]) == 0
    out = capsys.readouterr().out
    assert "grids widened, as the best value was at the edge" in out
    assert "the best rate is at the edge still: depth=1 (result); depth=1 (result, doubled)" in out


def test_a_full_disk_is_one_line_and_loses_nothing(folder, capsys, monkeypatch):
    real, added = Journal.add, []

    def full(journal, trial, outcome):
        added.append(trial)
        if len(added) == 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(journal, trial, outcome)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", full)
        assert main(["sweep", "spec.toml", "--out", "r.parquet"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "No space left on device" in err
    assert "the 5 trials that were finished before are kept" in err
    assert len(set(read_records("r.parquet").values("trial"))) == 5
    assert main(["sweep", "spec.toml", "--out", "r.parquet", "--resume"]) == 0
    assert len(calls(folder)) == len(set(calls(folder))) + 1


def test_a_second_sweep_on_one_file_is_one_line(folder, capsys):
    with locked(folder / "r.parquet"):
        assert main(["sweep", "spec.toml", "--out", "r.parquet", "--resume"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "is being written by another sweep" in err
    assert calls(folder) == []


# ---------------------------------------------------------------------------------------------
# Dry runs
# ---------------------------------------------------------------------------------------------


def test_a_dry_run_counts_times_and_writes_nothing(folder, capsys):
    before = sorted(path.name for path in folder.iterdir())
    assert main(["sweep", "spec.toml", "--out", "r.parquet", "--dry-run"]) == 0
    out = capsys.readouterr().out
    rehearsed = calls(folder)
    assert len(rehearsed) == 3 and all(" 1 0.1 " in call for call in rehearsed)
    assert out.splitlines()[0] == "Does depth help?"
    assert out.splitlines()[-1] == "r.parquet was not written"
    (folder / "calls.txt").unlink()
    made = {"__pycache__"}
    assert sorted({path.name for path in folder.iterdir()} - made) == sorted({*before} - made)
    assert main(["sweep", "spec.toml", "--out", "r.parquet"]) == 0
    assert f"2 configurations, {len(calls(folder))} trials, " in out


def test_a_dry_run_checks_the_file_too(folder, capsys):
    assert main(["sweep", "spec.toml", "--out", "r.parquet"]) == 0
    asked = ["sweep", "spec.toml", "--out", "r.parquet", "--dry-run"]
    assert main(asked) == 2
    assert main([*asked, "--resume"]) == 0
    assert "all done" in capsys.readouterr().out
    changed(folder, "seeds = 8", "seeds = 9")
    assert main([*asked, "--resume"]) == 2
    assert "r.parquet is of another sweep" in capsys.readouterr().err


def test_a_rehearsal_that_fails_ends_with_status_1(folder, capsys):
    changed(folder, "depth = [1, 2]", "depth = [13]")
    assert main(["sweep", "spec.toml", "--out", "r.parquet", "--dry-run"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "1 rehearsed trial failed: ValueError: unlucky number"


@pytest.mark.parametrize("name", ["trainable-depth", "who-is-to-blame"])
def test_what_ships_can_be_estimated(name, folder, capsys, monkeypatch):
    from course_lib import __main__ as program

    def at_once(*asked, **options):
        found.append(options)
        raise KeyboardInterrupt

    found = []
    monkeypatch.setattr(program, "estimate", at_once)
    assert main(["sweep", name, "--out", "r.parquet", "--dry-run"]) == 130
    assert len(found[0]["seeds"]) == 16 and found[0]["done"] == {}


# ---------------------------------------------------------------------------------------------
# What is wrong
# ---------------------------------------------------------------------------------------------

SWEEP = ["sweep", "spec.toml", "--out", "r.parquet"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "required: COMMAND"),
        (["swep"], "invalid choice: 'swep'"),
        (["sweep", "spec.toml"], "required: --out"),
        ([*SWEEP, "--workers", "two"], "invalid int value: 'two'"),
        ([*SWEEP, "--workers", "0"], "workers is 0"),
        ([*SWEEP, "--workers", "2", "--scheduler", "tcp://a:1"], "not allowed with"),
        (["sweep", "trainable-deth", "--out", "r.parquet"], "did you mean 'trainable-depth'"),
        (["sweep", "spec.toml", "--out", "no/r.parquet"], "the folder no of r.parquet does not"),
        (["sweep", "spec.toml", "--out", "."], "a folder"),
        (["sweep", ".", "--out", "r.parquet"], ". is a folder; expected a file, such as"),
        (["report", "no.parquet"], "there is no no.parquet"),
        (["report", "spec.toml"], "spec.toml"),
        (["report", "r.parquet", "--out", "no/told"], "the folder no of told does not exist"),
        (["report", "r.parquet", "--out", "spec.toml"], "spec.toml is a file; choose a folder"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments, told, folder, capsys):
    try:
        status = main(arguments)
    except SystemExit as exit:  # as argparse leaves
        status = exit.code
    err = capsys.readouterr().err
    assert status == 2
    assert err.startswith("python -m course_lib") and err.count("\n") == 1
    assert told in err
    assert calls(folder) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('"a_study:study"', '"a_study:stduy"', "spec.toml, line 2: unknown function of a_study"),
        ("depth = [1, 2]", "depht = [1, 2]", "spec.toml, line 9: unknown argument of study"),
        ("seeds = 3", "seeds = [0]", "spec.toml, line 3: seeds [0] are there for tuning"),
        ("[grid]", "[grid", "spec.toml, line 8: this is no TOML"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_wrong_spec_is_named_with_its_line_before_anything_runs(
    before, after, told, more, folder, capsys
):
    changed(folder, before, after)
    assert main([*SWEEP, *more]) == 2
    err = capsys.readouterr().err
    assert told in err and err.count("\n") == 1
    assert calls(folder) == []
    assert not list(folder.glob("r.parquet*"))


def test_a_wrong_command_has_status_2_in_a_process_too(folder):
    status, out, err = ended(started(folder, "sweep", "nothing.toml", "--out", "r.parquet"))
    assert (status, out) == (2, "")
    assert err.count("\n") == 1 and "Traceback" not in err


def test_options_of_a_report_are_kept_in_its_command(folder, capsys):
    assert main(["sweep", "spec.toml", "--out", "r.parquet"]) == 0
    asked = ["report", "r.parquet", "--by", "loss", "--smaller", "--baseline", "depth=1"]
    assert main([*asked, "--out", "a b"]) == 0
    page = Path("a b", "report.md").read_text(encoding="utf-8")
    assert "report r.parquet --out 'a b' --by loss --baseline depth=1 --smaller`" in page
    assert "Against depth=1, over common seeds: mean of the differences in loss" in page
    assert main([*asked[:2], "--baseline", "depth=3"]) == 2
    assert "did you mean 'depth=" in capsys.readouterr().err


def test_each_value_has_a_figure_of_its_own_and_none_stays_open(folder):
    """However they are called; pyplot, which keeps what is open, warns of more than twenty."""
    values = {"loss": 0.5, "lo ss": 0.5, "lo/ss": 0.5}
    rows = [{"place": 0, "phase": "result", "depth": 1, "seed": s, **values} for s in range(2)]
    drawn = _drawn(Report(Records(rows)))
    assert list(drawn) == ["results-loss", "results-lo_ss", "results-lo_ss-2"]
    assert pyplot.get_fignums() == []


ODD = """

def odd(seeds, depth):
    names = ["a/b", "a_b", "A b", "n" * 300, r"$\\alph$", "$x"]
    values = {name: [1.0 for _ in seeds] for name in names}
    large = {"big": [10**400 for _ in seeds], "sum": [1.7e308 for _ in seeds]}
    return {**values, **large, "close": [1 - s / 8 for s in seeds]}
"""


def test_a_report_takes_names_and_numbers_as_they_are(folder, capsys, monkeypatch):
    (folder / "a_study.py").write_text(MODULE + ODD)
    sys.modules.pop("a_study", None)
    text = SPEC.partition("[tune]")[0].replace(":study", ":odd")
    text = text.replace("steps = 4", "").replace("[1, 2]", r'["$\\frac$", "a\\nb", "$"]')
    (folder / "spec.toml").write_text(text)
    assert main(["sweep", "spec.toml", "--out", "r.parquet"]) == 0
    monkeypatch.setitem(pyplot.rcParams, "figure.max_open_warning", 1)
    capsys.readouterr()
    assert main(["report", "r.parquet", "--by", "close"]) == 0
    out, err = capsys.readouterr()
    figures = sorted(path.name.lower() for path in Path("r-report").glob("*.svg"))
    assert "with 7 figures" in out and err == ""
    assert len(set(figures)) == 7 and "results-a_b-2.svg" in figures  # big and sum have none
    page = Path("r-report", "report.md").read_text(encoding="utf-8")
    assert "8 of 8 diverged" in page and page.count("](results-") == 7


def test_nothing_can_rank_where_nothing_was_measured(folder, capsys):
    changed(folder, "depth = [1, 2]", "depth = [13]")
    assert main(["sweep", "spec.toml", "--out", "r.parquet"]) == 1
    assert main(["report", "r.parquet", "--by", "score"]) == 2
    told = "unknown value 'score'. Expected: nothing, as nothing was measured"
    assert capsys.readouterr().err == f"python -m course_lib: {told}\n"


def test_equal_records_make_equal_reports(folder):
    assert main(["sweep", "spec.toml", "--out", "r.parquet"]) == 0
    for _ in range(2):
        assert main(["report", "r.parquet", "--out", "told"]) == 0
    first = {path.name: path.read_bytes() for path in Path("told").iterdir()}
    assert main(["report", "r.parquet", "--out", "told"]) == 0
    assert {path.name: path.read_bytes() for path in Path("told").iterdir()} == first


def test_a_report_without_matplotlib_says_what_to_install_and_writes_nothing(
    folder, capsys, monkeypatch
):
    assert main(["sweep", "spec.toml", "--out", "r.parquet"]) == 0
    real = builtins.__import__

    def without(name, globals=None, locals=None, fromlist=(), level=0):
        if name.startswith("matplotlib") or (name == "course_lib" and "plots" in (fromlist or ())):
            raise ModuleNotFoundError(f"No module named {name!r}", name="matplotlib")
        return real(name, globals, locals, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["report", "r.parquet"]) == 2
    assert 'pip install "why-networks-bend[plots]"' in capsys.readouterr().err
    assert not Path("r-report").exists()
