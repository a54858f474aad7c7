"""Does the activation matter for generalization? Twelve of them, tuned, on four tasks.

Networks 196-64-64-10 with computed initial weights. Each of 24 seeds has its own training images,
weights and batches, the same for all activations, so that differences are paired. For each
activation and task a learning rate is tuned on validation data with seeds of its own. Takes about
half an hour on one core.
"""

import numpy as np
from small_sets import images, train, tuned
from study import main

from course_lib.network import cross_entropy
from course_lib.training import accuracy

ACTIVATIONS = ("identity", "sigmoid", "tanh", "softsign", "softplus", "relu", "leaky_relu", "elu",
               "selu", "gelu", "silu", "mish")  # fmt: skip
TASKS = {  # source, training images, fraction of labels drawn again
    "200 MNIST": ("MNIST", 200, 0.0),
    "1,000 MNIST": ("MNIST", 1000, 0.0),
    "1,000 Fashion-MNIST": ("Fashion-MNIST", 1000, 0.0),
    "1,000 MNIST, noisy": ("MNIST", 1000, 0.3),
}
LEARNING_RATES = {  # by noise: wrong labels prefer to be learned slowly
    0.0: (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
    0.3: (0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03),
}
SEEDS, TUNING_SEEDS = range(24), range(100, 108)
SIZES, STEPS = [196, 64, 64, 10], 800
RESAMPLES = 2000
RUNS = [{"task": task} for task in TASKS]


def measure(task, activation):
    """Return the tuned learning rate, what each seed reached, and which test images are right."""
    source, n, noise = TASKS[task]
    pool, test = images(source)
    options = {"noise": noise, "steps": STEPS, "sizes": SIZES,
               "build": {"activation": activation, "initialization": "computed"}}  # fmt: skip
    tuning = tuned(LEARNING_RATES[noise], TUNING_SEEDS, pool, test, n, **options)
    trained, tested, losses, right = [], [], [], []
    for network, (x, y), _ in train(pool, n, [*SEEDS], tuning.learning_rate, **options):
        outputs = network(test[0])
        trained.append(accuracy(network(x), y))
        tested.append(accuracy(outputs, test[1]))
        losses.append(cross_entropy(outputs, test[1]))
        right.append(outputs.argmax(axis=-1) == test[1])
    record = {
        "task": task,
        "activation": activation,
        "learning_rate": tuning.learning_rate,
        "at_edge": tuning.at_edge,
        "learning_rates": LEARNING_RATES[noise],
        "validation": tuning.scores,
        "train_accuracy": np.concatenate(trained),
        "test_accuracy": np.concatenate(tested),
        "test_loss": np.concatenate(losses),
    }
    return record, np.concatenate(right)


def against(right, other, seed=0):
    """Return the interval of a difference when seeds and test images are both drawn again.

    The test images are the same for all seeds: what they favor by chance, no number of seeds takes
    away.
    """
    rng = np.random.default_rng(seed)
    differences = right.astype(np.float32) - other
    means = []
    for _ in range(RESAMPLES):
        seeds, tested = (rng.integers(0, size, size) for size in differences.shape)
        counts = np.bincount(seeds, minlength=len(differences)) / len(seeds)
        means.append((counts @ differences)[tested].mean())
    return np.quantile(means, [0.025, 0.975])


def run(task):
    """Return the records of all activations in one task, each compared with ReLU."""
    records, rights = [], {}
    for activation in ACTIVATIONS:
        record, rights[activation] = measure(task, activation)
        records.append(record)
    for record in records:
        record["against_relu"] = against(rights[record["activation"]], rights["relu"])
    return {"networks": records}


def collect(records):
    """Put the records of all tasks in a row."""
    networks = [network for record in records for network in record["networks"]]
    return {"sizes": SIZES, "steps": STEPS, "seeds": len(SEEDS), "networks": networks}


if __name__ == "__main__":
    main("activation_generalizes", RUNS, run, collect)
