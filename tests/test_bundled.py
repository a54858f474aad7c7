"""The records that come with the package: found, read, and named where there are none."""

from pathlib import Path

import pytest
from sweep_helpers import exactly

from course_lib.experiments import bundled, stored, stored_names
from course_lib.experiments.records import Records

pytest.importorskip("pyarrow", reason="pyarrow is not installed")

STUDIES = [path.stem for path in Path(__file__).resolve().parent.parent.glob("studies/*.py")]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a folder from which records are read instead of from the package."""
    folder = tmp_path / "bundled" / "results"
    folder.mkdir(parents=True)
    monkeypatch.setattr(bundled, "files", {"course_lib": tmp_path}.__getitem__)
    return folder


def records_of(*losses):
    """Return records of so many seeds."""
    return Records([{"depth": 3, "seed": i, "loss": loss} for i, loss in enumerate(losses)])


def test_what_was_written_is_read(package):
    records_of(0.1, 1 / 3).to_parquet(package / "dropout.parquet")
    found = stored("dropout")
    assert exactly(found.rows) == exactly(records_of(0.1, 1 / 3).rows)
    records_of(0.5).to_parquet(package / "dropout.parquet")
    assert len(stored("dropout")) == 1  # nothing is kept from before


def test_names_are_those_of_records_alone(package):
    for name in ("saturation", "dropout"):
        records_of(0.5).to_parquet(package / f"{name}.parquet")
    for name in ("old.json", "dropout.parquet.journal", "saturation.parquet.lock"):
        (package / name).write_text("")
    assert stored_names() == ["dropout", "saturation"]


@pytest.mark.parametrize(
    "name", ["dropuot", "", "dropout.parquet", "../results/dropout", ".", None, 3, ["dropout"]]
)
def test_unknown_records_are_named_with_those_there_are(package, name):
    for there in ("saturation", "dropout"):
        records_of(0.5).to_parquet(package / f"{there}.parquet")
    with pytest.raises(KeyError) as told:
        stored(name)
    message = told.value.args[0]
    assert message.startswith(("unknown stored records", "stored records is"))
    assert repr(name) in message and message.endswith(": dropout, saturation")
    assert "did you mean 'dropout'?" in message or name != "dropuot"


def test_records_are_read_from_a_package_that_is_an_archive(package, tmp_path, monkeypatch):
    from zipfile import Path as ZippedPath
    from zipfile import ZipFile

    records_of(0.25).to_parquet(package / "dropout.parquet")
    with ZipFile(tmp_path / "library.zip", "w") as archive:
        archive.write(package / "dropout.parquet", "bundled/results/dropout.parquet")
    with ZipFile(tmp_path / "library.zip") as archive:
        monkeypatch.setattr(bundled, "files", lambda package: ZippedPath(archive))
        assert stored_names() == ["dropout"]
        assert stored("dropout").values("loss").tolist() == [0.25]


@pytest.mark.parametrize("name", stored_names())
def test_stored_records_say_where_they_come_from(name):
    records = stored(name)
    assert len(records)
    for column in ("trial", "date", "machine", "version", "commit", "python", "numpy", "settings"):
        assert all(records.distinct(column)), column
    assert records.distinct("error") == [None]
    module, _, _ = records.header["function"].rpartition(".")
    assert name in STUDIES  # whose function may be that of the study it carries on
    assert module in (*STUDIES, "course_lib.experiments.training_trials")
    commits = records.distinct("commit")
    assert not any(commit.endswith("changes") for commit in commits), commits
