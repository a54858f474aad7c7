"""Every study of this course asks a question, can be run, and has the records of today."""

import pytest
import study

from course_lib.experiments.sweeping import check_sweep

plt = pytest.importorskip("matplotlib.pyplot", reason="Matplotlib is not installed")
pytest.importorskip("pyarrow", reason="pyarrow is not installed")


@pytest.mark.parametrize("name", study.names())
def test_a_study_asks_a_question_and_can_be_run(name):
    assert study.question(name).endswith("?")
    for quick in (False, True):  # a miniature shows the same, and proves nothing
        own = study.load(name, quick=quick)
        assert check_sweep(own.function, **own.asked()) == {}
        if not quick:
            tune = own.tune
            assert tune is None or (len(tune.seeds) >= 8 and tune.finer and tune.widen)
            assert len(own.seeds) >= 16


@pytest.mark.parametrize("name", study.names())
def test_stored_records_come_from_the_settings_of_today(name):
    records = study.records_of(name)
    if records is not None:  # else the list says that they were never made
        assert study.is_current(name, records)
        stored = study.about(records)
        assert stored.configurations == len(study.load(name).asked()["grid"])
        assert stored.errors == [] and len(stored.commits) >= 1


@pytest.mark.parametrize("name", study.names())
def test_a_figure_is_drawn_from_stored_records(name):
    records = study.records_of(name)
    if records is not None:
        drawn = study.load(name).figure(records)
        assert isinstance(drawn, plt.Figure) and drawn.axes
        plt.close(drawn)


def test_all_stored_records_have_a_study():
    assert {path.stem for path in study.FOLDER.glob("*.parquet")} <= set(study.names())
