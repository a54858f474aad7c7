"""The same networks as PyTorch modules: built, trained, and exchanged with the NumPy network.

The modules of this package, in the order in which they build on one another:

- `course_lib.pytorch.tensors`: arrays and tensors of what a caller passes
- `course_lib.pytorch.modules`: residual blocks, gates, and what else ``torch.nn`` lacks
- `course_lib.pytorch.activation_modules`: which module is which activation of the catalogue
- `course_lib.pytorch.conversion`: networks carried there and back
- `course_lib.pytorch.building`: the multilayer perceptron
- `course_lib.pytorch.ensembles`: modules of several seeds, which compute and learn at once
- `course_lib.pytorch.arguments`: the checks of losses, targets and optimizers
- `course_lib.pytorch.optimizers`: those of NumPy as those of PyTorch
- `course_lib.pytorch.schedulers`: learning rates that change from step to step
- `course_lib.pytorch.fitting`: `fit`, by the loop of `course_lib.training.loop`, and `predict`
- `course_lib.pytorch.inspection`: what passes a module's activations

All public names are here. This is the only package of the library, with what uses it, that imports
PyTorch.
"""

from course_lib._checks import not_installed

try:
    import torch  # noqa: F401
except ModuleNotFoundError:
    raise not_installed("torch", "PyTorch", "torch") from None

from course_lib.pytorch.activation_modules import activation_module
from course_lib.pytorch.building import mlp
from course_lib.pytorch.conversion import from_numpy, to_numpy
from course_lib.pytorch.ensembles import Ensemble
from course_lib.pytorch.fitting import fit, predict
from course_lib.pytorch.inspection import Passage, passages, weights
from course_lib.pytorch.modules import Activate, Gated, Maxout, Residual
from course_lib.pytorch.optimizers import torch_optimizer
from course_lib.pytorch.schedulers import lambda_lr

__all__ = [
    "Activate",
    "Ensemble",
    "Gated",
    "Maxout",
    "Passage",
    "Residual",
    "activation_module",
    "fit",
    "from_numpy",
    "lambda_lr",
    "mlp",
    "passages",
    "predict",
    "to_numpy",
    "torch_optimizer",
    "weights",
]
