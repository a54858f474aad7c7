"""Layers, dropout, optimizers and losses of Keras, on the backend that was chosen before."""

import keras
import numpy as np

SETUP = "import keras"


def numbers(x):
    """Return what it answers as NumPy's numbers."""
    return keras.ops.convert_to_numpy(keras.ops.cast(x, "float32"))


def kernel(fan_in, fan_out, **options):
    """Return the initial weights of a layer."""
    keras.utils.set_random_seed(0)
    layer = keras.layers.Dense(fan_out, **options)
    layer.build((None, fan_in))
    return numbers(layer.kernel)


def dense(fan_in, fan_out):
    """Return initial weights."""
    return {"w": kernel(fan_in, fan_out)}


def he_normal(fan_in, fan_out):
    """Return weights of the initializer that bears the name."""
    return {"w": kernel(fan_in, fan_out, kernel_initializer="he_normal")}


def twice():
    """Return the weights of two layers that share an initializer."""
    one = keras.initializers.HeNormal()
    layers = [keras.layers.Dense(3, kernel_initializer=one) for _ in range(2)]
    for layer in layers:
        layer.build((None, 3))
    return {"y": np.stack([numbers(layer.kernel) for layer in layers])}


def dropped(rate, n, dtype="float32", training=True):
    """Return what dropout makes of ones."""
    layer = keras.layers.Dropout(rate, seed=0, dtype=dtype)
    return {"y": numbers(layer(keras.ops.ones(n, dtype), training=training))}


def alpha_dropped(rate, n):
    """Return what alpha dropout makes of standard normal numbers."""
    layer = keras.layers.AlphaDropout(rate, seed=0)
    x = keras.random.normal((n,), seed=1)  # one seed would draw numbers and mask alike
    return {"y": numbers(layer(x, training=True))}


def stepped(tool, value, gradient):
    """Return a parameter after one step."""
    parameter = keras.Variable(value, dtype=value.dtype)
    tool.apply([keras.ops.convert_to_tensor(gradient)], [parameter])
    return numbers(parameter)


def adam(gradients, dtype="float32"):
    """Return how far the first step goes for each gradient."""
    given = gradients.astype(dtype)
    return {"y": -stepped(keras.optimizers.Adam(1.0), np.zeros_like(given), given)}


def descent(gradients):
    """Return how far a step of plain gradient descent with learning rate 1 goes for each."""
    given = np.float32(gradients)
    return {"y": -stepped(keras.optimizers.SGD(1.0), np.zeros_like(given), given)}


def decay():
    """Return what AdamW leaves of 1 with learning rate 0.5 and gradient 0."""
    none, one = np.zeros(1, np.float32), np.ones(1, np.float32)
    return {"y": stepped(keras.optimizers.AdamW(0.5), one, none)}


def smoothed(logits, rate):
    """Return the cross-entropy of class 0."""
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=rate)
    return {"loss": numbers(loss(np.eye(len(logits))[:1], logits[None]))}
