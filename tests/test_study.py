"""What all studies share: they are listed, run, interrupted, gone on with, and stored."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import study
from sweep_functions import compared

from course_lib.experiments import Records, read_records, sweep, workers
from course_lib.experiments.journal import journal_of

loky = pytest.importorskip("joblib", reason="joblib is not installed").externals.loky
pytest.importorskip("pyarrow", reason="pyarrow is not installed")

pytest.importorskip("matplotlib", reason="Matplotlib is not installed")
ROOT = Path(__file__).resolve().parent.parent
MODULE = '''\
"""Does more of it help, and for how long does it go on so, whatever else is changed?

Twice is enough.
"""

import os
import time

from made_helper import double
from study import Study

from course_lib.experiments import Tune


def measure(seeds, depth, rate=0.1):
    with open(os.environ["CALLS"], "a") as file:
        file.write(f"{depth} {rate} {seeds} {os.getpid()}\\n")
    time.sleep(float(os.environ.get("PAUSE", 0)))
    if depth == int(os.environ.get("INTERRUPTS", -1)):
        raise KeyboardInterrupt
    if depth == int(os.environ.get("FAILS", -1)):
        raise ValueError("no such\\ndepth")
    if depth == int(os.environ.get("DIES", -1)):
        os._exit(1)
    return {"score": [double(depth) - abs(rate - 0.1) + seed / 8 for seed in seeds]}


def figure(records):
    from matplotlib import pyplot as plt

    if "NO_FIGURE" in os.environ:
        raise KeyError("score")
    figure, axes = plt.subplots()
    axes.plot(records.select(phase="result").values("score"))
    return figure


STUDY = Study(
    measure,
    {"depth": [1, 2, 3, 4]},
    range(4),
    figure=figure,
    quick={"grid": {"depth": [1]}, "seeds": range(2)},
)
'''
QUESTION = "Does more of it help, and for how long does it go on so, whatever else is changed?"
FIRST, SECOND = QUESTION[:56], QUESTION[57:]  # lines of the list
HELPER = """\
from functools import cache


@cache
def double(x):
    return 2 * x
"""
ALONE = '"""Is it alone?"""\n\nfrom dataclasses import replace\n\nimport made\n'
ALONE += "\nSTUDY = replace(made.STUDY, alone=True)\n"
RUNNER = """\
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], {tests!r}]
import test_study
folder = Path(sys.argv.pop(1)).parent
test_study.moved(folder, setattr)
sys.exit(test_study.command().main())
"""


def command():
    """Return the module of the command."""
    spec = importlib.util.spec_from_file_location("studies_main", ROOT / "studies" / "__main__.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def moved(folder, put):
    """Let studies be in one folder, and their records in others beside it."""
    put(study, "LIBRARY", ROOT / "course_lib")
    put(study, "HERE", folder / "studies")
    put(study, "FOLDER", folder / "results")
    put(study, "BUILD", folder / "_build" / "studies")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with two studies, which are all there are."""
    (tmp_path / "studies").mkdir()
    (tmp_path / "results").mkdir()
    loky.get_reusable_executor().shutdown()  # its processes have another environment
    shutil.copy(study.__file__, tmp_path / "studies")
    for name, text in {"made": MODULE, "made_helper": HELPER, "made_alone": ALONE}.items():
        (tmp_path / "studies" / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path / "studies")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls.txt"))
    moved(tmp_path, monkeypatch.setattr)
    yield tmp_path
    for name in ("made", "made_helper", "made_alone"):
        sys.modules.pop(name, None)


@pytest.fixture
def run(capsys):
    """Return the command: it gives the status, what was printed, and the errors."""
    main = command().main

    def call(*arguments):
        try:
            status = main([*arguments])
        except SystemExit as left:
            status = left.code
        return status, *capsys.readouterr()

    return call


def calls(folder):
    """Return what was called: depth, rate, seeds and the process."""
    path = folder / "calls.txt"
    return [tuple(line.split(" ", 1)) for line in path.read_text().splitlines()] * path.exists()


def depths(folder):
    """Return the depths that were called."""
    return [depth for depth, _ in calls(folder)] if (folder / "calls.txt").exists() else []


def files(folder):
    """Return the names of all files of records and figures."""
    places = (folder / "results", folder / "_build" / "studies")
    return {path.name for place in places if place.exists() for path in place.iterdir()}


def is_one_line(err, *texts):
    """Check that an error is one line, which has some texts."""
    assert err.count("\n") == 1, err
    assert err.startswith("python studies: ")
    for text in texts:
        assert text in err, err
    return True


# What a study is.


def test_studies_are_the_modules_that_have_one(folder):
    (folder / "studies" / "other.py").write_text("STUDYING = STUDY_OF = {'STUDY': 1}\n")
    assert study.names() == ["made", "made_alone"]
    assert study.question("made") == QUESTION
    assert study.load("made").seeds == range(4)


def test_a_miniature_is_the_same_study_but_for_what_it_changes(folder):
    whole, small = study.load("made"), study.load("made", quick=True)
    assert (small.grid, small.seeds) == ({"depth": [1]}, range(2))
    assert (small.function, small.figure, small.quick) == (whole.function, whole.figure, {})


def test_a_miniature_that_changes_something_else_is_an_error_at_once():
    with pytest.raises(KeyError, match="unknown entry of quick 'seed'; did you mean 'seeds'"):
        study.Study(abs, {}, range(2), figure=abs, quick={"seed": range(1)})


@pytest.mark.parametrize("name", [None, 3, "", "mad", "made.py", "../studies/made", "study"])
def test_unknown_studies_are_named_with_those_there_are(folder, name):
    with pytest.raises(KeyError, match=f"unknown study {name!r}.*Expected: made, made_alone"):
        study.make(name)


def test_another_library_is_an_error(monkeypatch, run):
    monkeypatch.setattr(study, "LIBRARY", Path("elsewhere", "course_lib"))
    status, out, err = run()
    assert (status, out) == (2, "")
    assert is_one_line(err, "course_lib is imported from", "expected elsewhere", "PYTHONPATH=")


# Running one.


def test_records_move_into_the_package_and_a_figure_is_drawn(folder, run):
    status, out, err = run("made", "--workers", "1")
    assert (status, err) == (0, "")
    assert "4 trials, 0 s on one core" in out
    assert {"made.parquet", "made.png", "made.svg"} == files(folder)
    own = study.load("made")
    directly = sweep(own.function, own.grid, seeds=own.seeds, progress=False)
    records = read_records(folder / "results" / "made.parquet")
    assert compared(records) == compared(directly)
    assert study.is_current("made", records)


def test_a_miniature_leaves_the_records_of_the_package_alone(folder, run):
    assert run("made", "--workers", "1")[0] == 0
    before = (folder / "results" / "made.parquet").read_bytes()
    status, out, err = run("made", "--quick", "--workers", "1")
    assert (status, err) == (0, "")
    assert "1 trial, " in out
    assert (folder / "results" / "made.parquet").read_bytes() == before
    quick = read_records(folder / "_build" / "studies" / "made-quick.parquet")
    assert quick.distinct("depth") == [1] and quick.distinct("seed") == [0, 1]
    assert not any("running" in name for name in files(folder))


def test_a_study_that_is_made_again_replaces_its_records(folder, run):
    for seeds in (4, 5):
        module = MODULE.replace("range(4)", f"range({seeds})")
        (folder / "studies" / "made.py").write_text(module)
        sys.modules.pop("made", None)
        importlib.invalidate_caches()
        assert run("made", "--workers", "1")[0] == 0
    assert len(read_records(folder / "results" / "made.parquet").distinct("seed")) == 5


def test_workers_are_other_processes_and_change_nothing(folder, run):
    assert run("made", "--workers", "1")[0] == 0
    one = read_records(folder / "results" / "made.parquet")
    status, _, err = run("made", "--workers", "2")
    assert (status, err) == (0, "")
    assert compared(read_records(folder / "results" / "made.parquet")) == compared(one)
    processes = [line.rsplit(" ", 1)[1] for line in (folder / "calls.txt").read_text().splitlines()]
    assert set(processes[:4]) == {str(os.getpid())}
    assert str(os.getpid()) not in processes[4:]


def test_by_default_there_is_a_worker_for_each_core(folder, monkeypatch):
    found = []
    monkeypatch.setattr(study, "sweep", lambda *_, workers, **__: found.append(workers) or 1 / 0)
    monkeypatch.setattr("joblib.cpu_count", lambda: 7)
    with pytest.raises(ZeroDivisionError):
        study.make("made")
    assert found == [7]


# Interrupts, and going on.


def test_an_interrupted_study_goes_on_and_computes_nothing_twice(folder, run, monkeypatch):
    monkeypatch.setenv("INTERRUPTS", "3")
    status, out, err = run("made", "--workers", "1")
    assert (status, out) == (130, "")
    assert is_one_line(err, "interrupted; the same command goes on from here")
    assert files(folder) == {"made-running.parquet"}
    assert depths(folder) == ["1", "2", "3"]
    monkeypatch.delenv("INTERRUPTS")
    status, out, err = run("made", "--workers", "1")
    assert (status, err) == (0, "")
    assert out.startswith("going on after 2 trials\n")
    assert depths(folder) == ["1", "2", "3", "3", "4"]
    assert files(folder) == {"made.parquet", "made.png", "made.svg"}
    again = sweep(study.load("made").function, {"depth": [1, 2, 3, 4]}, seeds=range(4))
    assert compared(read_records(folder / "results" / "made.parquet")) == compared(again)


def process(folder, *arguments, program=RUNNER, **environment):
    """Start the command, or another program, in a process of its own."""
    program = program.format(tests=str(ROOT / "tests"))
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder / "studies"), *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
def test_a_study_that_is_killed_goes_on(folder, kind):
    running = process(folder, "made", "--workers", "1", PAUSE="0.5")
    journal = journal_of(folder / "_build" / "studies" / "made-running.parquet")
    while not (journal.exists() and len(journal.read_text().splitlines()) > 1):
        assert running.poll() is None, running.communicate()
        time.sleep(0.02)
    running.send_signal(kind)
    out, err = running.communicate(timeout=60)
    if kind == signal.SIGINT:
        assert (running.returncode, out) == (130, "")
        assert is_one_line(err, "interrupted")
    first = depths(folder)
    last = process(folder, "made", "--workers", "1")
    out, err = last.communicate(timeout=60)
    assert (last.returncode, err) == (0, "")
    assert out.startswith("going on after ")
    after = depths(folder)[len(first) :]
    assert {*first, *after} == {"1", "2", "3", "4"}
    assert len(first) + len(after) <= 5  # one of them was cut off
    assert files(folder) == {"made.parquet", "made.png", "made.svg"}


def test_a_run_with_other_settings_is_told_and_left_alone(folder, run, monkeypatch):
    monkeypatch.setenv("INTERRUPTS", "3")
    assert run("made", "--workers", "1")[0] == 130
    monkeypatch.delenv("INTERRUPTS")
    before = (folder / "_build" / "studies" / "made-running.parquet").read_bytes()
    (folder / "studies" / "made.py").write_text(MODULE.replace("range(4)", "range(40)"))
    sys.modules.pop("made", None)
    importlib.invalidate_caches()
    called = depths(folder)
    for arguments in (["--workers", "1"], ["--dry-run"]):
        status, _, err = run("made", *arguments)
        assert status == 2
        assert is_one_line(err, "of another sweep: seeds is", "remove made-running.parquet and")
        assert str(folder / "_build" / "studies") in err
    assert depths(folder) == called
    assert (folder / "_build" / "studies" / "made-running.parquet").read_bytes() == before
    (folder / "_build" / "studies" / "made-running.parquet").unlink()
    assert run("made", "--workers", "1")[0] == 0


# What goes wrong.


def test_records_with_errors_replace_none(folder, run, monkeypatch):
    assert run("made", "--workers", "1")[0] == 0
    before = (folder / "results" / "made.parquet").read_bytes()
    monkeypatch.setenv("FAILS", "2")
    status, out, err = run("made", "--workers", "1")
    assert status == 1
    assert "4 trials" in out and "wrote" not in out
    assert is_one_line(err, "some trials failed (ValueError: no such depth)", "replace none")
    assert (folder / "results" / "made.parquet").read_bytes() == before
    kept = read_records(folder / "_build" / "studies" / "made-running.parquet")
    assert [row["depth"] for row in kept if row["error"]] == [2] * 4
    monkeypatch.delenv("FAILS")
    called = len(depths(folder))
    assert "4 configurations, 1 trial, " in run("made", "--dry-run", "--workers", "1")[1]
    rehearsed = len(depths(folder))
    assert run("made", "--workers", "1")[0] == 0
    assert called < rehearsed and depths(folder)[rehearsed:] == ["2"]  # and nothing twice
    assert not any(row["error"] for row in study.records_of("made"))
    assert files(folder) == {"made.parquet", "made.png", "made.svg"}


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_a_worker_that_dies_is_an_error_of_its_trial(folder, run, monkeypatch):
    monkeypatch.setenv("DIES", "3")
    status, _, err = run("made", "--workers", "2")
    assert status == 1
    assert is_one_line(err, "WorkerDied", "made-running.parquet")
    kept = read_records(folder / "_build" / "studies" / "made-running.parquet")
    assert {row["depth"]: row["score"] is None for row in kept} == {
        1: False, 2: False, 3: True, 4: False
    }  # fmt: skip


def test_a_figure_that_fails_loses_nothing(folder, run, monkeypatch):
    monkeypatch.setenv("NO_FIGURE", "1")
    status, _, err = run("made", "--workers", "1")
    assert status == 2
    assert is_one_line(err, "the figure failed (KeyError: 'score')", "stores the records")
    assert files(folder) == {"made-running.parquet"}
    monkeypatch.delenv("NO_FIGURE")
    called = depths(folder)
    assert run("made", "--workers", "1")[0] == 0
    assert depths(folder) == called
    assert files(folder) == {"made.parquet", "made.png", "made.svg"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([""], "no study is named; expected NAME, one of made, made_alone"),
        (["--quick"], "no study is named"),
        (["--dry-run"], "no study is named"),
        (["nonsense"], "unknown study 'nonsense'. Expected: made, made_alone"),
        (["made", "--workers", "0"], "workers is 0; expected"),
        (["made", "--workers", "-2", "--quick"], "workers is -2; expected"),
        (["made", "--workers", "0", "--dry-run"], "workers is 0; expected"),
        (["made", "--workers", "two"], "invalid int value: 'two'; see python studies --help"),
        (["made", "--faster"], "unrecognized arguments: --faster; see"),
        (["made", "--workers", "2", "--scheduler", "tcp://127.0.0.1:9"], "not allowed with"),
        (["made", "--scheduler", "tcp://127.0.0.1:9"], "no scheduler answers at 'tcp://127.0.0.1"),
        (["made_alone", "--workers", "2"], "made_alone measures times"),
        (["made_alone", "--scheduler", "tcp://127.0.0.1:9"], "made_alone measures times"),
    ],
)
def test_what_cannot_be_run_is_one_line_before_anything_is(
    folder, run, monkeypatch, arguments, text
):
    if "--scheduler" in arguments:
        monkeypatch.setattr(workers, "CONNECT", 0.5)
        pytest.importorskip("distributed", reason="distributed is not installed")
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert is_one_line(err, text)
    assert not (folder / "calls.txt").exists()
    assert not any(name.endswith((".parquet", ".journal", ".lock")) for name in files(folder))


@pytest.mark.parametrize("place", ["results", "_build"])
def test_a_folder_that_is_missing_or_none_is_told_before_anything_runs(folder, run, place):
    (folder / "results").rmdir()
    if place == "_build":
        (folder / "results").mkdir()
        (folder / "_build").write_text("")
    status, out, err = run("made", "--workers", "1")
    assert (status, out) == (2, "")
    assert is_one_line(err, str(folder / place))
    assert not (folder / "calls.txt").exists()


READ_ONLY = """
import os, sys
from pathlib import Path
sys.path[:0] = ["studies", {tests!r}]
import filelock, joblib, made, test_study
test_study.moved(Path(), setattr)
main = test_study.command().main
if os.geteuid() == 0:
    os.setuid(65534)  # root may write everywhere
sys.exit(main(["made", "--workers", "1"]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
@pytest.mark.parametrize("place", ["results", "_build/studies"])
def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(folder, place):
    (folder / "_build" / "studies").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:  # others cannot even enter pytest's own
        copy = Path(name, "copy")
        shutil.copytree(folder, copy)
        for path in (copy.parent, copy, copy / "results", copy / "_build" / "studies"):
            path.chmod(0o555 if path == copy / place else 0o777)
        running = process(copy, program=READ_ONLY)
        out, err = running.communicate(timeout=60)
        (copy / place).chmod(0o755)
    assert (running.returncode, out) == (2, ""), err
    assert is_one_line(err, f"{place} cannot be written (Permission denied)")
    assert not (folder / "calls.txt").exists()


# What it costs.


def test_a_dry_run_changes_nothing_and_counts_what_is_done(folder, run, monkeypatch):
    status, out, err = run("made", "--dry-run", "--workers", "2")
    assert (status, err) == (0, "")
    assert out.startswith("4 configurations, 4 trials, 16 trainings")
    assert "with 2 workers" in out
    assert files(folder) == set() and not (folder / "_build").exists()
    assert run("made", "--dry-run", "--quick", "--workers", "1")[1].startswith("1 config")
    monkeypatch.setenv("INTERRUPTS", "3")
    assert run("made", "--workers", "1")[0] == 130
    monkeypatch.delenv("INTERRUPTS")
    status, out, err = run("made", "--dry-run", "--workers", "1")
    assert (status, err) == (0, "")
    assert out.startswith("4 configurations, 2 trials") and "2 trials done already" in out
    assert files(folder) == {"made-running.parquet"}


# The list.


def test_the_list_is_readable(folder, run):
    status, out, err = run()
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "study        trials  one core       age  question",
        f"made                         never made  {FIRST}",
        f"{'':41}{SECOND}",
        "made_alone                   never made  Is it alone?",
    ]
    assert run("made", "--workers", "1")[0] == 0
    assert run()[1].splitlines()[1] == (f"made              4       0 s     today  {FIRST}")


def test_the_list_of_this_checkout_fits_its_columns(run):
    status, out, err = run()
    assert (status, err) == (0, "")
    head, *lines = out.splitlines()
    column = head.index("question")
    table = lines[: lines.index("")] if "" in lines else lines
    assert max(map(len, [head, *table])) <= 100
    assert all(line[:column].rstrip() == "" or line[column - 2 : column] == "  " for line in table)
    assert [line.split()[0] for line in table if line[0] != " "] == study.names()


def test_the_list_tells_of_other_settings_and_of_what_is_not_finished(folder, run, monkeypatch):
    assert run("made", "--workers", "1")[0] == 0
    assert "other settings" not in run()[1]
    monkeypatch.setenv("INTERRUPTS", "2")
    assert run("made", "--workers", "1")[0] == 130
    told = "made: 1 trial of a run that is not finished; make study NAME=made goes on with it"
    assert run()[1].splitlines()[-1] == told
    (folder / "studies" / "made.py").write_text(MODULE.replace("range(4)", "range(40)"))
    sys.modules.pop("made", None)
    importlib.invalidate_caches()
    lines = run()[1].splitlines()
    assert lines[-2] == (
        "made: its records come from other settings than it has now; make study NAME=made"
    )
    assert lines[-3] == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3569, "59 min"),
        (3580, "1.0 h"),
        (9e4, "25.0 h"),
    ],
)
def test_durations_have_two_or_three_digits(seconds, text):
    assert command().duration(seconds) == text


@pytest.mark.parametrize(
    ("hours", "text"), [(-1, "today"), (23, "today"), (25, "1 day"), (24 * 400, "400 days")]
)
def test_ages_are_in_days(hours, text):
    assert command().age(timedelta(hours=hours)) == text


def test_what_records_say_of_themselves(folder, run):
    assert run("made", "--workers", "1")[0] == 0
    stored = study.about(study.records_of("made"))
    assert (stored.trials, stored.configurations, stored.errors) == (4, 4, [])
    assert timedelta() <= datetime.now(UTC) - stored.newest < timedelta(minutes=5)
    rows = study.records_of("made").select(seed=0)
    assert stored.seconds == pytest.approx(rows.values("seconds").sum())
    assert study.records_of("made_alone") is None
    with pytest.raises(ValueError, match="no column 'trial'; expected those of a sweep"):
        study.about(Records([{"depth": 1, "seed": 0}]))


# On a cluster.


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of distributed's own sockets
def test_workers_of_a_cluster_need_not_have_the_studies(folder, run, monkeypatch):
    pytest.importorskip("distributed", reason="distributed is not installed")
    from test_dask import Cluster, with_workers

    with closing(Cluster(folder)) as cluster:
        with_workers(cluster, 1)
        status, out, err = run("made", "--quick", "--dry-run", "--scheduler", cluster.address)
        assert (status, err) == (0, "")
        assert " with 1 worker" in out
        for seeds in (4, 3):  # the second time, the module is another one
            (folder / "studies" / "made.py").write_text(
                MODULE.replace("range(4)", f"range({seeds})").replace("/ 8", f"/ {2 * seeds}")
            )
            sys.modules.pop("made", None)
            importlib.invalidate_caches()
            (folder / "calls.txt").unlink(missing_ok=True)
            status, out, err = run("made", "--scheduler", cluster.address)
            assert (status, err) == (0, "")
            assert not any(f" {os.getpid()}" in text for _, text in calls(folder))
            records = read_records(folder / "results" / "made.parquet")
            directly = sweep(
                study.load("made").function, {"depth": [1, 2, 3, 4]}, seeds=range(seeds)
            )
            assert compared(records) == compared(directly)


# The command itself.


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], 'studies ""'),
        (["NAME=dropout"], 'studies "dropout"'),
        (["NAME=dropout", "QUICK=1"], 'studies "dropout" --quick'),
        (["NAME=dropout", "QUICK=0", "DRY=0"], 'studies "dropout"'),
        (["NAME=dropout", "DRY=1", "WORKERS=0"], 'studies "dropout" --dry-run --workers 0'),
        (["NAME=dropout", "SCHEDULER=tcp://a:1"], 'studies "dropout" --scheduler "tcp://a:1"'),
    ],
)
@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_passes_on_what_it_is_given(given, words):
    command = ["make", "--no-print-directory", "-n", "study", *given]  # within make test, too
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert " ".join(told.stdout.splitlines()[-1].split()).endswith(words)


def test_the_command_runs_as_a_folder():
    told = subprocess.run(
        [sys.executable, "studies", "nonsense"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stdout) == (2, "")
    assert is_one_line(told.stderr, "unknown study 'nonsense'", "propagation_cost")
