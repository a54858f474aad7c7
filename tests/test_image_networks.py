"""The studies of convolutional networks: their networks, their images and what they count."""

import image_networks
import image_networks_odd
import image_networks_varied
import numpy as np
import pytest
import torch
from torch import nn

pytestmark = pytest.mark.usefixtures("one_thread")

USUAL = {
    "images": "MNIST", "pixels": "standardized", "normalization": "none",
    "initialization": "suited", "layers": 2, "optimizer": "momentum",
}  # fmt: skip


@pytest.mark.parametrize("name", image_networks.ACTIVATIONS)
@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_each_group_is_a_network_of_pytorch(name, normalization):
    seeds, rng = (0, 1, 2), np.random.default_rng(0)
    model = image_networks.build(seeds, name, normalization, layers=4)
    x = torch.from_numpy(rng.normal(size=(5, 3, 14, 14)).astype("f4"))
    expected = []
    for i in range(3):
        own = nn.Sequential(*(alone(module, i) for module in model[:-1]), nn.Flatten())
        expected.append(own(x[:, i : i + 1]) @ model[-1].weight[i] + model[-1].bias[i])
    assert torch.allclose(model(x), torch.stack(expected), atol=1e-5)


def alone(module, i):
    """Return the part of a module that belongs to one of three networks."""
    if isinstance(module, nn.Conv2d):
        inputs, outputs = module.in_channels // 3, module.out_channels // 3
        own = nn.Conv2d(inputs, outputs, 3, stride=module.stride, padding=1)
        own.weight.data = module.weight.data[i * outputs : (i + 1) * outputs]
        own.bias.data = module.bias.data[i * outputs : (i + 1) * outputs]
        return own
    return nn.BatchNorm2d(module.num_features // 3) if hasattr(module, "num_features") else module


@pytest.mark.parametrize(
    ("initialization", "deviation"),
    [("suited", (2 / 72) ** 0.5), ("pytorch", (1 / (3 * 72)) ** 0.5), ("small", 0.01)],
)
def test_weights_have_their_standard_deviation(initialization, deviation):
    model = image_networks.build(range(4), "relu", initialization=initialization)
    assert float(model[2].weight.detach().std()) == pytest.approx(deviation, rel=0.05)
    biased = image_networks.build(range(4), "relu", initialization="small, biases 1")
    assert (biased[0].bias == 1).all() and (biased[-1].bias == 0).all()


def test_steps_are_counted_to_the_end_of_the_window_that_reaches_the_target():
    scores = np.zeros((3, 30))
    scores[0, 5:] = 1  # ten ones end at step 15
    scores[1, 20:] = 0.5
    assert image_networks.steps_to(1.0, scores)[0] == 15
    assert image_networks.steps_to(0.5, scores).tolist()[:2] == [10, 30]
    assert np.isnan(image_networks.steps_to(0.5, scores)[2])


def test_a_network_is_the_same_in_a_smaller_group(monkeypatch):
    monkeypatch.setattr(image_networks, "STEPS", 30)
    setting = USUAL | {"activation": "tanh", "learning_rate": 0.02}
    together = image_networks.measure((4, 5, 6), **setting)
    single = image_networks.measure((5,), **setting)
    for name, values in single.items():
        if not name.startswith("steps"):
            assert values[0] == pytest.approx(together[name][1], abs=0.011), name


def test_images_of_a_seed_are_apart():
    pool, _ = image_networks.pool("MNIST", "standardized")
    assert abs(float(pool.mean())) < 1e-5 and float(pool.std()) == pytest.approx(1, rel=1e-4)
    parts = image_networks.draw("MNIST", "standardized", (3,))
    assert [x.shape[1] for x, _ in parts] == [2500, 500, 2000]
    rows = torch.cat([x[0].flatten(1) for x, _ in parts]).numpy()
    assert len(np.unique(rows, axis=0)) > 4990


def test_images_are_moved_by_up_to_three_pixels():
    x = torch.zeros(200, 14, 14)
    x[:, 6, 7] = 1
    places = np.argwhere(image_networks_varied.move(x).numpy() == 1)
    assert len(places) == 200
    assert set(places[:, 1] - 6) == set(places[:, 2] - 7) == set(range(-3, 4))


@pytest.mark.parametrize(
    ("activation", "biases"), [("tanh", "zero"), ("tanh", "normal"), ("relu", "zero")]
)
def test_a_network_of_tanh_is_odd_if_its_biases_are_0(activation, biases):
    model = image_networks_odd.build(range(2), activation, 4, biases)
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 2, 14, 14))).float()
    with torch.no_grad():
        both = (model(x) + model(-x)).abs().max()
    assert (both < 1e-5) == ((activation, biases) == ("tanh", "zero"))


def test_half_of_the_images_are_inverted_and_the_others_as_they_were():
    plain, half = (
        image_networks_odd.pictures("MNIST", inverted, 0, range(2))[0]
        for inverted in ("none", "half")
    )
    signs = (plain[0] * half[0]).sum(dim=(2, 3)).sign()
    assert torch.equal(plain[1], half[1]) and 0.4 < (signs > 0).double().mean() < 0.6
    assert torch.equal(plain[0] * signs[..., None, None], half[0])
