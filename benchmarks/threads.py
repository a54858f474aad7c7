"""Run a benchmark on one thread, or once for each number of threads.

Libraries read the number at their start, so that one process cannot measure both.
"""

import os
import subprocess
import sys

THREADS = (1, 2)
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def one_thread():
    """Have all libraries of this process use one thread; call it before they are imported."""
    os.environ |= dict.fromkeys(VARIABLES, "1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ["NPROC"] = "1"  # what XLA makes its threads for
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"


def run_each(*option):
    """Run this program again with each number of threads, after the option if there is one."""
    for threads in THREADS:
        environment = {**os.environ, **dict.fromkeys(VARIABLES, str(threads))}
        status = run([*sys.argv, *option, str(threads)], environment)
        if status:
            return status
    return 0


def run(program, environment=None):
    """Run a program of Python; return its exit status.

    Ctrl-C reaches it too, and it has the time to remove what it made, as its worktree:
    `subprocess.run` would kill it after a quarter of a second.
    """
    with subprocess.Popen([sys.executable, *program], env=environment) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.wait()
            raise
