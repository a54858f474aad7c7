"""What chapter 8 prints without executing it: a network carried to Keras by hand."""

import json
import os
import re
import subprocess
import sys

import pytest
from environment import ROOT

CHAPTER = ROOT / "book" / "tools.ipynb"
CHECK = """
import numpy as np
from course_lib import frameworks, pytorch

model = pytorch.mlp([784, 256, 10], seed=0).eval()
{block}
x = np.random.default_rng(0).uniform(size=(8, 784)).astype(np.float32)
report = frameworks.compare(model, lambda x: keras.ops.convert_to_numpy(ported(x)), x)
print(report)
assert report.agrees
"""


def blocks():
    """Return the Python that stands in the text of the chapter."""
    cells = json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_lines_that_carry_a_network_to_keras_run(backend):
    (block,) = blocks()
    assert "set_weights" in block
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHECK.format(block=block)],
        env=os.environ | {"KERAS_BACKEND": backend}, cwd=ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1000:]
    assert "agree to rounding" in done.stdout
