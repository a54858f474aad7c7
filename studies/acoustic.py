"""Acoustic models: what the two studies of speech share.

An utterance is a run of frames. Frames of all utterances lie one after the other, (frames,
features), and `lengths` says how many belong to each utterance.
"""

import numpy as np

from course_lib.network import mlp
from course_lib.training import Momentum, fit

BATCH = 32


def in_context(frames, lengths, offsets):
    """Return each frame beside others of its utterance; the first and the last repeat."""
    ends = np.cumsum(lengths)
    first, last = np.repeat(ends - lengths, lengths), np.repeat(ends - 1, lengths)
    rows = np.arange(len(frames))[:, None] + np.asarray(offsets)
    return frames[np.clip(rows, first[:, None], last[:, None])].reshape(len(frames), -1)


def per_utterance(values, lengths):
    """Return the sums over the frames of each utterance, (..., frames, columns).

    The sum of the log posteriors is the score of a class.
    """
    return np.add.reduceat(values, np.cumsum(lengths) - lengths, axis=-2)


def mean_free(frames, lengths):
    """Return frames minus the mean of their utterance."""
    means = per_utterance(frames.astype(float), lengths) / lengths[:, None]
    return (frames - np.repeat(means, lengths, axis=0)).astype(frames.dtype)


def log_posteriors(network, x):
    """Return the logarithms of the probabilities of the classes."""
    logits = network(x).astype(float)
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def scores(network, x, lengths, labels):
    """Return which frames and which utterances are classified correctly; labels of utterances."""
    posteriors = log_posteriors(network, x)
    frame = posteriors.argmax(axis=-1) == np.repeat(labels, lengths)
    return frame, per_utterance(posteriors, lengths).argmax(axis=-1) == labels


def trained(seeds, x, y, rows, *, activation, hidden, classes, initialization, epochs,
            learning_rate):  # fmt: skip
    """Return networks that were trained, each on its own rows of the frames."""
    network = mlp(
        [x.shape[-1], *hidden, classes], activation, seed=list(seeds),
        initialization=initialization, dtype=np.float32,
    )  # fmt: skip
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # some trainings diverge
        fit(
            network, x[rows], y[rows], optimizer=Momentum(learning_rate), epochs=epochs,
            batch_size=BATCH, seed=list(seeds), progress=False,
        )  # fmt: skip
    return network
