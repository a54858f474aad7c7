"""Comparisons of activations over seeds, and the tuning of learning rates before them.

`tune` chooses a learning rate, `compare` trains activations, each with the learning rate that suits
it, and `course_lib.statistics` says how far the means and differences may be from the truth.
`sweep` calls any function for every configuration of a grid, in processes or on a cluster,
and `stored` returns what the studies of this course have measured.
"""

from course_lib.experiments.bundled import stored, stored_names
from course_lib.experiments.choosing import chosen
from course_lib.experiments.comparing import compare
from course_lib.experiments.records import Records
from course_lib.experiments.results import Comparison, Row, Summary
from course_lib.experiments.standard import Tune
from course_lib.experiments.storing import read_records
from course_lib.experiments.sweeping import sweep
from course_lib.experiments.tuning import Tuning, tune

__all__ = [
    "Comparison",
    "Records",
    "Row",
    "Summary",
    "Tune",
    "Tuning",
    "chosen",
    "compare",
    "read_records",
    "stored",
    "stored_names",
    "sweep",
    "tune",
]
