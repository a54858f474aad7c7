"""Layers of cells and norms of Keras, on the backend that the module which imports this chose."""

import keras
import numpy as np

SETUP = "import keras"
KINDS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
GATES = {"rnn": [0], "lstm": [0, 1, 2, 3], "gru": [1, 0, 2]}  # in the order of Keras


def ordered(kind, value, back=False):
    """Return gates in the order of Keras, or back in the order of the questions."""
    order = np.argsort(GATES[kind]) if back else GATES[kind]
    parts = np.split(value, len(order), axis=-1)
    return np.concatenate([parts[i] for i in order], axis=-1)


def layer(kind, w, **options):
    """Return a layer that gives outputs and states, and its weights."""
    units = w["bias"].size // len(GATES[kind])
    made = KINDS[kind](units, return_sequences=True, return_state=True, **options)
    found = [ordered(kind, w[name]) for name in ("input", "recurrent", "bias")]
    if kind == "gru" and made.cell.reset_after:
        found[2] = np.stack([found[2], np.zeros_like(found[2])])
    return made, found


def options_of(kind, direction=None, reset=None, activations=None, **others):
    """Return the arguments of a layer."""
    if others:
        raise NotImplementedError(f"the layers have no {', '.join(others)}")
    options = {"go_backwards": True} if direction == "reverse" else {}
    if reset:
        options["reset_after"] = reset == "after"
    if activations:
        if kind == "lstm" and activations[1] != activations[2]:
            raise NotImplementedError("one activation for candidate and output")
        options["activation"] = activations[-1]
        if kind != "rnn":
            options["recurrent_activation"] = activations[0]
    return options


def called(layer, x, given):
    """Return what a layer answers."""
    return [keras.ops.convert_to_numpy(each) for each in layer(x, **given)]


def cell(kind, w, x, lengths=None, start=None, back=None, activations=None, call=called, **options):
    """Return outputs and states."""
    half = len(activations) // 2 if activations and back else None
    made, weights = layer(kind, w, **options_of(kind, activations=activations and
                          activations[:half], **options))  # fmt: skip
    if back is not None:
        other, more = layer(kind, back, go_backwards=True, **options_of(
            kind, activations=half and activations[half:]))  # fmt: skip
        made, weights = keras.layers.Bidirectional(made, backward_layer=other), weights + more
    made.build(x.shape)
    made.set_weights(weights)
    given = {}
    if lengths is not None:
        given["mask"] = np.arange(x.shape[1])[None] < lengths[:, None]
    if start is not None:
        first = [keras.ops.convert_to_tensor(start[name], dtype="float32")
                 for name in ("h", "c") if name in start]  # fmt: skip
        given["initial_state"] = first
    y, *states = call(made, x.astype("float32"), given)
    if back is not None:
        n = len(states) // 2
        states = [np.concatenate(pair, -1) for pair in zip(states[:n], states[n:], strict=True)]
    return {"y": y} | dict(zip(("h", "c"), states, strict=False))


def initial(kind, inputs, units):
    """Return initial weights."""
    keras.utils.set_random_seed(0)
    made = KINDS[kind](units)
    made.build((1, 5, inputs))
    found = [np.asarray(each) for each in made.get_weights()]
    names = ("input", "recurrent", "bias")
    found[2] = found[2].sum(0) if found[2].ndim > 1 else found[2]
    return {name: ordered(kind, each, True) for name, each in zip(names, found, strict=True)}


def stateful(way, w, x):
    """Return what a second call in a row answers; in fit, the learning rate is 0."""
    x = x.astype("float32")
    given = keras.Input(batch_shape=x.shape)
    made = keras.layers.SimpleRNN(w["bias"].size, return_sequences=True, stateful=True)
    model = keras.Model(given, made(given))
    model.set_weights([w["input"], w["recurrent"], w["bias"]])
    if way == "call":
        model(x)
    elif way == "predict":
        model.predict(x, batch_size=len(x), verbose=0)
    else:
        model.compile(keras.optimizers.SGD(0.0), "mse")
        target = np.zeros((*x.shape[:2], w["bias"].size))
        model.fit(x, target, batch_size=len(x), shuffle=False, verbose=0)
    if way == "predict":
        return {"y": model.predict(x, batch_size=len(x), verbose=0)}
    return {"y": keras.ops.convert_to_numpy(model(x))}


def norm_layer(kind, epsilon, groups, dtype):
    """Return a layer; channels are axis 1."""
    options = {"dtype": dtype} | ({} if epsilon is None else {"epsilon": epsilon})
    layers = keras.layers
    return {
        "layer": lambda: layers.LayerNormalization(**options),
        "rms": lambda: layers.RMSNormalization(**options),
        "batch": lambda: layers.BatchNormalization(axis=1, **options),
        "group": lambda: layers.GroupNormalization(groups, axis=1, **options),
        "instance": lambda: layers.GroupNormalization(-1, axis=1, **options),
    }[kind]()


def norm(kind, x, epsilon=None, groups=None, dtype="float32"):
    """Return normalized values, by the layers as they are in training."""
    made = norm_layer(kind, epsilon, groups, dtype)
    training = {"training": True} if kind == "batch" else {}
    y = made(keras.ops.convert_to_tensor(x, dtype=dtype), **training)
    return {"y": keras.ops.convert_to_numpy(y)}


def in_use(x, mean, variance, epsilon=None):
    """Return batch norm with running statistics."""
    options = {} if epsilon is None else {"epsilon": epsilon}
    made = keras.layers.BatchNormalization(axis=1, **options)
    made.build(x.shape)
    made.set_weights([np.ones_like(mean), np.zeros_like(mean), mean, variance])
    return {"y": keras.ops.convert_to_numpy(made(x.astype("float32"), training=False))}


def running(x):
    """Return the running statistics after one batch."""
    made = keras.layers.BatchNormalization(axis=1)
    made(x.astype("float32"), training=True)
    found = {"mean": made.moving_mean, "variance": made.moving_variance}
    return {name: keras.ops.convert_to_numpy(each) for name, each in found.items()}
