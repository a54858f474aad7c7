r"""Layers, losses, initialization and the network: forward and backward.

Signals are rows: a batch has shape ``(..., batch, features)``, a weight ``(..., in_features, out_features)``,
a bias ``(..., 1, out_features)``. The leading axes are *replicas*: the same lines of code compute one
network, or 64 of them that differ in their seeds, because ``@`` broadcasts over what stands in
front. A loss reduces over batch and features and never over replicas.

The chapters of this package: `course_lib.network.layers`, `course_lib.network.losses`,
`course_lib.network.initialization`, `course_lib.network.model` (the network and the multilayer
perceptron) and `course_lib.network.seeds`. All their names are here too::

    from course_lib.network import Dense, cross_entropy, mlp
"""

from course_lib.network.initialization import *  # noqa: F403
from course_lib.network.initialization import __all__ as _initialization
from course_lib.network.layers import *  # noqa: F403
from course_lib.network.layers import __all__ as _layers
from course_lib.network.losses import *  # noqa: F403
from course_lib.network.losses import __all__ as _losses
from course_lib.network.model import *  # noqa: F403
from course_lib.network.model import __all__ as _model
from course_lib.network.seeds import *  # noqa: F403
from course_lib.network.seeds import __all__ as _seeds

__all__: list[str] = []
__all__ += _layers
__all__ += _losses
__all__ += _initialization
__all__ += _model
__all__ += _seeds
