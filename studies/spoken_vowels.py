"""Is an acoustic model with sigmoid behind one with ReLU, on the vowels that come with the course?

Frames of 12 cepstra, each beside three before it and three after it, become nine classes, the
speakers; an utterance is decided by the sum of its frames' log posteriors. Each of 16 seeds draws
its own utterances for validation, five of the thirty of each speaker, and 3,200 frames of the
others, its own weights and batches, the same for all activations, so that differences are paired.

What varies: the depth, one hidden layer or four; the features, raw or standardized; the budget, 8
or 16 epochs; the initialization, of which the tuning scores choose one for each network
(`course_lib.experiments.chosen`); and the learning rate, tuned for each configuration on validation
frames with 8 seeds of its own.

The test utterances are also heard through two other microphones, a filter with one pole and its
inverse, which add or subtract a constant from each cepstrum.
"""

from functools import cache

import acoustic
import matplotlib.pyplot as plt
import numpy as np
import small_sets
from study import Study

from course_lib import data
from course_lib.experiments import Tune, chosen
from course_lib.experiments.sweeping import configurations
from course_lib.statistics import t_interval

SETTINGS = {
    "activation": ["sigmoid", "relu"],
    "depth": [1],
    "features": ["raw", "standardized"],
    "initialization": ["xavier", "computed"],
    "epochs": [8, 16],
}
GRID = [
    *configurations(SETTINGS),
    *configurations(SETTINGS | {"depth": [4], "features": ["standardized"]}),
    *configurations(
        SETTINGS | {"activation": ["identity"], "depth": [0], "initialization": ["xavier"]}
    ),
]
WIDTH, SPEAKERS, EXAMPLES, VALIDATION, BLOCKS = 64, 9, 3200, 5, 37
CONTEXT = range(-3, 4)
TILT, POLE = 0.5, 0.9  # of the other microphone: how often the filter 1 / (1 - 0.9 z^-1) is applied
TUNE = Tune(
    "learning_rate", (0.025, 0.05, 0.1, 0.2), "validation_accuracy", budget=None, widen=5, worst=0.0
)


def microphone(times, coefficients=12):
    """Return what a filter with one pole adds to the cepstra, applied so many times."""
    n = np.arange(1, coefficients + 1)
    return (times * POLE**n / n).astype(np.float32)


@cache
def frames(features, tilt=0.0):
    """Return frames in context, as the networks see them."""
    spoken = data.vowels()
    own = np.arange(spoken.frames.shape[1]) < spoken.lengths[:, None]
    seen = own & ~spoken.is_test[:, None]
    shift, unit = spoken.frames[seen].mean(axis=0), spoken.frames[seen].std(axis=0)
    every = spoken.frames[own] + microphone(tilt)
    if features == "standardized":
        every = (every - shift) / unit
    return acoustic.in_context(every, spoken.lengths, CONTEXT)


@cache
def parts():
    """Return lengths and speakers of the utterances, the utterance of each frame, and the test."""
    spoken = data.vowels()
    utterances = np.repeat(np.arange(len(spoken.lengths)), spoken.lengths)
    return spoken.lengths, spoken.speakers, utterances, spoken.is_test


def draw(seed):
    """Return the utterances for validation, and the frames for training."""
    _, speakers, utterances, is_test = parts()
    rng = np.random.default_rng([seed, 17])
    known = [rng.permutation(np.flatnonzero(~is_test & (speakers == i))) for i in range(SPEAKERS)]
    held_out = np.sort(np.concatenate([own[:VALIDATION] for own in known]))
    rest = np.concatenate([own[VALIDATION:] for own in known])
    rows = np.flatnonzero(np.isin(utterances, rest))
    return held_out, rng.permutation(rows)[:EXAMPLES]


def measure(seeds, activation, depth, features, initialization, epochs, learning_rate):
    """Return the accuracy for frames and for utterances of networks, one for each seed."""
    lengths, speakers, utterances, is_test = parts()
    x = frames(features)
    drawn = [draw(seed) for seed in seeds]
    network = acoustic.trained(
        seeds, x, speakers[utterances], np.array([rows for _, rows in drawn]),
        activation=activation, hidden=[WIDTH] * depth, classes=SPEAKERS,
        initialization=initialization, epochs=epochs, learning_rate=learning_rate,
    )  # fmt: skip
    of_test = lengths[is_test], speakers[is_test]
    frame, utterance = acoustic.scores(network, x[is_test[utterances]], *of_test)
    known = lengths[~is_test], speakers[~is_test]
    seen = acoustic.scores(network, x[~is_test[utterances]], *known)[0]
    rows = utterances[~is_test[utterances]]
    valid = [own[np.isin(rows, held_out)] for own, (held_out, _) in zip(seen, drawn, strict=True)]
    other = [
        acoustic.scores(network, frames(features, tilt)[is_test[utterances]], *of_test)[1]
        for tilt in (-TILT, TILT)
    ]
    found = {
        "validation_accuracy": np.array([own.mean() for own in valid]),
        "frame_accuracy": frame.mean(axis=-1),
        "test_accuracy": utterance.mean(axis=-1),
        "other_microphones": np.mean(other, axis=(0, -1)),
    }
    blocks = np.split(utterance, BLOCKS, axis=-1)
    return found | {f"test_block_{i}": own.mean(axis=-1) for i, own in enumerate(blocks)}


def figure(records):
    """Draw the accuracy of each network, with its interval over the seeds."""
    best = chosen(records, "validation_accuracy", "activation", "depth", "features", "epochs")
    rows = {
        f"{row['activation']}, depth {row['depth']}, {row['features']}, {row['epochs']} epochs": row
        for row in best
    }
    drawn, axes = plt.subplots(figsize=(6.4, 1 + 0.25 * len(rows)), layout="constrained")
    for i, row in enumerate(rows.values()):
        own = best.select(place=row["place"]).array("test_accuracy")
        axes.plot(t_interval(own), [i, i], lw=4)
    axes.set(yticks=range(len(rows)), yticklabels=list(rows), xlabel="accuracy for utterances")
    axes.invert_yaxis()
    return drawn


STUDY = Study(
    measure,
    GRID,
    range(16),
    figure=figure,
    tune=TUNE,
    replicas=small_sets.AT_ONCE,
    quick={
        "grid": SETTINGS | {"features": ["standardized"], "epochs": [8]},
        "seeds": range(4),
        "tune": small_sets.quickly(TUNE),
    },
)
