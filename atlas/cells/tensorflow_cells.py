"""TensorFlow without Keras: its kernels for cells, as `tf.raw_ops`, and functions for norms.

`BlockLSTM` has gates in the order input, candidate, forget, output, and adds `forget_bias`, 1 by
default, to what the forget gate is given: of a bias from elsewhere 1 has to be taken.
"""

import numpy as np
import tensorflow as tf
from _steps import by_step, refused, split, started

PACKAGES = ["tensorflow==2.21.0"]
SETUP = "import tensorflow as tf"


def number(x):
    """Return numbers as this home takes them."""
    return tf.constant(np.float32(x))


def cell(kind, w, x, start=None, reset=None, clip=None, peepholes=None, **options):
    """Return outputs and states; clip is `cell_clip`."""
    if kind == "rnn":
        raise NotImplementedError("TensorFlow leaves plain cells to Keras")
    units = len(w["recurrent"])
    first = [number(each) for each in started(kind, start, len(x), units)]
    stacked = np.concatenate([w["input"], w["recurrent"]])
    if kind == "gru":
        refused("GRUBlockCell", clip=clip, peepholes=peepholes, **options)
        if reset == "after":
            raise NotImplementedError("GRUBlockCell resets before the product")
        r, z, n = (number(part) for part in split(stacked, 3))
        b_r, b_z, b_n = (number(part) for part in split(w["bias"], 3))
        gates = {"w_ru": tf.concat([r, z], 1), "b_ru": tf.concat([b_r, b_z], 0)}

        def step(states, at):
            return [tf.raw_ops.GRUBlockCell(x=number(at), h_prev=number(states[0]), w_c=n, b_c=b_n,
                                            **gates).h.numpy()]  # fmt: skip

        return by_step(step, first, x)
    refused("BlockLSTM", **options)
    i, f, g, o = split(stacked, 4)
    b_i, b_f, b_g, b_o = split(w["bias"], 4)
    matrix, bias = np.concatenate([i, g, f, o], 1), np.concatenate([b_i, b_g, b_f - 1, b_o])
    holes = np.zeros((3, units)) if peepholes is None else peepholes
    found = tf.raw_ops.BlockLSTM(
        seq_len_max=x.shape[1], x=number(x.transpose(1, 0, 2)), h_prev=first[0], cs_prev=first[1],
        w=number(matrix), b=number(bias),
        wci=number(holes[0]), wcf=number(holes[1]), wco=number(holes[2]),
        use_peephole=peepholes is not None, cell_clip=-1 if clip is None else clip,
    )  # fmt: skip
    h, c = found.h.numpy(), found.cs.numpy()
    return {"y": h.transpose(1, 0, 2), "h": h[-1], "c": c[-1]}


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return values normalized with `tf.nn.moments`; batch norm with the kernel that is fused."""
    if kind in ("rms", "group"):
        raise NotImplementedError("TensorFlow leaves group and RMS norm to Keras")
    x = tf.constant(x.astype(dtype))
    if kind == "batch":
        options = {} if epsilon is None else {"epsilon": epsilon}
        ones, none = tf.ones(x.shape[1]), tf.zeros(x.shape[1])
        y = tf.compat.v1.nn.fused_batch_norm(x[:, None, None, :], ones, none, **options)[0]
        return {"y": y[:, 0, 0].numpy()}
    if epsilon is None:
        raise NotImplementedError("tf.nn.batch_normalization has no default epsilon")
    axes = [len(x.shape) - 1]
    mean, variance = tf.nn.moments(x, axes, keepdims=True)
    return {"y": tf.nn.batch_normalization(x, mean, variance, None, None, epsilon).numpy()}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics, by the kernel that is fused."""
    options = {} if epsilon is None else {"epsilon": epsilon}
    ones, none = tf.ones(x.shape[1]), tf.zeros(x.shape[1])
    given = (ones, none, number(mean), number(variance))
    y = tf.compat.v1.nn.fused_batch_norm(
        number(x)[:, None, None, :], *given, is_training=False, **options
    )[0]
    return {"y": y[:, 0, 0].numpy()}


def running(x):
    """Return mean and variance of one batch as the fused kernel answers them for running ones."""
    ones, none = tf.ones(x.shape[1]), tf.zeros(x.shape[1])
    found = tf.compat.v1.nn.fused_batch_norm(number(x)[:, None, None, :], ones, none)
    return {"mean": found[1].numpy(), "variance": found[2].numpy()}
