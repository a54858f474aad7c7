"""Statistics over seeds: intervals, paired differences, corrections, and the power of a test.

One number from one seed is an anecdote. Everything here takes what was measured over seeds and says
how far the mean, a proportion, or the difference between two things may be from the truth.

Quantiles, the noncentral t distribution and root finding are those of SciPy, which is imported when
it is first used. The rest is our own where SciPy's form takes no arrays (Wilson) or too much memory
for them (the bootstrap), counts sums wrongly that are equal but for rounding (flipped signs) or is
missing (Holm), a few lines each; ``benchmarks/intervals.py`` measures them beside SciPy.
statsmodels has Holm and power, but would bring pandas and patsy for ten lines.
"""

from course_lib.statistics.differences import Difference, holm, paired
from course_lib.statistics.effects import detectable, power, seeds_needed
from course_lib.statistics.intervals import (
    bootstrap_interval,
    crossed_interval,
    t_interval,
    wilson_interval,
)

__all__ = [
    "Difference",
    "bootstrap_interval",
    "crossed_interval",
    "detectable",
    "holm",
    "paired",
    "power",
    "seeds_needed",
    "t_interval",
    "wilson_interval",
]
