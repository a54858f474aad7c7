"""The networks in Keras, on the backend that the module which imports this has chosen."""

import keras
import numpy as np
from _plain import check, turned

MODES = ("float32", "float16", "bfloat16", "int8 weights")
CELLS = {"lstm": (keras.layers.LSTM, "ifgo", "ifgo"), "gru": (keras.layers.GRU, "rzn", "zrn")}


def network(job, x):
    """Return the network of a job."""
    w, told = job["w"], job["settings"]
    layers, weights = [keras.Input(x.shape[1:])], []
    if check(job, "float32"):
        count = len(w) // 2
        for i in range(count):
            bent = {"activation": told["function"]} if i + 1 < count else {}
            layers.append(keras.layers.Dense(w[f"w{i}"].shape[1], **bent))
            weights += [w[f"w{i}"], w[f"b{i}"][0]]
    else:
        layer, order, there = CELLS[told["cell"]]
        # in half precision the usual initializer fails, unnoticed by the model (3.15.1)
        own = {"return_sequences": job["x"] == "names", "recurrent_initializer": "zeros"}
        layers.append(layer(len(w["r"]), **own))
        layers.append(keras.layers.Dense(w["w1"].shape[1]))
        bias = turned(w["b"], order, there)
        if "rb" in w:
            bias = np.concatenate([bias, turned(w["rb"], order, there)])
        else:
            bias = bias[0]
        weights = [turned(w["w"], order, there), turned(w["r"], order, there), bias]
        weights += [w["w1"], w["b1"][0]]
    made = keras.Sequential(layers)
    made.set_weights(weights)
    return made


def answer(job, x, mode):
    """Return what the network of a job answers."""
    if not check(job, mode) and mode == "int8 weights":
        raise NotImplementedError(mode)
    keras.config.set_dtype_policy("float32" if "int8" in mode else mode)
    net = network(job, x)
    if "int8" in mode:
        net.quantize("int8")
    y = net(keras.ops.convert_to_tensor(x), training=False)
    return keras.ops.convert_to_numpy(keras.ops.cast(y, "float32"))
