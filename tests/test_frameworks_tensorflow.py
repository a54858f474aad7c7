"""A network that was carried to TensorFlow is held against its graph, without PyTorch.

TensorFlow is in the extra ``frameworks`` and not in the lock, so that this is skipped where nobody
installed it. It runs in a process of its own, since Keras takes one backend a process.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is an extra")

PROGRAM = """
import json
import sys

sys.modules["torch"] = None
import keras
import numpy as np
import tensorflow as tf
from onnx import helper, numpy_helper
from course_lib.frameworks import compare

assert keras.backend.backend() == "tensorflow"
random = np.random.default_rng(0)
weights = [random.normal(size=size).astype("float32") for size in ((6, 8), (8,), (8, 3), (3,))]


def graph(slope):
    nodes = [
        helper.make_node("Gemm", ["x", "w0", "b0"], ["hidden"]),
        helper.make_node("LeakyRelu", ["hidden"], ["bent"], alpha=slope),
        helper.make_node("Gemm", ["bent", "w1", "b1"], ["y"]),
    ]
    value = helper.make_tensor_value_info
    x, y = value("x", 1, ["batch", 6]), value("y", 1, ["batch", 3])
    constants = map(numpy_helper.from_array, weights, ("w0", "b0", "w1", "b1"))
    made = helper.make_graph(nodes, "mlp", [x], [y], list(constants))
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


layers = keras.layers.Dense(8), keras.layers.LeakyReLU(), keras.layers.Dense(3)
model = keras.Sequential([keras.Input((6,)), *layers])
model.set_weights(weights)


@tf.function
def function(x):
    return tf.nn.leaky_relu(x @ weights[0] + weights[1]) @ weights[2] + weights[3]


x = random.normal(size=(16, 6)).astype("float32")
found = {
    f"{name} {slope}": compare(graph(slope), other, x).known or "agrees"
    for name, other in (("keras", model), ("tensorflow", function), ("predict", model.predict))
    for slope in (0.01, 0.2, 0.3)
}
assert compare(model, graph(0.3), x).agrees and not compare(model, function, x).agrees
print(json.dumps(found))
"""


def test_a_keras_model_and_a_function_of_tensorflow_are_compared_with_a_graph(root):
    here = os.environ | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=here, cwd=root
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    agreeing = {"keras 0.3", "predict 0.3", "tensorflow 0.2"}  # the defaults there
    assert {case for case, known in found.items() if known == "agrees"} == agreeing
    assert all(found[case] == ["leaky-slope"] for case in set(found) - agreeing)
