"""The network in TensorFlow without Keras."""

import numpy as np
import tensorflow as tf

PACKAGES = ["tensorflow==2.21.0"]
SETUP = "import tensorflow as tf"


def forward(w, x):
    """Return logits (batch, 10)."""
    return tf.nn.relu(x @ w["w1"] + w["b1"]) @ w["w2"] + w["b2"]


def loss(w, x, y):
    """Return the mean cross-entropy."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=forward(w, x))
    return tf.reduce_mean(losses)


def logits(w, x):
    """Return logits (batch, 10)."""
    return forward(w, tf.constant(x)).numpy()


def gradients(w, x, y):
    """Return the gradients of the mean cross-entropy."""
    w = {name: tf.Variable(value) for name, value in w.items()}
    with tf.GradientTape() as tape:
        value = loss(w, tf.constant(x), y)
    return {name: slope.numpy() for name, slope in tape.gradient(value, w).items()}


def train(w, xs, ys, rate):
    """Return the loss before each step."""
    w = {name: tf.Variable(value) for name, value in w.items()}
    losses = []
    for x, y in zip(xs, ys, strict=True):
        with tf.GradientTape() as tape:
            value = loss(w, tf.constant(x), y)
        for name, slope in tape.gradient(value, w).items():
            w[name].assign_sub(rate * slope)
        losses.append(float(value))
    return np.array(losses)


def dense(*_):
    """TensorFlow leaves layers to Keras."""
    raise NotImplementedError("TensorFlow leaves layers to Keras")


def dropped(rate, n):
    """Return ones after dropout."""
    return tf.nn.dropout(tf.ones(n), rate, seed=0).numpy()


batch_norm = adam = dense


def gru(w, x):
    """TensorFlow leaves layers to Keras."""
    raise NotImplementedError("TensorFlow leaves layers to Keras")
