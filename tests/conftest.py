"""What all tests share."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

# A shell starts what runs in its background without Ctrl-C, which the programs of tests inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Found examples are the same everywhere, and a busy machine is not a failure.
settings.register_profile("course", deadline=None, derandomize=True)
settings.load_profile("course")


@pytest.fixture(scope="session")
def root():
    """Return the top folder of the checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def fifty_digits():
    """Compute the exact values of mpmath to 50 digits."""
    from mpmath import mp

    with mp.workdps(50):
        yield


@pytest.fixture(scope="session")
def refuses():
    """Return a check that a call raises an error that tells certain texts."""

    def check(call, error, *texts):
        with pytest.raises(error) as caught:
            call()
        for text in texts:
            assert text in str(caught.value)

    return check


@pytest.fixture(scope="module")
def one_thread():
    """Spare small products the threads of PyTorch, which cost more than they gain."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def skips_problem(skipped, expected):
    """Return what is wrong with a number of skipped tests, if somebody said how many to expect."""
    if expected is None or skipped == int(expected):
        return None
    return f"{skipped} tests were skipped, expected {expected} (EXPECTED_SKIPS)"


def pytest_sessionfinish(session):
    """Fail a run in which another number of tests was skipped than was expected."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # a worker of pytest-xdist
        return
    skipped = len(reporter.stats.get("skipped", []))
    problem = skips_problem(skipped, os.environ.get("EXPECTED_SKIPS"))
    if problem:
        reporter.write_line(problem, red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def styled():
    """Apply the style sheet of figures; close what was drawn and take the style back."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    from course_lib import plots

    with mpl.rc_context():
        plots.use_style()
        yield
        plt.close("all")
