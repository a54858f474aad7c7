"""scikit-learn: initial weights of its multilayer perceptron with ReLU."""

import numpy as np
from sklearn.neural_network import MLPClassifier

PACKAGES = ["scikit-learn==1.9.1"]
SETUP = "from sklearn.neural_network import MLPClassifier"


def dense(fan_in, fan_out):
    """Return initial weights: those of the hidden layer after a step of size 0."""
    made = MLPClassifier((fan_out,), learning_rate_init=1e-30, random_state=0)
    made.partial_fit(np.zeros((2, fan_in)), [0, 1], classes=[0, 1])
    return {"w": made.coefs_[0]}
