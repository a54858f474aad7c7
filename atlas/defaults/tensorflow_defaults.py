"""TensorFlow without Keras: dropout, the optimizers of version 1, losses."""

import numpy as np
import tensorflow as tf

PACKAGES = ["tensorflow==2.21.0"]
SETUP = "import tensorflow as tf"


def numbers(x):
    """Return what it answers as NumPy's numbers."""
    return tf.cast(x, tf.float32).numpy()


def dropped(rate, n, dtype="float32", training=True):
    """Return what dropout makes of ones; it is a function that a model calls in training alone."""
    if not training:
        raise NotImplementedError("tf.nn.dropout is not called outside training")
    tf.random.set_seed(0)
    return {"y": numbers(tf.nn.dropout(tf.ones([n], dtype), rate))}


def dropped_as_before(rate, n):
    """Return what the function of version 1 makes of ones, with the number in second place."""
    tf.random.set_seed(0)
    return {"y": numbers(tf.compat.v1.nn.dropout(tf.ones([n]), rate))}


def masks(n):
    """Return two masks of one seed, the second from a compiled function."""
    found = []
    compiled = tf.function(tf.nn.dropout, jit_compile=True)
    for run in (tf.nn.dropout, compiled):
        tf.random.set_seed(0)
        found.append(numbers(run(tf.ones([n]), 0.5, seed=1)) == 0)
    return {"y": np.stack(found)}


def adam(gradients, dtype="float32"):
    """Return how far the first step goes for each gradient, by the optimizer of version 1."""
    parameter = tf.Variable(np.zeros(len(gradients), dtype))
    tool = tf.compat.v1.train.AdamOptimizer(1.0)
    tool.apply_gradients([(tf.constant(gradients.astype(dtype)), parameter)])
    return {"y": -numbers(parameter)}


def descent(gradients):
    """Return how far a step of plain gradient descent with learning rate 1 goes for each."""
    parameter = tf.Variable(np.zeros(len(gradients)))
    tool = tf.compat.v1.train.GradientDescentOptimizer(1.0)
    tool.apply_gradients([(tf.constant(gradients), parameter)])
    return {"y": -numbers(parameter)}


def smoothed(logits, rate):
    """Return the cross-entropy of class 0."""
    target = np.eye(len(logits))[:1]
    loss = tf.compat.v1.losses.softmax_cross_entropy(target, logits[None], label_smoothing=rate)
    return {"loss": numbers(loss)}


def absolute():
    """Return the slope of the absolute value at 0."""
    x = tf.Variable([0.0])
    with tf.GradientTape() as tape:
        y = tf.abs(x)
    return {"y": numbers(tape.gradient(y, x))}
