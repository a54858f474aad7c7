"""Is an acoustic model with sigmoid behind one with ReLU on spoken digits, for speakers it knows?

And for others? 3,000 recordings by six speakers, fetched on request, become frames of 32 log-mel
bands, each beside the fourth before and the fourth after it; their classes are the digits; a
recording is decided by the sum of its frames' log posteriors. Networks have one hidden layer.

The test is the official one, the first five takes of each digit by each speaker, in two ways. With
*known* speakers, one network has takes of all six for training. With *new* speakers, each speaker
is left out in turn: a network learns from four others, the fifth is for validation, and the one
left out is for the test. All networks see 2,000 frames of takes 5 to 14, which each of 16 seeds
draws anew. Takes 15 to 19 are for validation.

Beside the activation vary, one at a time: the features, log-mel bands, standardized over all
training frames, with or without the mean of each recording and band subtracted first; the budget,
16 or 32 epochs; the initialization; and, always, the learning rate, tuned for each configuration
with 8 seeds of its own: where speakers are new, on recordings by a speaker whom the network does
not know.
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
    "speakers": ["known", "new"],
    "features": ["log-mel"],
    "activation": ["sigmoid", "relu"],
    "initialization": ["computed"],
    "epochs": [16, 32],
}
SHORT = SETTINGS | {"epochs": [16]}
GRID = [
    *configurations(SETTINGS),
    *configurations(SHORT | {"initialization": ["xavier"]}),
    *configurations(SHORT | {"features": ["mean-free"]}),
    *configurations(SHORT | {"activation": ["identity"]}),
]
WIDTH, DIGITS, SPEAKERS, EXAMPLES = 32, 10, 6, 2000
CONTEXT = (-4, 0, 4)
FRAME, HOP, BANDS, LOWEST = 256, 128, 32, 60.0  # samples, samples, and Hz
TUNE = Tune(
    "learning_rate", (0.0125, 0.05, 0.2), "validation_accuracy", budget=None, widen=5, worst=0.0
)


def mel_filters(rate, bands=BANDS, size=FRAME, lowest=LOWEST):
    """Return triangles that overlap and are equally wide in mel, (frequencies, bands)."""
    low, high = 2595 * np.log10(1 + np.array([lowest, rate / 2]) / 700)
    edges = 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1)
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    f = np.linspace(0, rate / 2, size // 2 + 1)[:, None]
    return np.maximum(0, np.minimum((f - left) / (middle - left), (right - f) / (right - middle)))


def log_mel(samples, rate):
    """Return the power in each mel band of each frame, in dB; samples between -1 and 1."""
    pieces = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP]
    power = np.abs(np.fft.rfft(pieces * np.hanning(FRAME))) ** 2
    return 10 * np.log10(power @ mel_filters(rate) + 1e-10)


@cache
def recordings():
    """Return the frames of all recordings, how many each has, and what the labels are."""
    spoken = data.load("spoken_digits", full=True)
    each = [
        log_mel(spoken.recording(i).samples / 32768, spoken.rate) for i in range(len(spoken.digits))
    ]
    lengths = np.array([len(one) for one in each])
    frames = np.concatenate(each).astype(np.float32)
    return frames, lengths, spoken.digits, spoken.speakers, spoken.takes


@cache
def prepared(features):
    """Return all frames in context, standardized band by band."""
    frames, lengths, *_ = recordings()
    if features == "mean-free":
        frames = acoustic.mean_free(frames, lengths)
    return acoustic.in_context(frames, lengths, CONTEXT)


def folds(speakers):
    """Yield which speakers are heard in training, in validation and in the test."""
    everyone = np.arange(SPEAKERS)
    if speakers == "known":
        yield everyone, everyone, everyone
        return
    for left_out in everyone:
        other = (left_out + 1) % SPEAKERS
        yield np.setdiff1d(everyone, [left_out, other]), [other], [left_out]


def measure(seeds, speakers, features, activation, initialization, epochs, learning_rate):
    """Return the accuracy for frames and for recordings of networks, one for each seed."""
    _, lengths, digits, who, takes = recordings()
    x = prepared(features)
    test, valid = takes < 5, (takes >= 15) & (takes < 20)
    of_frame = np.repeat(np.arange(len(lengths)), lengths)
    found = {"validation_accuracy": [], "frame_accuracy": []}
    right = np.empty((len(seeds), len(lengths)), bool)
    for heard, checked, tested in folds(speakers):
        training = (takes >= 5) & (takes < 15) & np.isin(who, heard)
        pool = np.flatnonzero(training[of_frame])
        shift, unit = x[pool].mean(axis=0), x[pool].std(axis=0)
        rows = [np.random.default_rng([s, 17]).permutation(len(pool))[:EXAMPLES] for s in seeds]
        network = acoustic.trained(
            seeds, (x[pool] - shift) / unit, digits[of_frame][pool], np.array(rows),
            activation=activation, hidden=[] if activation == "identity" else [WIDTH],
            classes=DIGITS, initialization=initialization, epochs=epochs,
            learning_rate=learning_rate,
        )  # fmt: skip
        reached = {}
        for name, part, people in (("validation", valid, checked), ("test", test, tested)):
            own = part & np.isin(who, people)
            seen = (x[own[of_frame]] - shift) / unit
            reached[name] = acoustic.scores(network, seen, lengths[own], digits[own])
            right[:, own] = reached[name][1]
        found["validation_accuracy"].append(reached["validation"][1].mean(axis=-1))
        found["frame_accuracy"].append(reached["test"][0].mean(axis=-1))
    each = {f"speaker_{i}": right[:, test & (who == i)].mean(-1) for i in range(SPEAKERS)}
    found = {name: np.mean(values, axis=0) for name, values in found.items()}
    return found | {"test_accuracy": right[:, test].mean(-1)} | each


def figure(records):
    """Draw the accuracy for each speaker, known and new."""
    best = chosen(
        records, "validation_accuracy", "speakers", "features", "activation", "epochs"
    ).select(features="log-mel", epochs=16)
    cases = best.distinct("speakers")
    drawn, panels = plt.subplots(1, len(cases), figsize=(8, 3), sharey=True, squeeze=False)
    for axes, case in zip(panels[0], cases, strict=True):
        for name in best.distinct("activation"):
            own = best.select(speakers=case, activation=name)
            if len(own):
                ends = [t_interval(own.array(f"speaker_{i}")) for i in range(SPEAKERS)]
                low, high = np.transpose(ends)
                axes.fill_between(range(SPEAKERS), low, high, alpha=0.5, label=name)
        axes.set(title=f"{case} speakers", xlabel="speaker")
        axes.legend()
    panels[0, 0].set_ylabel("accuracy for recordings")
    return drawn


STUDY = Study(
    measure,
    GRID,
    range(16),
    figure=figure,
    tune=TUNE,
    replicas=small_sets.AT_ONCE,
    quick={
        "grid": SHORT,
        "seeds": range(4),
        "tune": small_sets.quickly(TUNE),
    },
)
