"""Trainings in pieces, stored between them or not, equal one in a piece to the last bit."""

import subprocess
import sys

import numpy as np
import pytest
from training_helpers import NETWORKS, OPTIMIZERS, VALIDATION, X, Y, assert_same, through_file

from course_lib.network import mlp
from course_lib.network.seeds import stream
from course_lib.training import SGD, AdamW, History, fit


def train(make_network, make_optimizer, pieces, folder=None, **options):
    """Train in pieces; with a folder, in new objects made from files after each piece."""
    network, optimizer, history = make_network(), make_optimizer(), None
    for epochs in pieces:
        if folder is not None and history is not None:
            states = [part.state_dict() for part in (network, optimizer, history)]
            network, optimizer = make_network(), make_optimizer()
            files = [through_file(s, folder, str(i)) for i, s in enumerate(states)]
            network.load_state_dict(files[0])
            optimizer.load_state_dict(files[1])
            history = History.from_state_dict(files[2])
        history = fit(network, optimizer=optimizer, epochs=epochs, history=history, **options)
    return network, optimizer, history


CASES = {
    "one network": {},
    "an order for all": {"seeds": range(3)},
    "orders of their own": {"seeds": range(3), "seed": [5, 6, 7]},
    "data of their own": {"seeds": range(2), "own": True, "seed": [1, 2]},
    "whole batches": {"seeds": range(2), "batch_size": None},
    "early stopping": {"seeds": range(3), "patience": 3, "validation": VALIDATION},
    "early stopping by a smallest improvement": {
        "seeds": range(3), "patience": 3, "min_delta": 0.005, "validation": VALIDATION
    },
    "validation": {"validation": VALIDATION},
}  # fmt: skip


@pytest.mark.parametrize(
    ("stored", "dtype"), [(False, np.float64), (True, np.float32)], ids=["going on", "stored"]
)
@pytest.mark.parametrize(
    ("case", "kind", "rule"),
    [(case, "everything", "Adam") for case in CASES]
    + [("orders of their own", kind, "Momentum") for kind in NETWORKS]
    + [("early stopping", "everything", rule) for rule in OPTIMIZERS],
)
def test_training_in_pieces_equals_training_in_one(case, kind, rule, dtype, stored, tmp_path):
    options = {"batch_size": 8, "seed": 4} | CASES[case]
    seeds, own = options.pop("seeds", 7), options.pop("own", False)
    x, y = X.astype(dtype), Y
    if own:
        x, y = np.stack([x, -x[::-1]]), np.stack([y, y[::-1]])
    if "validation" in options:
        options["validation"] = (VALIDATION[0].astype(dtype), VALIDATION[1])
    rates = np.geomspace(0.02, 0.2, len(seeds)) if isinstance(seeds, range) else 0.1
    ends = [
        train(
            lambda: NETWORKS[kind](seeds, dtype), lambda: OPTIMIZERS[rule](rates), pieces,
            tmp_path if stored else None, x=x, y=y, **options,
        )
        for pieces in ([10], [5, 5], [1, 2, 3, 4])
    ]  # fmt: skip
    for pieces in ends[1:]:
        for one, other in zip(ends[0], pieces, strict=True):
            assert_same(one.state_dict(), other.state_dict())
    if case == "early stopping":
        stopped = np.isnan(ends[0][2].train_loss).any(axis=-1)
        assert (ends[0][2].best_epoch < ends[0][2].train_loss.shape[-1]).any()
        assert stopped.any() or rule != "Adam"  # some stop before the last piece


def test_early_stopping_is_over_when_it_is_over():
    options = {"batch_size": 8, "patience": 2, "validation": VALIDATION}
    network, optimizer = mlp([3, 9, 2], seed=0), SGD(2.0)
    history = fit(network, X, Y, optimizer=optimizer, epochs=50, **options)
    assert history.train_loss.size < 50
    before = network.state_dict()
    again = fit(network, X, Y, optimizer=optimizer, epochs=5, history=history, **options)
    assert_same(again.state_dict(), history.state_dict())
    assert_same(network.state_dict(), before)


def test_a_history_moves_the_order_of_batches_as_one_generator_draws_it():
    network, twin = mlp([3, 4, 2], seed=0), mlp([3, 4, 2], seed=0)
    history = None
    for epochs in (1, 2):
        history = fit(
            network, X, Y, optimizer=SGD(0.1), epochs=epochs, batch_size=8, seed=3, history=history
        )
    rng = stream(3, "batches")
    for _ in range(3):
        order = rng.permutation(22)
        for start in (0, 8, 16):
            batch = order[start : start + 8]
            _, gradients = twin.loss_and_gradients(X[batch], Y[batch])
            for name, value in twin.parameters.items():
                value -= 0.1 * gradients[name]
    assert_same(network.state_dict(), twin.state_dict())
    assert history.steps == 9


PROGRAM = """
import sys
import numpy as np
from course_lib.network import mlp
from course_lib.training import AdamW, History, fit
folder = sys.argv[1]
opened = [np.load(f"{folder}/{part}.npz", allow_pickle=False) for part in "nohd"]
network, optimizer = mlp([3, 4, 4, 2], seed=[8, 9], normalization="batch", dropout=0.3), AdamW(1.0)
network.load_state_dict(opened[0])
optimizer.load_state_dict(opened[1])
fit(
    network, opened[3]["x"], opened[3]["y"], optimizer=optimizer, epochs=5, batch_size=8,
    history=History.from_state_dict(opened[2]),
)
np.savez(f"{folder}/end.npz", **network.state_dict())
"""


def test_a_training_goes_on_in_another_process(tmp_path):
    options = {"optimizer": AdamW(0.05), "batch_size": 8}
    network, whole = (
        mlp([3, 4, 4, 2], seed=[1, 2], normalization="batch", dropout=0.3) for _ in range(2)
    )
    fit(whole, X, Y, epochs=10, optimizer=AdamW(0.05), batch_size=8)
    history = fit(network, X, Y, epochs=5, **options)
    parts = {"n": network, "o": options["optimizer"], "h": history}
    for name, part in parts.items():
        np.savez(tmp_path / name, **part.state_dict())
    np.savez(tmp_path / "d", x=X, y=Y)
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=True)
    assert_same(dict(np.load(tmp_path / "end.npz")), whole.state_dict())
