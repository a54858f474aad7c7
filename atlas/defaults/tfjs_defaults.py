"""TensorFlow.js in Node.js, on its CPU backend: layers, dropout, optimizers, losses."""

from tfjs_cells import NPM, PACKAGES, SETUP, ask

__all__ = ["NPM", "PACKAGES", "SETUP"]


def weights(fan_in, fan_out, option=""):
    """Return the initial weights of a layer."""
    line = f"""const layer = tf.layers.dense({{ units: {fan_out}, {option} }});
layer.build([1, {fan_in}]);
return [layer.getWeights()[0]];"""
    return {"w": ask(line)[0]}


def dense(fan_in, fan_out):
    """Return initial weights."""
    return weights(fan_in, fan_out)


def he_normal(fan_in, fan_out):
    """Return weights of the initializer that bears the name."""
    return weights(fan_in, fan_out, 'kernelInitializer: "heNormal"')


def twice():
    """Return the weights of two layers that share an initializer."""
    line = """const one = tf.initializers.heNormal({});
const layers = [0, 1].map(() => tf.layers.dense({ units: 3, kernelInitializer: one }));
layers.forEach((layer) => layer.build([1, 3]));
return [tf.stack(layers.map((layer) => layer.getWeights()[0]))];"""
    return {"y": ask(line)[0]}


def dropped(rate, n, dtype="float32", training=True):
    """Return what dropout makes of ones."""
    if dtype != "float32":
        raise NotImplementedError("TensorFlow.js has float32 alone")
    called = f"{{ training: {str(training).lower()} }}"
    line = f"return [tf.layers.dropout({{ rate: {rate} }}).apply(tf.ones([{n}, 1]), {called})];"
    return {"y": ask(line)[0]}


def alpha_dropped(rate, n):
    """Return what alpha dropout makes of standard normal numbers."""
    line = f"""const x = tf.randomNormal([{n}, 1], 0, 1, "float32", 0);
return [tf.layers.alphaDropout({{ rate: {rate} }}).apply(x, {{ training: true }})];"""
    return {"y": ask(line)[0]}


def adam(gradients, dtype="float32"):
    """Return how far the first step goes for each gradient."""
    if dtype != "float32":
        raise NotImplementedError("TensorFlow.js has float32 alone")
    line = """const parameter = tf.variable(tf.zerosLike(given.g), true, "p");
tf.train.adam(1).applyGradients({ p: given.g });
return [parameter.neg()];"""
    return {"y": ask(line, g=gradients)[0]}


def descent(gradients):
    """Return how far a step of plain gradient descent with learning rate 1 goes for each."""
    line = """const parameter = tf.variable(tf.zerosLike(given.g), true, "q");
tf.train.sgd(1).applyGradients({ q: given.g });
return [parameter.neg()];"""
    return {"y": ask(line, g=gradients)[0]}


def smoothed(logits, rate):
    """Return the cross-entropy of class 0."""
    line = f"""const target = tf.oneHot([0], given.x.shape[1]).toFloat();
return [tf.losses.softmaxCrossEntropy(target, given.x, undefined, {rate})];"""
    return {"loss": ask(line, x=logits[None])[0]}


def absolute():
    """Return the slope of the absolute value at 0."""
    return {"y": ask("return [tf.grad((x) => tf.abs(x))(tf.tensor([0]))];")[0]}
