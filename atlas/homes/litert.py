"""LiteRT (once TensorFlow Lite), as it runs by default: XNNPACK takes what it has kernels for.

A line of TensorFlow is converted by its converter and run by the interpreter of LiteRT. In float16
and float64 the converter refuses nearly all of them, in bfloat16 all.
"""

import inspect

import numpy as np
import tensorflow as tf
from ai_edge_litert import interpreter

PACKAGES = ["tensorflow==2.21.0", "ai-edge-litert==2.3.0"]
DTYPES = {"float32": tf.float32}
LINES = {
    "identity": ["tf.identity(x)"],
    "relu": ["tf.nn.relu(x)", "tf.maximum(x, 0)"],
    "leaky_relu": [
        "tf.nn.leaky_relu(x)",
        "tf.nn.leaky_relu(x, 0.01)",
        "keras.layers.LeakyReLU()(x)",
    ],
    "prelu": ["tf.nn.relu(x) - 0.25 * tf.nn.relu(-x)", "tf.nn.leaky_relu(x, 0.25)"],
    "threshold": ["keras.activations.threshold(x, 0.0, 0.0)"],
    "relu6": ["tf.nn.relu6(x)", "tf.clip_by_value(x, 0, 6)"],
    "hard_tanh": ["tf.clip_by_value(x, -1, 1)", "keras.activations.hard_tanh(x)"],
    "hard_sigmoid": ["keras.activations.hard_sigmoid(x)"],
    "sparse_sigmoid": ["keras.activations.sparse_sigmoid(x)"],
    "hard_shrink": ["keras.activations.hard_shrink(x)"],
    "soft_shrink": ["keras.activations.soft_shrink(x)"],
    "squared_relu": ["tf.square(tf.nn.relu(x))"],
    "hard_swish": ["keras.activations.hard_swish(x)", "x * tf.nn.relu6(x + 3) / 6"],
    "sparse_plus": ["keras.activations.sparse_plus(x)"],
    "sigmoid": ["tf.nn.sigmoid(x)"],
    "log_sigmoid": ["tf.math.log_sigmoid(x)", "tf.math.log(tf.nn.sigmoid(x))"],
    "tanh": ["tf.nn.tanh(x)"],
    "softsign": ["tf.nn.softsign(x)"],
    "tanh_shrink": ["keras.activations.tanh_shrink(x)"],
    "softplus": ["tf.nn.softplus(x)", "tf.math.log1p(tf.exp(x))"],
    "squareplus": ["keras.activations.squareplus(x)"],
    "elu": ["tf.nn.elu(x)"],
    "celu": ["keras.activations.celu(x)"],
    "selu": ["tf.nn.selu(x)"],
    "gelu": ["tf.nn.gelu(x)"],
    "gelu_tanh": ["tf.nn.gelu(x, approximate=True)"],
    "quick_gelu": ["x * tf.nn.sigmoid(1.702 * x)"],
    "silu": ["tf.nn.silu(x)", "x * tf.nn.sigmoid(x)"],
    "swish": ["tf.nn.swish(x)"],
    "mish": ["keras.activations.mish(x)", "x * tf.nn.tanh(tf.nn.softplus(x))"],
    "sine": ["tf.sin(x)"],
    "gaussian": ["tf.exp(-tf.square(x))"],
    "exponential": ["tf.exp(x)"],
    "softmax": ["tf.nn.softmax(x)"],
    "softmin": ["tf.nn.softmax(-x)"],
    "log_softmax": ["tf.nn.log_softmax(x)", "tf.math.log(tf.nn.softmax(x))"],
    "logsumexp": ["tf.math.reduce_logsumexp(x, axis=-1)"],
    "sparsemax": ["keras.activations.sparsemax(x)"],
    "glu": ["keras.activations.glu(x)"],
}


def model(function, shape, kind=tf.float32):
    """Return the bytes of the model that the converter makes of a function."""
    traced = tf.function(function, input_signature=[tf.TensorSpec(shape, kind)])
    concrete = traced.get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete], traced).convert()


def run(made, x, resolver=interpreter.OpResolverType.AUTO):
    """Return what a model answers."""
    engine = interpreter.Interpreter(model_content=made, experimental_op_resolver_type=resolver)
    engine.allocate_tensors()
    engine.set_tensor(engine.get_input_details()[0]["index"], x)
    engine.invoke()
    return engine.get_tensor(engine.get_output_details()[0]["index"])


SETUP = "\n\n\n".join(
    [
        "import tensorflow as tf\nfrom ai_edge_litert import interpreter\n"
        "from tensorflow import keras",
        inspect.getsource(model).strip(),
        inspect.getsource(run).strip(),
        "# a line is run as run(model(lambda x: LINE, x.shape), x)",
    ]
)


def values(line, x, dtype, run=run):
    """Return the values of a line."""
    kind = DTYPES[dtype]
    made = model(lambda x: eval(line, {"tf": tf, "keras": tf.keras, "x": x}), x.shape, kind)
    return run(made, x.astype(kind.as_numpy_dtype)).astype(np.float64)


def slopes(line, x, dtype):
    """Raise: this home runs a model forward only."""
    raise NotImplementedError("computes no gradients")
