"""Training: optimizers, clipping, early stopping, and `fit` for the NumPy network.

The modules of this package, in the order in which they build on one another:

- `course_lib.training.schedules`: learning rates that change from step to step
- `course_lib.training.optimizers`: SGD, momentum, RMSprop, Adam, AdamW, and how to add one; what
  they share is in `course_lib.training.stepping`
- `course_lib.training.clipping`: limits for gradients
- `course_lib.training.batches`: the order of the examples
- `course_lib.training.scores`: accuracy
- `course_lib.training.stopping` and `course_lib.training.history`: early stopping, and what is
  remembered of a training
- `course_lib.training.progress`: the bar
- `course_lib.training.loop`: the loop over epochs, which `course_lib.pytorch.fit` runs too
- `course_lib.training.arguments`: the checks of both
- `course_lib.training.parts`: some replicas at a time, where all at once would need too much memory
- `course_lib.training.fitting`: `fit`

All public names are here::

    from course_lib.training import Adam, accuracy, fit

A learning rate may be an array with one entry for each replica, so that a sweep over learning rates
is a single training.
"""

from course_lib.training.batches import epoch_batches
from course_lib.training.clipping import clip_norm, clip_value
from course_lib.training.fitting import fit
from course_lib.training.history import Callback, Epoch, History
from course_lib.training.optimizers import SGD, Adam, AdamW, Momentum, Optimizer, RMSprop
from course_lib.training.schedules import (
    Schedule,
    constant,
    cosine,
    milestones,
    one_cycle,
    step_decay,
    warmup,
)
from course_lib.training.scores import accuracy

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Callback",
    "Epoch",
    "History",
    "Momentum",
    "Optimizer",
    "RMSprop",
    "Schedule",
    "accuracy",
    "clip_norm",
    "clip_value",
    "constant",
    "cosine",
    "epoch_batches",
    "fit",
    "milestones",
    "one_cycle",
    "step_decay",
    "warmup",
]
