"""The network in Keras, on the backend that the module which imports this has chosen."""

import os
import subprocess
import sys

import keras
import numpy as np

BACKENDS = ("tensorflow", "jax", "torch", "numpy", "openvino", "theano", "cntk", "mxnet", "mlx")
SETUP = "import keras"


def network(w):
    """Return the network with given weights, in their dtype."""
    dtype = str(w["w1"].dtype)
    model = keras.Sequential(
        [
            keras.Input((784,), dtype=dtype),
            keras.layers.Dense(256, activation="relu", dtype=dtype),
            keras.layers.Dense(10, dtype=dtype),
        ]
    )
    model.set_weights([w["w1"], w["b1"], w["w2"], w["b2"]])
    return model


def logits(w, x):
    """Return logits (batch, 10)."""
    return keras.ops.convert_to_numpy(network(w)(x))


def gradients(w, x, y):
    """Return the gradients: the steps of gradient descent with learning rate 1, negated."""
    model = network(w)
    compiled(model, 1.0).train_on_batch(x, y)
    after = dict(zip(("w1", "b1", "w2", "b2"), model.get_weights(), strict=True))
    return {name: w[name] - after[name] for name in w}


def compiled(model, rate):
    """Return the model with gradient descent."""
    model.compile(
        keras.optimizers.SGD(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def train(w, xs, ys, rate):
    """Return the loss before each step."""
    model = compiled(network(w), rate)
    losses = []
    for x, y in zip(xs, ys, strict=True):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(x, y)))
    return np.array(losses)


def dense(fan_in, fan_out):
    """Return initial weights."""
    keras.utils.set_random_seed(0)
    layer = keras.layers.Dense(fan_out)
    layer.build((None, fan_in))
    return keras.ops.convert_to_numpy(layer.kernel)


def dropped(rate, n):
    """Return ones after dropout in training."""
    return keras.ops.convert_to_numpy(keras.layers.Dropout(rate, seed=0)(np.ones(n), training=True))


def batch_norm(x):
    """Return running mean and variance after one batch."""
    layer = keras.layers.BatchNormalization()
    layer(x.astype(np.float32), training=True)
    found = layer.moving_mean, layer.moving_variance
    return np.stack([keras.ops.convert_to_numpy(part) for part in found])


def adam(gradients):
    """Return the first step for each gradient."""
    tool = keras.optimizers.Adam(1.0)
    parameter = keras.Variable(np.zeros(len(gradients)), dtype="float64")
    tool.apply([keras.ops.convert_to_tensor(gradients)], [parameter])
    return -keras.ops.convert_to_numpy(parameter)


def gru(w, x):
    """Return the last output; Keras has its gates in the order update, reset, candidate."""
    units = w["recurrent"].shape[0]
    turned = {}
    for name, value in w.items():
        reset, update, candidate = np.split(value, 3, axis=1)
        turned[name] = np.concatenate([update, reset, candidate], axis=1)
    layer = keras.layers.GRU(units, dtype="float64")
    layer.build(x.shape)
    biases = [np.zeros_like(part) for part in layer.get_weights()[2:]]
    layer.set_weights([turned["input"], turned["recurrent"], *biases])
    return keras.ops.convert_to_numpy(layer(x))


def backends():
    """Return what Keras says when it is asked to run on each library: "runs", or its last line."""
    return {name: started(name) for name in BACKENDS}


def started(name):
    """Return what becomes of an import of Keras with a backend, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", "import keras; keras.ops.relu(keras.ops.ones(1))"],
        env=os.environ | {"KERAS_BACKEND": name}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stderr.strip().splitlines()[-1] if done.returncode else "runs"
