"""Keras 3, on a backend that is named in the environment before it is imported.

Functions compute in the dtype of their input. Layers round it to their own dtype, float32 unless
told otherwise: the probe sets it, as a reader does who computes in another one. `keras.ops` is what
`keras.activations` calls, but with defaults of its own: GELU is the tanh form there.

On JAX and PyTorch Keras holds float64 for float32 where it joins dtypes: there, of a float64 input,
some functions (tanh, sin and logaddexp on JAX, maximum and logaddexp on PyTorch) answer float32.

What the catalogue has and Keras has not: rrelu, quick_gelu, lecun_tanh, softmin, maxout. What Keras
has and the catalogue has not: `keras.ops.polar`, and `keras.layers.ReLU` with a threshold of
its own, below which it is 0.
"""

import os

import numpy as np

SETUP = "import keras\nimport numpy as np\nkeras.config.set_dtype_policy(dtype)"
NAMES = ("float16", "bfloat16", "float32", "float64")
QUARTER = "alpha_initializer=keras.initializers.Constant(0.25)"
LINES = {
    "identity": ["keras.activations.linear(x)", "keras.layers.Identity()(x)"],
    "relu": [
        "keras.activations.relu(x)",
        "keras.layers.ReLU()(x)",
        "keras.ops.maximum(x, 0)",
        "keras.ops.maximum(0, x)",
        "keras.ops.clip(x, 0, np.inf)",
    ],
    "leaky_relu": [
        "keras.activations.leaky_relu(x)",
        "keras.layers.LeakyReLU()(x)",
        "keras.activations.leaky_relu(x, negative_slope=0.01)",
        "keras.layers.LeakyReLU(negative_slope=0.01)(x)",
        "keras.activations.relu(x, negative_slope=0.01)",
        "keras.layers.ReLU(negative_slope=0.01)(x)",
        "keras.ops.maximum(x, 0.01 * x)",
    ],
    "prelu": ["keras.layers.PReLU()(x)", f"keras.layers.PReLU({QUARTER})(x)"],
    "threshold": ["keras.activations.threshold(x, 0, 0)"],
    "relu6": [
        "keras.activations.relu6(x)",
        "keras.activations.relu(x, max_value=6)",
        "keras.layers.ReLU(max_value=6)(x)",
        "keras.ops.clip(x, 0, 6)",
    ],
    "hard_tanh": ["keras.activations.hard_tanh(x)", "keras.ops.clip(x, -1, 1)"],
    "hard_sigmoid": ["keras.activations.hard_sigmoid(x)"],
    "sparse_sigmoid": ["keras.activations.sparse_sigmoid(x)"],
    "hard_shrink": ["keras.activations.hard_shrink(x)"],
    "soft_shrink": ["keras.activations.soft_shrink(x)"],
    "squared_relu": ["keras.ops.square(keras.ops.relu(x))"],
    "hard_swish": ["keras.activations.hard_silu(x)"],
    "sparse_plus": ["keras.activations.sparse_plus(x)"],
    "sigmoid": ["keras.activations.sigmoid(x)", "keras.ops.sigmoid(x)"],
    "log_sigmoid": [
        "keras.activations.log_sigmoid(x)",
        "keras.ops.log(keras.ops.sigmoid(x))",
    ],
    "tanh": ["keras.activations.tanh(x)"],
    "softsign": ["keras.activations.softsign(x)"],
    "tanh_shrink": ["keras.activations.tanh_shrink(x)"],
    "softplus": ["keras.activations.softplus(x)", "keras.ops.logaddexp(x, 0.0)"],
    "squareplus": ["keras.activations.squareplus(x)"],
    "elu": ["keras.activations.elu(x)", "keras.layers.ELU()(x)"],
    "celu": ["keras.activations.celu(x)"],
    "selu": ["keras.activations.selu(x)"],
    "gelu": [
        "keras.activations.gelu(x)",
        "keras.ops.gelu(x)",
        "keras.ops.gelu(x, approximate=False)",
    ],
    "gelu_tanh": ["keras.activations.gelu(x, approximate=True)", "keras.ops.gelu(x)"],
    "silu": ["keras.activations.silu(x)", "x * keras.ops.sigmoid(x)"],
    "swish": ["keras.activations.swish(x)"],
    "mish": ["keras.activations.mish(x)"],
    "sine": ["keras.ops.sin(x)"],
    "gaussian": ["keras.ops.exp(-keras.ops.square(x))"],
    "exponential": ["keras.activations.exponential(x)"],
    "softmax": ["keras.activations.softmax(x)", "keras.layers.Softmax()(x)"],
    "log_softmax": ["keras.activations.log_softmax(x)", "keras.ops.log(keras.ops.softmax(x))"],
    "logsumexp": ["keras.ops.logsumexp(x, axis=-1)"],
    "sparsemax": ["keras.activations.sparsemax(x)"],
    "glu": ["keras.activations.glu(x)"],
}


def load(backend):
    """Import Keras on a backend, in the dtypes as they are named."""
    os.environ["KERAS_BACKEND"] = backend
    import keras

    assert keras.backend.backend() == backend
    return keras


def array(x, dtype):
    """Return numbers as Keras takes them, and make its layers compute in their dtype."""
    import keras

    keras.config.set_dtype_policy(dtype)
    return keras.ops.convert_to_tensor(x, dtype=dtype)


def numbers(y):
    """Return what it answers as float64."""
    import keras

    return keras.ops.convert_to_numpy(keras.ops.cast(y, "float64"))


def run(line, x):
    """Return what a line answers."""
    import keras

    return eval(line, {"keras": keras, "np": np, "x": x})


def first(y, x):
    """Return a row of outputs, or of matrices the first column."""
    return y[..., 0] if len(x.shape) > 1 and len(y.shape) == len(x.shape) else y


def values(line, x, dtype):
    """Return the values of a line."""
    return numbers(run(line, array(x, dtype)))
