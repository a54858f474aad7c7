"""LiteRT (once TensorFlow Lite): Keras's layers on TensorFlow, converted and run, as by default."""

import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
# TensorFlow tries to import a module litert, which the folder of homes has.
sys.path = [place for place in sys.path if not place.endswith("homes")]

import _keras_cells as keras_cells  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from ai_edge_litert import interpreter  # noqa: E402

PACKAGES = ["tensorflow==2.21.0", "ai-edge-litert==2.3.0"]
SETUP = "import keras\nimport tensorflow as tf\nfrom ai_edge_litert import interpreter"


def run(function, x):
    """Return what the converted function answers, in the order of its outputs."""
    traced = tf.function(function, input_signature=[tf.TensorSpec(x.shape, tf.float32)])
    concrete = traced.get_concrete_function()
    made = tf.lite.TFLiteConverter.from_concrete_functions([concrete], traced).convert()
    engine = interpreter.Interpreter(model_content=made)
    runner = engine.get_signature_runner() if engine.get_signature_list() else None
    if runner is not None:
        (name,) = runner.get_input_details()
        found = runner(**{name: x})
        return [found[key] for key in sorted(found)]
    engine.allocate_tensors()
    engine.set_tensor(engine.get_input_details()[0]["index"], x)
    engine.invoke()
    return [engine.get_tensor(each["index"]) for each in engine.get_output_details()]


def cell(kind, w, x, lengths=None, start=None, **options):
    """Return outputs and states of a layer whose Python call is converted."""

    def called(layer, given, extra):
        """Return what the converted call answers."""
        return run(lambda x: tuple(layer(x, **extra)), given)

    return keras_cells.cell(kind, w, x, lengths=lengths, start=start, call=called, **options)


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values; batch norm is converted for use, not for training."""
    if kind == "batch" or dtype != "float32":
        raise NotImplementedError("converted are batch norm in use and layers in float32")
    made = keras_cells.norm_layer(kind, epsilon, groups, dtype)
    x = x.astype(np.float32)
    made.build(x.shape)
    return {"y": run(lambda x: made(x), x)[0]}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    options = {} if epsilon is None else {"epsilon": epsilon}
    made = keras.layers.BatchNormalization(axis=1, **options)
    made.build(x.shape)
    made.set_weights([np.ones_like(mean), np.zeros_like(mean), mean, variance])
    return {"y": run(lambda x: made(x, training=False), x.astype(np.float32))[0]}
