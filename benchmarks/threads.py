"""Run a benchmark once for each number of threads, in a process of its own.

Libraries read the number at their start, so that one process cannot measure both.
"""

import os
import subprocess
import sys

THREADS = (1, 2)
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_each(*option):
    """Run this program again with each number of threads, after the option if there is one."""
    for threads in THREADS:
        environment = {**os.environ, **dict.fromkeys(VARIABLES, str(threads))}
        done = subprocess.run([sys.executable, *sys.argv, *option, str(threads)], env=environment)
        if done.returncode:
            return done.returncode
    return 0
