"""The command on a real scheduler of Dask."""

import os
from contextlib import closing

import pytest
from sweep_functions import compared
from test_dask import Cluster, with_workers
from test_main import MODULE, SPEC, calls, ended, started

from course_lib.experiments.storing import read_records

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="needs signals"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of distributed's own sockets
]


def test_a_cluster_is_counted_and_gives_the_same_records(tmp_path):
    (tmp_path / "a_study.py").write_text(MODULE)
    (tmp_path / "spec.toml").write_text(SPEC)
    with closing(Cluster(tmp_path)) as cluster:
        with_workers(cluster, 2)
        asked = ["sweep", "spec.toml", "--out", "r.parquet", "--scheduler", cluster.address]
        status, out, err = ended(started(tmp_path, *asked, "--dry-run"))
        assert (status, err) == (0, "")
        assert " with 2 workers" in out
        assert not (tmp_path / "r.parquet").exists()
        (tmp_path / "calls.txt").unlink()
        status, out, err = ended(started(tmp_path, *asked))
        assert (status, err) == (0, "")
    on_cluster = len(calls(tmp_path))
    status, out, err = ended(started(tmp_path, "sweep", "spec.toml", "--out", "one.parquet"))
    assert (status, err) == (0, "")
    assert len(calls(tmp_path)) == 2 * on_cluster
    one, other = (read_records(tmp_path / name) for name in ("one.parquet", "r.parquet"))
    assert compared(one) == compared(other)


def test_a_scheduler_that_does_not_answer_is_one_line(tmp_path):
    (tmp_path / "a_study.py").write_text(MODULE)
    (tmp_path / "spec.toml").write_text(SPEC)
    asked = ["sweep", "spec.toml", "--out", "r.parquet", "--scheduler", "tcp://127.0.0.1:9"]
    status, out, err = ended(started(tmp_path, *asked))
    assert (status, out) == (2, "")
    assert err.count("\n") == 1 and "no scheduler answers at 'tcp://127.0.0.1:9'" in err
    assert not list(tmp_path.glob("r.parquet*"))
