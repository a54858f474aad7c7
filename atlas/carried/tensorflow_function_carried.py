"""TensorFlow itself, in a `tf.function`, dense networks only."""

import tensorflow as tf
from _plain import check, layers
from tensorflow_function import PACKAGES

__all__ = ["MODES", "PACKAGES", "answer"]
MODES = ("float32", "float16", "bfloat16")


def answer(job, x, mode):
    """Return what the network of a job answers."""
    if not check(job, mode, ()):
        raise NotImplementedError(job["name"])
    pairs = [[tf.cast(part, mode) for part in pair] for pair in layers(job)]

    @tf.function
    def network(h):
        for place, (w, b) in enumerate(pairs):
            h = h @ w + b
            h = getattr(tf.nn, job["settings"]["function"])(h) if place + 1 < len(pairs) else h
        return tf.cast(h, tf.float32)

    return network(tf.cast(x, mode)).numpy()
