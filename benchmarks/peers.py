"""The step of many seeds, as this library, PyTorch and JAX make it, and what no one can leave out.

All make the same step: softmax, cross-entropy, its gradient, and gradient descent, on a batch that
all seeds see. Each is a `Peer`, whose parameters show that it has made it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from versions import BEFORE

LEARNING_RATE = 0.1
STEPS = 6  # that are compared, and that each call of fit makes


@dataclass(frozen=True)
class Case:
    """What is trained: networks of these sizes, one for each replica, on one batch."""

    replicas: int
    sizes: tuple[int, ...]
    batch: int
    activation: str
    dtype: type

    @property
    def layers(self):
        """How many dense layers there are."""
        return len(self.sizes) - 1

    def data(self):
        """Return a batch: inputs, and labels."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.batch, self.sizes[0]))
        return x.astype(self.dtype), rng.integers(0, self.sizes[-1], self.batch)

    def network(self, library, seed):
        """Return a network of a library, or one with replicas if there are several seeds."""
        _, network, _ = library
        return network.mlp(list(self.sizes), self.activation, seed=seed, dtype=self.dtype)


class Peer(NamedTuple):
    """A function that makes a step of all seeds, and one that returns their parameters now.

    These are stacked over the seeds, under the names of `course_lib.network.Network.parameters`.
    The function may make several steps in each call.
    """

    step: Callable
    parameters: Callable
    steps: int = 1

    def __call__(self):
        """Make the step."""
        self.step()


def ours(case, library, start):
    """Return the step of all replicas at once."""
    network, optimizer = case.network(library, range(case.replicas)), library[2].SGD(LEARNING_RATE)
    network.load_parameters(start)
    x, y = case.data()

    def step():
        _, gradients = network.loss_and_gradients(x, y)
        optimizer.step(network.parameters, gradients)

    return Peer(step, lambda: network.parameters)


def by_fit(case, library, start, steps):
    """Return so many steps of all replicas, in one call of `course_lib.training.fit`."""
    network, optimizer = case.network(library, range(case.replicas)), library[2].SGD(LEARNING_RATE)
    network.load_parameters(start)
    x, y = case.data()

    def step():
        options = {"epochs": steps, "batch_size": None, "progress": False}
        library[2].fit(network, x, y, optimizer=optimizer, **options)

    return Peer(step, lambda: network.parameters, steps)


def one_at_a_time(case, library, start):
    """Return the steps of as many networks without replicas."""
    networks = [case.network(library, seed) for seed in range(case.replicas)]
    optimizers = [library[2].SGD(LEARNING_RATE) for _ in networks]
    for i, network in enumerate(networks):
        network.load_parameters({name: value[i] for name, value in start.items()})
    x, y = case.data()

    def step():
        for network, optimizer in zip(networks, optimizers, strict=True):
            _, gradients = network.loss_and_gradients(x, y)
            optimizer.step(network.parameters, gradients)

    return Peer(
        step, lambda: {name: np.stack([n.parameters[name] for n in networks]) for name in start}
    )


# PyTorch.


def torch_modules(case, start):
    """Return a module for each seed, with the given parameters."""
    import torch

    kinds = {"tanh": torch.nn.Tanh, "gelu": torch.nn.GELU, "relu": torch.nn.ReLU}
    dtype = torch.from_numpy(np.empty(0, case.dtype)).dtype
    modules = []
    for i in range(case.replicas):
        layers = []
        for n in range(case.layers):
            dense = torch.nn.Linear(case.sizes[n], case.sizes[n + 1], dtype=dtype)
            with torch.no_grad():
                dense.weight.copy_(torch.from_numpy(start[f"{2 * n}.weight"][i].T.copy()))
                dense.bias.copy_(torch.from_numpy(start[f"{2 * n}.bias"][i, 0].copy()))
            layers += [dense, kinds[case.activation]()]
        modules.append(torch.nn.Sequential(*layers[:-1]))
    return modules


def as_ours(stacked):
    """Return stacked parameters of `torch.nn.Linear` in our layout."""
    arrays = {name: value.detach().numpy() for name, value in stacked.items()}
    return {
        name: value.swapaxes(-1, -2) if name.endswith("weight") else value[:, np.newaxis]
        for name, value in arrays.items()
    }


def torch_loop(case, start, *, by_optimizer=True):
    """Return a loop over modules, each with its optimizer or with one call for its update."""
    import torch

    modules = torch_modules(case, start)
    x, y = (torch.from_numpy(array) for array in case.data())
    optimizers = [torch.optim.SGD(module.parameters(), LEARNING_RATE) for module in modules]
    own = [list(module.parameters()) for module in modules]

    def with_optimizer():
        for module, optimizer in zip(modules, optimizers, strict=True):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(module(x), y).backward()
            optimizer.step()

    def with_foreach():
        for module, parameters in zip(modules, own, strict=True):
            loss = torch.nn.functional.cross_entropy(module(x), y)
            gradients = torch.autograd.grad(loss, parameters)
            with torch.no_grad():
                torch._foreach_add_(parameters, gradients, alpha=-LEARNING_RATE)

    return Peer(
        with_optimizer if by_optimizer else with_foreach,
        lambda: as_ours(torch.func.stack_module_state(modules)[0]),
    )


def torch_vmap_of_module(case, start):
    """Return ``vmap`` of the gradient of a module's loss, updated in place in one call."""
    import torch

    modules = torch_modules(case, start)
    x, y = (torch.from_numpy(array) for array in case.data())
    state, _ = torch.func.stack_module_state(modules)
    state = {name: value.detach() for name, value in state.items()}

    def loss(parameters, x, y):
        outputs = torch.func.functional_call(modules[0], parameters, (x,))
        return torch.nn.functional.cross_entropy(outputs, y)

    return Peer(_vmap_step(state, loss, x, y), lambda: as_ours(state))


def torch_vmap_of_function(case, start):
    """Return ``vmap`` of the gradient of plain tensor code, updated in place in one call."""
    import torch

    x, y = (torch.from_numpy(array) for array in case.data())
    state = {name: torch.from_numpy(value.copy()) for name, value in start.items()}
    activation = torch_activation(case.activation)

    def loss(parameters, x, y):
        for n in range(case.layers):
            x = x @ parameters[f"{2 * n}.weight"] + parameters[f"{2 * n}.bias"]
            x = activation(x) if n < case.layers - 1 else x
        return torch.nn.functional.cross_entropy(x, y)

    step = _vmap_step(state, loss, x, y)
    return Peer(step, lambda: {name: value.numpy() for name, value in state.items()})


def torch_activation(name):
    """Return the function of PyTorch."""
    import torch

    return {"tanh": torch.tanh, "gelu": torch.nn.functional.gelu, "relu": torch.relu}[name]


def _vmap_step(state, loss, x, y):
    """Return a step of all seeds by ``torch.func.vmap``."""
    import torch

    function = torch.func.vmap(torch.func.grad_and_value(loss), in_dims=(0, None, None))
    parameters = list(state.values())

    def step():
        gradients, _ = function(state, x, y)
        torch._foreach_add_(parameters, list(gradients.values()), alpha=-LEARNING_RATE)

    return step


def torch_batched(case, start):
    """Return the step with the replicas' axis written into the tensor code by hand."""
    import torch

    x, y = (torch.from_numpy(array) for array in case.data())
    x = x.expand(case.replicas, *x.shape)
    y = y.expand(case.replicas, case.batch).reshape(-1)
    state = {name: torch.from_numpy(v.copy()).requires_grad_() for name, v in start.items()}
    parameters = list(state.values())
    activation = torch_activation(case.activation)

    def step():
        h = x
        for n in range(case.layers):
            h = torch.baddbmm(state[f"{2 * n}.bias"], h, state[f"{2 * n}.weight"])
            h = activation(h) if n < case.layers - 1 else h
        losses = torch.nn.functional.cross_entropy(h.flatten(0, 1), y, reduction="none")
        mean = losses.view(case.replicas, case.batch).mean(1)
        gradients = torch.autograd.grad(mean.sum(), parameters)
        with torch.no_grad():
            torch._foreach_add_(parameters, gradients, alpha=-LEARNING_RATE)

    return Peer(step, lambda: {name: v.detach().numpy() for name, v in state.items()})


# JAX.


def jax_vmap(case, start):
    """Return the whole step under ``jit(vmap)``, which overwrites its parameters."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)  # it waits busily in another thread
    x, y = (jnp.asarray(array) for array in case.data())
    exact_gelu = {"gelu": lambda x: jax.nn.gelu(x, approximate=False)}
    activation = {"tanh": jnp.tanh, "relu": jax.nn.relu, **exact_gelu}[case.activation]
    state = {name: jnp.array(value) for name, value in start.items()}
    learning_rate = jnp.asarray(LEARNING_RATE, case.dtype)

    def loss(parameters, x, y):
        for n in range(case.layers):
            x = x @ parameters[f"{2 * n}.weight"] + parameters[f"{2 * n}.bias"]
            x = activation(x) if n < case.layers - 1 else x
        return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, jnp.newaxis], 1).mean()

    def update(parameters, x, y):
        value, gradients = jax.value_and_grad(loss)(parameters, x, y)
        moved = {n: parameters[n] - learning_rate * gradients[n] for n in parameters}
        return value, moved

    function = jax.jit(jax.vmap(update, in_axes=(0, None, None)), donate_argnums=0)

    def step():
        nonlocal state
        _, state = function(state, x, y)
        jax.block_until_ready(state)

    return Peer(step, lambda: {name: np.asarray(value) for name, value in state.items()})


# What a process of its own makes.


def of_library(library, case, start):
    """Return our step, the same as part of a training, and that of each seed by itself."""
    return {
        "ours": ours(case, library, start),
        "fit": by_fit(case, library, start, STEPS),
        "one at a time": one_at_a_time(case, library, start),
    }


def of_commit_before(library, case, start):
    """Return the step of an earlier commit of this library."""
    return {BEFORE: ours(case, library, start)}


def of_torch(_, case, start):
    """Return the steps of PyTorch."""
    return {
        "loop, optimizer": torch_loop(case, start),
        "loop, foreach": torch_loop(case, start, by_optimizer=False),
        "vmap, module": torch_vmap_of_module(case, start),
        "vmap, function": torch_vmap_of_function(case, start),
        "by hand": torch_batched(case, start),
    }


def of_jax(_, case, start):
    """Return the step of JAX."""
    return {"JAX": jax_vmap(case, start)}


def limits(_, case, start):
    """Return what no one can leave out, without and with passes over the arrays."""
    return {
        "products": limit(case, start, passes=False),
        "products, passes": limit(case, start, passes=True),
    }


# The limit.


def limit(case, start, *, passes):
    """Return the matrix products of a step alone, in our layout, into arrays that are there.

    With passes, also one pass over each array that something elementwise has to be done with:
    outputs of layers forward, their gradients backward, and the parameters.
    """
    x, _ = case.data()
    weights = [start[f"{2 * n}.weight"].copy() for n in range(case.layers)]
    biases = [start[f"{2 * n}.bias"].copy() for n in range(case.layers)]
    outputs = [x @ np.zeros_like(weight) for weight in weights[:1]]
    for weight in weights[1:]:
        outputs.append(np.zeros_like(outputs[-1] @ weight))
    gradients = [np.zeros_like(output) for output in outputs]
    moves = [np.zeros_like(weight) for weight in weights]

    def step():
        for n, weight in enumerate(weights):
            np.matmul(outputs[n - 1] if n else x, weight, out=outputs[n])
            if passes:
                np.add(outputs[n], biases[n], out=outputs[n])
        for n in reversed(range(case.layers)):
            if passes:
                np.multiply(gradients[n], outputs[n], out=gradients[n])
            np.matmul((outputs[n - 1] if n else x).mT, gradients[n], out=moves[n])
            if n:
                np.matmul(gradients[n], weights[n].mT, out=gradients[n - 1])
            if passes:
                np.subtract(weights[n], moves[n], out=weights[n])

    return step
