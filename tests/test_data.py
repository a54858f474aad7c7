"""The data: geometry by closed form, complete splits, and files that cannot deceive."""

import hashlib
import io
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from together import together

import course_lib
from course_lib import data
from course_lib.data import DataError, bundled, stratified_split


def counts(labels):
    """Return how many there are of each label; bincount takes no int64 on 32-bit systems."""
    return np.unique(labels, return_counts=True)[1]


# ---------------------------------------------------------------------------------------------
# Points in a plane
# ---------------------------------------------------------------------------------------------


def test_xor_is_the_four_points():
    x, y = data.xor()
    assert (x.dtype, y.dtype) == (np.float64, np.int64)
    assert {tuple(point): label for point, label in zip(x.tolist(), y.tolist(), strict=True)} == {
        (0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 0
    }  # fmt: skip


@together("classes", [2, 3, 5])
@together("turns", [0.5, 1.0, 2.0])
def test_without_noise_spirals_lie_on_their_curves(classes, turns):
    x, y = data.spirals(200, classes=classes, turns=turns, noise=0)
    radius = np.hypot(*x.T)
    assert 0.1 <= radius.min() < radius.max() <= 1
    angle = 2 * np.pi * (turns * radius + y / classes)
    np.testing.assert_allclose(x[:, 0], radius * np.cos(angle), atol=1e-15)
    np.testing.assert_allclose(x[:, 1], radius * np.sin(angle), atol=1e-15)


def test_without_noise_moons_lie_on_their_half_circles():
    x, y = data.moons(200, noise=0)
    upper, lower = x[y == 0], x[y == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1, rtol=1e-14)
    np.testing.assert_allclose(np.hypot(*(lower - [1, 0.5]).T), 1, rtol=1e-14)
    assert upper[:, 1].min() >= 0
    assert lower[:, 1].max() <= 0.5


@pytest.mark.parametrize("noise", [0.05, 0.3])
@pytest.mark.parametrize("make", [data.moons, data.spirals])
def test_noise_is_a_normal_displacement_of_that_size(make, noise):
    clean, _ = make(5000, noise=0)
    noisy, _ = make(5000, noise=noise)
    moved = noisy - clean  # the same seed draws the same places
    assert moved.std() == pytest.approx(noise, rel=0.03)
    assert abs(moved.mean()) < 4 * noise / np.sqrt(moved.size)


@pytest.mark.parametrize(
    ("make", "classes"),
    [
        (data.moons, 2),
        (data.spirals, 2),
        (lambda n, **options: data.spirals(n, classes=4, **options), 4),
    ],
)
@pytest.mark.parametrize("n", [1, 7])
def test_points_are_balanced_and_repeat_with_their_seed(make, classes, n):
    x, y = make(n, seed=3)
    assert (x.shape, x.dtype, y.dtype) == ((n * classes, 2), np.float64, np.int64)
    np.testing.assert_array_equal(counts(y), [n] * classes)
    np.testing.assert_array_equal(make(n, seed=3)[0], x)
    assert (make(n, seed=4)[0] != x).all()


# ---------------------------------------------------------------------------------------------
# Images
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "train", "test"), [(data.mnist, 4000, 1000), (data.fashion_mnist, 5000, 1000)]
)
def test_images_are_complete_balanced_and_repeatable(load, train, test):
    images, again = load(), load()
    assert images.x_train.shape == (train, 28, 28)
    assert images.x_test.shape == (test, 28, 28)
    assert {images.x_train.dtype, images.x_test.dtype} == {np.dtype(np.uint8)}
    assert {images.y_train.dtype, images.y_test.dtype} == {np.dtype(np.int64)}
    np.testing.assert_array_equal(counts(images.y_train), [train // 10] * 10)
    np.testing.assert_array_equal(counts(images.y_test), [test // 10] * 10)
    assert len(images.names) == 10
    for part in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(images, part), getattr(again, part))
    assert len(np.unique(images.y_train[:100])) == 10  # not sorted by class


def test_the_digits_are_split_without_overlap():
    digits = data.mnist(seed=5)
    train, test = ({image.tobytes() for image in x} for x in (digits.x_train, digits.x_test))
    assert len(train | test) == len(train) + len(test) == 5000
    assert (data.mnist(seed=6).y_test != digits.y_test).any()


def test_another_fraction_is_held_out():
    digits = data.mnist(test_size=0.5)
    assert len(digits.x_train) == len(digits.x_test) == 2500


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_flat_rows_are_gray_values_from_0_to_1(dtype):
    images = data.fashion_mnist()
    x_train, y_train, x_test, y_test = images.flat(dtype)
    assert x_train.dtype == x_test.dtype == dtype
    assert (x_train.min(), x_train.max()) == (0, 1)
    np.testing.assert_allclose(
        x_test, images.x_test.reshape(1000, 784) / 255.0, rtol=np.finfo(dtype).eps
    )
    np.testing.assert_array_equal(y_train, images.y_train)
    np.testing.assert_array_equal(y_test, images.y_test)


@pytest.mark.parametrize("dtype", [np.float16, np.uint8, complex])
def test_flat_rows_are_in_single_or_double_precision(dtype):
    with pytest.raises(TypeError, match=r"^dtype is .*; expected float32 or float64"):
        data.mnist().flat(dtype)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (3, r"size is 3; expected a divisor of 28: 1, 2, 4, 7, 14, 28"),
        (56, r"size is 56; expected a divisor of 28"),
        (0, r"size is 0; expected"),
        (14.0, r"size is 14\.0; expected"),
        (True, r"size is True; expected"),
    ],
)
def test_images_shrink_to_divisors_of_their_side_alone(size, message):
    with pytest.raises(ValueError, match=message):
        data.mnist().flat(size=size)


def test_small_images_are_means_of_squares_and_the_training_images_set_the_scale():
    images = data.mnist()
    train, _, test, _ = images.flat(np.float64, size=14, standardize=True)
    small = [
        sum(x[:, i::2, j::2] / 255 for i in (0, 1) for j in (0, 1)).reshape(len(x), 196) / 4
        for x in (images.x_train, images.x_test)
    ]
    for found, own in zip((train, test), small, strict=True):
        expected = (own - small[0].mean()) / small[0].std()
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@given(
    counts=st.lists(st.integers(2, 40), min_size=1, max_size=5),
    fraction=st.floats(0.3, 0.7),
    seed=st.integers(0, 99),
)
def test_a_split_is_stratified_and_complete(counts, fraction, seed):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)) * 3, counts))
    train, test = stratified_split(labels, test_size=fraction, seed=seed)
    assert sorted([*train, *test]) == list(range(len(labels)))
    for label, count in zip(np.unique(labels), counts, strict=True):
        assert abs((labels[test] == label).sum() - fraction * count) <= 0.5
    again = stratified_split(labels, test_size=fraction, seed=seed)
    np.testing.assert_array_equal(np.concatenate(again), np.concatenate([train, test]))
    assert {train.dtype, test.dtype} == {np.dtype(np.int64)}


def test_a_seed_gives_one_split_on_every_system():
    train, test = stratified_split([0] * 5 + [1] * 5, test_size=0.4, seed=0)
    assert (train.tolist(), test.tolist()) == ([7, 1, 3, 8, 5, 0], [6, 9, 4, 2])


# ---------------------------------------------------------------------------------------------
# Damaged files
# ---------------------------------------------------------------------------------------------

FILES = {
    "mnist_5k.npz": data.mnist,
    "fashion_5k_1k.npz": data.fashion_mnist,
    "first_names.tsv": data.names,
    "japanese_vowels.npz": data.vowels,
    "tang_poems.txt": data.poems,
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Let the library read from a copy of its data."""
    shutil.copytree(Path(course_lib.__file__).parent / "bundled", tmp_path / "bundled")
    monkeypatch.setattr(bundled, "files", {"course_lib": tmp_path}.__getitem__)
    return tmp_path / "bundled"


def flip_one_bit(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGES = {
    "truncated": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "one bit flipped": flip_one_bit,
    "one byte more": lambda content: content + b"\0",
    "a web page": lambda content: b"<html>404</html>",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_rejected_by_name(package, name, damage):
    content = DAMAGES[damage]((package / name).read_bytes())
    (package / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name} is damaged: {len(content)} bytes.*install") as e:
        FILES[name]()
    assert hashlib.sha256(content).hexdigest()[:12] in str(e.value)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(package, name):
    (package / name).unlink()
    with pytest.raises(DataError, match=f"cannot read {name}: No such file.*install"):
        FILES[name]()


@pytest.mark.parametrize("name", FILES)
def test_an_intact_copy_is_read(package, name):
    assert FILES[name]()


def test_no_file_is_forgotten():
    there = (Path(course_lib.__file__).parent / "bundled").iterdir()
    kept = {path.name for path in there if path.suffix in (".npz", ".tsv", ".txt")}
    assert kept == set(FILES) == set(bundled._SHA256)


class Bomb:
    """Something that a pickle would run."""

    exploded = False

    def __reduce__(self):
        return (setattr, (Bomb, "exploded", True))


def test_a_pickle_in_a_data_file_is_never_loaded(package, monkeypatch):
    buffer = io.BytesIO()
    np.savez(buffer, x=np.array([Bomb()], object), y=np.zeros(1, np.uint8))
    (package / "mnist_5k.npz").write_bytes(buffer.getvalue())
    with pytest.raises(DataError):
        data.mnist()
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()  # even with a matching checksum
    monkeypatch.setitem(bundled._SHA256, "mnist_5k.npz", digest)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        data.mnist()
    assert not Bomb.exploded
    pickle.loads(pickle.dumps(Bomb()))  # the bomb is live
    assert Bomb.exploded


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------

BAD = {
    "no points": (lambda: data.moons(0), ValueError, "n is 0", "integers from 1"),
    "half a point": (lambda: data.spirals(2.5), ValueError, "n is 2.5", "integers from 1"),
    "noise below 0": (lambda: data.moons(noise=-1), ValueError, "noise is -1", "from 0 on"),
    "noise NaN": (lambda: data.spirals(noise=float("nan")), ValueError, "nan", "from 0 on"),
    "noise in words": (lambda: data.moons(noise="low"), ValueError, "'low'", "number from 0 on"),
    "noise for each": (lambda: data.moons(noise=[1, 2]), ValueError, "[1, 2]", "finite number"),
    "noise without end": (lambda: data.moons(noise=np.inf), ValueError, "noise is inf", "finite"),
    "turns NaN": (lambda: data.spirals(turns=np.nan), ValueError, "turns is nan", "finite number"),
    "half a spiral": (lambda: data.spirals(classes=2.5), ValueError, "is 2.5", "from 2 on"),
    "one spiral": (lambda: data.spirals(classes=1), ValueError, "classes is 1", "from 2 on"),
    "test_size 0": (lambda: data.mnist(test_size=0), ValueError, "is 0;", "between 0 and 1"),
    "test_size 1": (lambda: data.mnist(test_size=1), ValueError, "is 1;", "between 0 and 1"),
    "test_size in words": (lambda: data.mnist(test_size="half"), ValueError, "'half'", "a number"),
    "ragged labels": (
        lambda: stratified_split([[0, 1], [0]]), ValueError, "labels is ragged", "expected an array"
    ),
    "test_size too small": (
        lambda: data.mnist(test_size=1e-4), ValueError, "class 0 has 500", "at least one"
    ),
    "a class of one": (
        lambda: stratified_split([0, 0, 7]), ValueError, "class 0 has 2", "at least one"
    ),
    "no labels": (lambda: stratified_split([]), ValueError, "(0,)", "one row of integers"),
    "float labels": (lambda: stratified_split([0.0, 1.0]), ValueError, "float64", "integers"),
    "a table of labels": (lambda: stratified_split([[0], [1]]), ValueError, "(2, 1)", "one row"),
    "unknown file": (
        lambda: data.read_bundled("mnist.npz"), KeyError, "'mnist.npz'", "mnist_5k.npz"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])
