"""The homes of the atlas as its page names them, and what a reader types to ask one of them.

A home that takes plain expressions has templates: with its imports above and a line, a dtype and
numbers in the places named in braces, each is a program that prints one answer. All others are
asked by ``atlas/probe_line.py``, which does what their modules do.
"""

import shlex
from typing import NamedTuple

TORCH = "x = torch.tensor({x}, dtype=torch.{dtype}"
LEARNT = f"{TORCH}, requires_grad=True)\n"
JAX = 'x = jax.numpy.array({x}, dtype="{dtype}")\n'
KERAS = 'x = keras.ops.convert_to_tensor({x}, dtype="{dtype}")\n'
KERAS_SHOWN = (
    f'{KERAS}print(*keras.ops.convert_to_numpy(keras.ops.cast({{line}}, "{{wide}}")).ravel())'
)
TF = 'x = tf.constant({x}, dtype="{dtype}")\n'
TAPE = "with tf.GradientTape() as tape:\n    tape.watch(x)\n    y = {line}\n"
MLX = "import numpy as np\nx = mx.array({x}, dtype=mx.{dtype})\n"
PADDLE = 'x = paddle.to_tensor({x}, dtype="{dtype}")\n'
TINY = 'x = Tensor({x}, dtype="{dtype}")\n'
PYTENSOR = 'x = pt.tensor("x", dtype="{dtype}", shape={any})\nf = pytensor.function([x], {of})\n'
PYTENSOR += 'print(*f(np.array({x}, dtype="{dtype}")).ravel())'
MXNET = 'x = nd.array({x}, dtype="{dtype}")\n'
CHAINER = 'x = chainer.Variable(np.array({x}, dtype="{dtype}"))\n'
NUMPY = 'x = np.array({x}, dtype="{dtype}")\n'


class Home(NamedTuple):
    """How the page names a home, where it stands, and the programs that ask it.

    The label and the group are words. A program has ``{line}``, ``{x}``, ``{dtype}``, ``{wide}``,
    a dtype that NumPy has, and ``{any}``, the shape of numbers of any count; an empty one says that
    the home is asked by its module.
    """

    label: str
    group: str
    values: str = ""
    slopes: str = ""
    doubles: str = ""
    """What is run before, where the dtype is float64."""


LIBRARIES, RUNTIMES, WEB = "Libraries in Python", "Runtimes of model files", "Web"
X64 = 'jax.config.update("jax_enable_x64", True)\n'

HOMES = {
    "torch_eager": Home(
        "PyTorch", LIBRARIES,
        f"{TORCH})\nprint(*({{line}}).to(torch.{{wide}}).numpy().ravel())",
        f"{LEARNT}({{line}}).sum().backward()\nprint(*x.grad.to(torch.{{wide}}).numpy())",
    ),
    "torch_compiled": Home(
        "PyTorch, compiled", LIBRARIES,
        f"{TORCH})\nf = torch.compile(lambda x: {{line}})\n"
        "print(*f(x).to(torch.{wide}).numpy().ravel())",
        f"{LEARNT}f = torch.compile(lambda x: {{line}})\nf(x).sum().backward()\n"
        "print(*x.grad.to(torch.{wide}).numpy())",
    ),
    "jax_eager": Home(
        "JAX", LIBRARIES,
        f"{JAX}print(*({{line}}).ravel())",
        f"{JAX}print(*jax.grad(lambda x: ({{line}}).sum())(x))", X64,
    ),
    "jax_jit": Home(
        "JAX, jit", LIBRARIES,
        f"{JAX}print(*jax.jit(lambda x: {{line}})(x).ravel())",
        f"{JAX}print(*jax.jit(jax.grad(lambda x: ({{line}}).sum()))(x))", X64,
    ),
    "tensorflow_eager": Home(
        "TensorFlow", LIBRARIES,
        f"{TF}print(*({{line}}).numpy().ravel())",
        f"{TF}{TAPE}print(*tape.gradient(y, x).numpy())",
    ),
    "tensorflow_function": Home(
        "TensorFlow, XLA", LIBRARIES,
        f"{TF}f = tf.function(lambda x: {{line}}, jit_compile=True)\nprint(*f(x).numpy().ravel())",
        f"{TF}def slope(x):\n    {TAPE.strip()}\n    return tape.gradient(y, x)\n".replace(
            "\n    tape.watch", "\n        tape.watch").replace("\n    y =", "\n        y =")
        + "print(*tf.function(slope, jit_compile=True)(x).numpy())",
    ),
    "keras_torch": Home(
        "Keras on PyTorch", LIBRARIES, KERAS_SHOWN,
        f"{KERAS}x.requires_grad_()\n({{line}}).sum().backward()\n"
        'print(*keras.ops.convert_to_numpy(keras.ops.cast(x.grad, "{wide}")))',
    ),
    "keras_jax": Home(
        "Keras on JAX", LIBRARIES, KERAS_SHOWN,
        f"import jax\n{KERAS}print(*jax.grad(lambda x: ({{line}}).sum())(x))",
        f"import jax\n{X64}",
    ),
    "keras_tensorflow": Home(
        "Keras on TensorFlow", LIBRARIES, KERAS_SHOWN,
        f"import tensorflow as tf\n{KERAS}{TAPE}print(*tape.gradient(y, x).numpy())",
    ),
    "flax_nn": Home(
        "Flax", LIBRARIES,
        f"{JAX}print(*({{line}}).ravel())",
        f"{JAX}print(*jax.grad(lambda x: ({{line}}).sum())(x))", X64,
    ),
    "equinox_nn": Home(
        "Equinox", LIBRARIES,
        f"{JAX}print(*eqx.filter_jit(lambda x: {{line}})(x).ravel())",
        f"{JAX}print(*eqx.filter_jit(eqx.filter_grad(lambda x: ({{line}}).sum()))(x))", X64,
    ),
    "haiku_nn": Home(
        "Haiku", LIBRARIES,
        f"{JAX}f = hk.without_apply_rng(hk.transform(lambda x: {{line}}))\n"
        "print(*jax.jit(f.apply)(f.init(None, x), x).ravel())",
        f"{JAX}f = hk.without_apply_rng(hk.transform(lambda x: ({{line}}).sum()))\n"
        "print(*jax.jit(jax.grad(f.apply, argnums=1))(f.init(None, x), x))", X64,
    ),
    "mlx_cpu": Home(
        "MLX", LIBRARIES,
        f"{MLX}print(*np.array(({{line}}).astype(mx.{{wide}})).ravel())",
        f"{MLX}slope = mx.grad(lambda x: ({{line}}).sum())(x)\n"
        "print(*np.array(slope.astype(mx.{wide})))",
    ),
    "tinygrad_cpu": Home(
        "tinygrad", LIBRARIES,
        f'{TINY}print(*({{line}}).cast("{{wide}}").numpy().ravel())',
        f'{TINY}print(*({{line}}).sum().gradient(x)[0].cast("{{wide}}").numpy())',
    ),
    "paddle_eager": Home(
        "Paddle", LIBRARIES,
        f'{PADDLE}print(*({{line}}).astype("{{wide}}").numpy().ravel())',
        f"{PADDLE}x.stop_gradient = False\n({{line}}).sum().backward()\n"
        'print(*x.grad.astype("{wide}").numpy())',
    ),
    "pytensor_function": Home(
        "PyTensor", LIBRARIES,
        PYTENSOR.replace("{of}", "{line}"),
        PYTENSOR.replace("{of}", "pytensor.grad(({line}).sum(), x)"),
    ),
    "autograd_numpy": Home(
        "autograd", LIBRARIES,
        f"{NUMPY}print(*np.ravel({{line}}))",
        f"{NUMPY}print(*grad(lambda x: np.sum({{line}}))(x))",
    ),
    "mxnet_nd": Home(
        "MXNet", LIBRARIES,
        f"{MXNET}print(*({{line}}).asnumpy().ravel())",
        f"{MXNET}x.attach_grad()\nwith autograd.record():\n    y = {{line}}\ny.backward()\n"
        "print(*x.grad.asnumpy())",
    ),
    "chainer_functions": Home(
        "Chainer", LIBRARIES,
        f"{CHAINER}with chainer.using_config(\"train\", False):\n"
        "    print(*({line}).array.ravel())",
        f"{CHAINER}with chainer.using_config(\"train\", False):\n    F.sum({{line}}).backward()\n"
        "print(*x.grad)",
    ),
    "thinc_ops": Home("thinc", LIBRARIES, f"{NUMPY}print(*np.ravel({{line}}))"),
    "sklearn_mlp": Home(
        "scikit-learn", LIBRARIES, f"import numpy as np\n{NUMPY}{{line}}\nprint(*x.ravel())"
    ),
    "onnx_reference": Home("ONNX reference", RUNTIMES),
    "onnx_runtime": Home("ONNX Runtime", RUNTIMES),
    "torch_to_onnx": Home("PyTorch to ONNX", RUNTIMES),
    "openvino_cpu": Home("OpenVINO", RUNTIMES),
    "opencv_dnn": Home("OpenCV dnn", RUNTIMES),
    "tract_onnx": Home("tract", RUNTIMES),
    "mnn_onnx": Home("MNN", RUNTIMES),
    "ncnn_layers": Home("ncnn", RUNTIMES),
    "litert": Home("LiteRT", RUNTIMES),
    "litert_builtin": Home("LiteRT, no delegate", RUNTIMES),
    "executorch_portable": Home("ExecuTorch", RUNTIMES),
    "executorch_xnnpack": Home("ExecuTorch, XNNPACK", RUNTIMES),
    "coreml": Home("Core ML converter", RUNTIMES),
    "onnxruntime_web": Home("ONNX Runtime Web", WEB),
    "tfjs": Home(
        "TensorFlow.js", WEB,
        "const x = tf.tensor({x});\nconsole.log(...({line}).dataSync());",
        "const x = tf.tensor({x});\nconsole.log(...tf.grad((x) => {line})(x).dataSync());",
    ),
}  # fmt: skip
"""In the order of the page's columns."""


def program(home: str, setup: str, asked: str) -> str:
    """Return the program that asks a home, with the places in braces still empty.

    Parameters
    ----------
    home : str
        One of `HOMES`.
    setup : str
        What the home's module says is imported.
    asked : {"values", "slopes"}
        Of a line.
    """
    template: str = getattr(HOMES[home], asked)
    if not template:
        words = f"{{quoted}} '{{x}}' {{dtype}}{' slopes' * (asked == 'slopes')}"
        return f"python atlas/probe_line.py {home} {words}"
    setup = setup.replace("set_dtype_policy(dtype)", 'set_dtype_policy("{dtype}")')
    return f"{setup}\n{{doubles}}{template}"


def filled(home: str, template: str, line: str, dtype: str, x: str) -> str:
    """Return the program of one line: the browser does the same, by the same names."""
    places = {
        "{doubles}": HOMES[home].doubles if dtype == "float64" else "",
        "{any}": "(None, None)" if x.startswith("[[") else "(None,)",
        "{wide}": "float32" if dtype == "bfloat16" else dtype,
        "{dtype}": dtype,
        "{x}": x,
        "{quoted}": shlex.quote(line),
        "{line}": line,
    }
    for place, text in places.items():
        template = template.replace(place, text)
    return template
