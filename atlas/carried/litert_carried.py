"""LiteRT with XNNPACK, from Keras through TensorFlow's converter.

"float16 weights" and "int8 weights" are the converter's `optimizations`; "int8" has activations in
8 bits, too, with the ranges that a batch of training images has.
"""

from litert import PACKAGES, run  # isort: skip, TensorFlow finds it by its name

import keras
import numpy as np
import tensorflow as tf
from _keras_layers import network
from _plain import check

__all__ = ["MODES", "PACKAGES", "answer"]
MODES = ("float32", "float16 weights", "int8 weights", "int8")


def converted(job, x, mode):
    """Return the bytes of the model of a job."""
    made = network(job, x)
    spec = [tf.TensorSpec(x.shape, tf.float32)]
    traced = tf.function(lambda x: made(x, training=False), input_signature=spec)
    concrete = traced.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], traced)
    if mode != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if mode == "float16 weights":
        converter.target_spec.supported_types = [tf.float16]
    if mode == "int8":
        converter.representative_dataset = lambda: ([x] for _ in range(1))
    return converter.convert()


def answer(job, x, mode, run=run):
    """Return what the model of a job answers."""
    if not check(job, mode) and mode == "int8":
        raise NotImplementedError(mode)
    keras.config.set_dtype_policy("float32")
    return np.asarray(run(converted(job, x, mode), x))
