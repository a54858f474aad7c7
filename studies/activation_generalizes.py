"""Ask whether the activation matters for generalization: twelve of them, tuned, on four tasks.

Networks 196-64-64-10 with computed first weights. Each of 24 seeds has its own training pictures,
weights and batches, the same for all activations, so that differences are paired. For each
activation and task a rate is tuned on validation data with seeds of its own. Takes about half an
hour on one core; arguments name tasks to measure anew.
"""

import sys

import numpy as np
from stored import store
from subsets import best_rate, describe, pictures, train

from course_lib import data
from course_lib.network import cross_entropy
from course_lib.training import accuracy

ACTIVATIONS = ("identity", "sigmoid", "tanh", "softsign", "softplus", "relu", "leaky_relu", "elu",
               "selu", "gelu", "silu", "mish")  # fmt: skip
TASKS = {  # source, training pictures, share of labels drawn anew
    "200 digits": ("digits", 200, 0.0),
    "1,000 digits": ("digits", 1000, 0.0),
    "1,000 clothes": ("clothes", 1000, 0.0),
    "1,000 digits, noisy": ("digits", 1000, 0.3),
}
RATES = {  # by noise: wrong labels prefer to be learned slowly
    0.0: (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
    0.3: (0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03),
}
SEEDS, TUNING_SEEDS = range(24), range(100, 108)
SIZES, STEPS = [196, 64, 64, 10], 800
RESAMPLES = 2000


def measure(task, activation):
    """Return the rate, what each seed reached, and which test pictures were classified rightly."""
    source, n, noise = TASKS[task]
    pool, test = pictures(source)
    options = {"noise": noise, "steps": STEPS, "sizes": SIZES,
               "build": {"activation": activation, "initialization": "computed"}}  # fmt: skip
    rates = RATES[noise]
    best, validation = best_rate(rates, TUNING_SEEDS, pool, test, n, **options)
    trained, tested, losses, right = [], [], [], []
    for network, (x, y), _ in train(pool, n, [*SEEDS], rates[best], **options):
        outputs = network(test[0])
        trained.append(accuracy(network(x), y))
        tested.append(accuracy(outputs, test[1]))
        losses.append(cross_entropy(outputs, test[1]))
        right.append(outputs.argmax(axis=-1) == test[1])
    record = {
        "task": task,
        "activation": activation,
        "rate": rates[best],
        "at_edge": best in (0, len(rates) - 1),
        "rates": rates,
        "validation": validation,
        "train_accuracy": np.concatenate(trained),
        "test_accuracy": np.concatenate(tested),
        "test_loss": np.concatenate(losses),
    }
    return record, np.concatenate(right)


def against(right, other, seed=0):
    """Return the interval of a difference when seeds and test pictures are both drawn again.

    The test pictures are the same for all seeds: what they favor by chance, no number of seeds
    takes away.
    """
    rng = np.random.default_rng(seed)
    differences = right.astype(np.float32) - other
    means = []
    for _ in range(RESAMPLES):
        seeds, images = (rng.integers(0, size, size) for size in differences.shape)
        counts = np.bincount(seeds, minlength=len(differences)) / len(seeds)
        means.append((counts @ differences)[images].mean())
    return np.quantile(means, [0.025, 0.975])


def measure_task(task):
    """Return the records of all activations in one task, each compared with ReLU."""
    records, rights = [], {}
    for activation in ACTIVATIONS:
        with np.errstate(over="ignore", invalid="ignore"):
            record, rights[activation] = measure(task, activation)
        print(task, activation, record["rate"], describe(record["train_accuracy"]),
              describe(record["test_accuracy"]), flush=True)  # fmt: skip
        records.append(record)
    for record in records:
        record["against_relu"] = against(rights[record["activation"]], rights["relu"])
    return records


def main(chosen):
    """Measure the chosen tasks, or all; what is stored of the others stays."""
    networks = []
    for task in TASKS:
        if not chosen or task in chosen:
            networks += measure_task(task)
        else:
            stored = data.results("activation_generalizes")["networks"]
            networks += [record for record in stored if record["task"] == task]
    store("activation_generalizes", {"sizes": SIZES, "steps": STEPS, "seeds": len(SEEDS),
                                     "networks": networks})  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
