#!/usr/bin/env bash
# What:      the activation softplus of neat-python, alone and in a network
# Version:   neat-python 2.0.0
# Behavior:  it never exceeds 12: the argument of its logarithm is cut at 60 after a factor 5, also
#            where the logarithm was the identity. A node of it cannot pass 20 on; relu and elu do.
# Right:     the form it has below 12, log(1 + exp(5 x)) / 5, is x to all digits above 8: 20 for 20
# Seen:      12 for 12, 20 and 100, also as the output of a network; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check neat-python==2.0.0
"$python" - <<'PY'
import math
import sys

from neat.activations import ActivationFunctionSet
from neat.nn import FeedForwardNetwork

activations = ActivationFunctionSet()


def network(name, x):
    node = 0, activations.get(name), sum, 0.0, 1.0, [(-1, 1.0)]  # bias 0, response 1, weight 1
    return FeedForwardNetwork([-1], [0], [node]).activate([x])[0]


def softplus(x):
    return max(x, 0) + math.log1p(math.exp(-5 * abs(x))) / 5


points = -3.0, -0.1, 0.0, 1.0, 11.0, 12.0, 20.0, 100.0
values = [network("softplus", x) for x in points]
for x, value in zip(points, values):
    print(f"{x:5}: softplus {value:.9f}, right {softplus(x):.9f}, elu {network('elu', x):.6f}")
unchanged = (
    all(math.isclose(value, softplus(x), rel_tol=1e-8) for x, value in zip(points[:6], values))
    and all(math.isclose(value, 12.0) for value in values[6:])
    and network("elu", 20.0) == network("relu", 20.0) == 20
)
print("unchanged: softplus ends at 12" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
