"""TensorFlow, step by step.

What the catalogue has and TensorFlow has not under a name: hard_tanh is a clip, and prelu, rrelu,
threshold, hard_sigmoid, sparse_sigmoid, shrinks, hard_swish, sparse_plus, squareplus, celu, mish,
softmin, sparsemax, maxout and glu are Keras's, if anyone's. What it has and the catalogue has not:
`tf.nn.crelu`, two ReLUs side by side.

Where a number stands in its vector decides last bits: up to 10 of 999 float32 numbers differ in
exp, sigmoid, softplus, silu and gelu, and up to 6 float64 ones in tanh, when the vector is shifted
or turned around.
"""

import tensorflow as tf

PACKAGES = ["keras==3.15.1", "tensorflow==2.21.0"]
SETUP = "import tensorflow as tf"
DTYPES = {name: getattr(tf, name) for name in ("float16", "bfloat16", "float32", "float64")}
LINES = {
    "identity": ["tf.identity(x)"],
    "relu": [
        "tf.nn.relu(x)",
        "tf.maximum(x, 0)",
        "tf.maximum(tf.zeros_like(x), x)",
        "tf.where(x > 0, x, 0)",
    ],
    "leaky_relu": [
        "tf.nn.leaky_relu(x)",
        "tf.nn.leaky_relu(x, alpha=0.01)",
        "tf.maximum(x, 0.01 * x)",
    ],
    "prelu": ["tf.nn.leaky_relu(x, alpha=0.25)"],
    "relu6": ["tf.nn.relu6(x)", "tf.clip_by_value(x, 0, 6)"],
    "hard_tanh": ["tf.clip_by_value(x, -1, 1)"],
    "hard_sigmoid": ["tf.nn.relu6(x + 3) / 6"],
    "squared_relu": ["tf.square(tf.nn.relu(x))"],
    "hard_swish": ["x * tf.nn.relu6(x + 3) / 6"],
    "sigmoid": ["tf.nn.sigmoid(x)", "1 / (1 + tf.exp(-x))"],
    "log_sigmoid": ["tf.math.log_sigmoid(x)", "tf.math.log(tf.sigmoid(x))"],
    "tanh": ["tf.nn.tanh(x)"],
    "softsign": ["tf.nn.softsign(x)"],
    "softplus": ["tf.nn.softplus(x)", "tf.math.log(1 + tf.exp(x))"],
    "elu": ["tf.nn.elu(x)"],
    "selu": ["tf.nn.selu(x)"],
    "gelu": ["tf.nn.gelu(x)"],
    "gelu_tanh": ["tf.nn.gelu(x, approximate=True)"],
    "quick_gelu": ["x * tf.nn.sigmoid(1.702 * x)"],
    "silu": ["tf.nn.silu(x)", "x * tf.nn.sigmoid(x)"],
    "swish": ["tf.nn.swish(x)"],
    "mish": ["x * tf.nn.tanh(tf.nn.softplus(x))"],
    "sine": ["tf.sin(x)"],
    "gaussian": ["tf.exp(-tf.square(x))"],
    "exponential": ["tf.exp(x)"],
    "softmax": ["tf.nn.softmax(x)"],
    "log_softmax": ["tf.nn.log_softmax(x)", "tf.math.log(tf.nn.softmax(x))"],
    "logsumexp": ["tf.math.reduce_logsumexp(x, axis=-1)"],
}


def array(x, dtype):
    """Return numbers as this home takes them."""
    return tf.constant(x, dtype=DTYPES[dtype])


def numbers(y):
    """Return what it answers as float64."""
    return tf.cast(y, tf.float64).numpy()


def run(line, x):
    """Return what a line answers."""
    return eval(line, {"tf": tf, "x": x})


def gradient(line, x):
    """Return the gradient of the sum of outputs, of a row the gradient of its first output."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = run(line, x)
        y = y[..., 0] if len(x.shape) > 1 and len(y.shape) == len(x.shape) else y
    return tape.gradient(y, x)


def values(line, x, dtype):
    """Return the values of a line."""
    return numbers(run(line, array(x, dtype)))


def slopes(line, x, dtype):
    """Return the gradient of a line."""
    return numbers(gradient(line, array(x, dtype)))
