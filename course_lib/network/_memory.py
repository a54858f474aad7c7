"""Memory that a step frees stays with the process, for the next step."""

import sys

import numpy as np


def keep_freed_memory() -> None:
    """Let the C library of Linux keep what is freed, up to 64 MiB, instead of giving it back.

    The arrays of a step are freed at its end, and it would hand their pages to the system, which
    clears them for the next step: a fifth of the time of 64 replicas of 2-16-16-2. Freeing one
    large array raises glibc's thresholds for that, as any program does that once read some data:
    32 MiB is the most by which it does (mallopt(3), ``M_MMAP_THRESHOLD``). No page of it is used.
    """
    if sys.platform == "linux":
        np.empty(2**25 - 2**13, np.uint8)
