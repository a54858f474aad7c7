"""Why Networks Bend: activation functions, small networks and the claims about them.

The modules follow a reader's day, and an import never points backwards along this line:
``data`` -> ``activations`` -> ``network`` -> ``training`` -> ``pytorch`` -> ``experiments`` ->
``claims`` -> ``plots``.

NumPy is all that ``import course_lib`` needs. ``course_lib.pytorch`` needs PyTorch and
``course_lib.plots`` needs Matplotlib; both are imported only when you ask for them.
"""

from course_lib import activations, claims, data, experiments, network, training

__version__ = "0.1.0"
__all__ = ["activations", "claims", "data", "experiments", "network", "training"]
