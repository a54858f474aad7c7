"""The data of the course: points in a plane, and real images that come with the package.

The bundled files are read with their SHA-256 checked and with ``allow_pickle=False``: a damaged or
exchanged file gives an error, never wrong numbers and never someone else's code.
"""

import hashlib
import io
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from course_lib._checks import as_array, as_number, check_choice, check_integer
from course_lib._typing import Array

__all__ = [
    "DataError",
    "Images",
    "fashion_mnist",
    "mnist",
    "moons",
    "spirals",
    "stratified_split",
    "xor",
]


MNIST_NAMES = tuple("0123456789")
"""What the ten labels of `mnist` mean."""

FASHION_MNIST_NAMES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
"""What the ten labels of `fashion_mnist` mean."""

_SHA256 = {
    "mnist_5k.npz": "f814240cf7e0d3cbaacc1a898905819a40ab46fb317a600d2a4b91a5c184c810",
    "fashion_5k_1k.npz": "5de05f4efcbb2713f7dbeeb1ba7286288c73937220f24d8e0c5b9212aa3732cb",
}


class DataError(ValueError):
    """A data file is damaged, or is not the file that the package was made with."""


# ---------------------------------------------------------------------------------------------
# Points in a plane
# ---------------------------------------------------------------------------------------------


def xor() -> tuple[Array, Array]:
    """Return the four points of exclusive or.

    Returns
    -------
    x : ndarray of float64, shape (4, 2)
        (0, 0), (0, 1), (1, 0), (1, 1).
    y : ndarray of int64, shape (4,)
        1 where exactly one coordinate is 1.

    Notes
    -----
    The example with which Minsky and Papert, 1969, showed what one layer cannot do
    :cite:p:`minsky1969perceptrons`.

    Examples
    --------
    >>> x, y = xor()
    >>> y.tolist()
    [0, 1, 1, 0]
    """
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return x, (x.sum(axis=1) == 1).astype(np.int64)


def spirals(
    n: int = 100, *, classes: int = 2, turns: float = 1.0, noise: float = 0.02, seed: int = 0
) -> tuple[Array, Array]:
    """Return points on interleaved spirals.

    Parameters
    ----------
    n : int
        Points on each spiral.
    classes : int
        Spirals; at least 2.
    turns : float
        How often each winds around the origin.
    noise : float
        Standard deviation of a normal displacement, where the spirals end at radius 1.
    seed : int
        For the displacement and the places along the spiral.

    Returns
    -------
    x : ndarray of float64, shape (n * classes, 2)
        Points, spiral by spiral.
    y : ndarray of int64, shape (n * classes,)
        Which spiral.

    Raises
    ------
    ValueError
        If a count is not an integer or too small, the noise is not a number from 0 on, or `turns`
        is not finite.

    Notes
    -----
    After the two spirals of Lang and Witbrock, 1988 :cite:p:`lang1988learning`.

    Examples
    --------
    >>> x, y = spirals(50, classes=3)
    >>> x.shape, np.unique(y, return_counts=True)[1].tolist()
    ((150, 2), [50, 50, 50])
    """
    check_integer("n", n)
    check_integer("classes", classes, least=2)
    turns, noise = as_number("turns", turns), as_number("noise", noise, least=0)
    rng = np.random.default_rng(seed)
    radius = np.sqrt(rng.uniform(0.01, 1, (classes, n)))  # even density along the arm
    angle = 2 * np.pi * (turns * radius + np.arange(classes)[:, np.newaxis] / classes)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    points += noise * rng.standard_normal(points.shape)
    return points.reshape(-1, 2), _classes(classes, n)


def moons(n: int = 100, *, noise: float = 0.1, seed: int = 0) -> tuple[Array, Array]:
    """Return points on two interleaved half circles.

    Parameters
    ----------
    n : int
        Points on each half circle.
    noise : float
        Standard deviation of a normal displacement; the half circles have radius 1.
    seed : int
        For the displacement and the places along the half circles.

    Returns
    -------
    x : ndarray of float64, shape (2 * n, 2)
        Points, one half circle after the other.
    y : ndarray of int64, shape (2 * n,)
        Which half circle.

    Raises
    ------
    ValueError
        If `n` is not an integer from 1 on, or the noise not a number from 0 on.

    Examples
    --------
    >>> x, y = moons(50)
    >>> x.shape, np.unique(y, return_counts=True)[1].tolist()
    ((100, 2), [50, 50])
    """
    check_integer("n", n)
    noise = as_number("noise", noise, least=0)
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, np.pi, (2, n))
    upper = np.stack([np.cos(angle[0]), np.sin(angle[0])], axis=-1)
    lower = np.stack([1 - np.cos(angle[1]), 0.5 - np.sin(angle[1])], axis=-1)
    points = np.concatenate([upper, lower])
    points += noise * rng.standard_normal(points.shape)
    return points, _classes(2, n)


def _classes(count: int, n: int) -> Array:
    """Return the label of each point, class by class; int64 where NumPy counts in int32, too."""
    return np.repeat(np.arange(count, dtype=np.int64), n)


# ---------------------------------------------------------------------------------------------
# Images
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Images:
    """Images with labels, split for training and testing.

    Attributes
    ----------
    x_train, x_test : ndarray of uint8, shape (n, 28, 28)
        Gray values, 0 for the background.
    y_train, y_test : ndarray of int64, shape (n,)
        Labels from 0 to 9.
    names : tuple of str
        What the labels mean.
    """

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    names: tuple[str, ...]

    def flat(
        self, dtype: DTypeLike = np.float32, *, size: int = 28, standardize: bool = False
    ) -> tuple[Array, Array, Array, Array]:
        """Return what a dense network takes: an image as a row of numbers.

        Parameters
        ----------
        dtype : dtype
            float32 or float64.
        size : int
            Pixels along each side: 28, or a divisor of it, such as 14, where each pixel is the mean
            of a square of the original ones.
        standardize : bool
            Shift and scale all numbers alike, so that those of the training images have mean 0 and
            variance 1, instead of values from 0 to 1.

        Returns
        -------
        x_train, y_train, x_test, y_test : ndarray
            Images of shape ``(n, size**2)`` in that dtype, labels of shape ``(n,)``.

        Raises
        ------
        ValueError
            If `size` does not divide 28.
        TypeError
            If the dtype is another one; in float16, the sums of `standardize` would overflow.

        Examples
        --------
        >>> x_train, y_train, x_test, y_test = mnist().flat()
        >>> x_train.shape, x_test.shape, float(x_train.max())
        ((4000, 784), (1000, 784), 1.0)
        >>> small = mnist().flat(np.float64, size=14, standardize=True)[0]
        >>> small.shape, bool(abs(small.mean()) < 1e-9), round(float(small.var()), 9)
        ((4000, 196), True, 1.0)
        """
        check_integer("size", size)
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise TypeError(f"dtype is {np.dtype(dtype)}; expected float32 or float64")
        side = self.x_train.shape[-1]
        if side % size:
            divisors = [d for d in range(1, side + 1) if side % d == 0]
            raise ValueError(
                f"size is {size!r}; expected a divisor of {side}: {', '.join(map(str, divisors))}"
            )
        train, test = (
            _pooled((x.reshape(len(x), -1) / np.asarray(255, dtype)).astype(dtype), side, size)
            for x in (self.x_train, self.x_test)
        )
        if standardize:
            mean, deviation = train.mean(), train.std()
            train, test = (train - mean) / deviation, (test - mean) / deviation
        return train, self.y_train, test, self.y_test


def _pooled(rows: Array, side: int, size: int) -> Array:
    """Return images of side x side pixels, as rows, averaged to size x size."""
    if size == side:
        return rows
    step = side // size
    means: Array = rows.reshape(-1, size, step, size, step).mean(axis=(2, 4))
    return means.reshape(len(rows), -1)


def mnist(*, test_size: float = 0.2, seed: int = 0) -> Images:
    """Return 5,000 handwritten digits, 500 of each, split in the same proportion for every digit.

    Parameters
    ----------
    test_size : float
        The fraction held out, between 0 and 1.
    seed : int
        For the split.

    Returns
    -------
    Images
        By default 4,000 for training and 1,000 for testing.

    Raises
    ------
    DataError
        If the bundled file is damaged.
    ValueError
        If the fraction is not between 0 and 1, or leaves a side without some digit.

    Notes
    -----
    The first 500 of each class of the official training set :cite:p:`lecun1998gradient`, so the
    official test set remains untouched. (c) LeCun and Cortes, CC BY-SA 3.0.

    Examples
    --------
    >>> images = mnist()
    >>> images.x_train.shape, np.unique(images.y_test, return_counts=True)[1].tolist()
    ((4000, 28, 28), [100, 100, 100, 100, 100, 100, 100, 100, 100, 100])
    """
    arrays = read_bundled("mnist_5k.npz")
    train, test = stratified_split(arrays["y"], test_size=test_size, seed=seed)
    x, y = arrays["x"], arrays["y"].astype(np.int64)
    return Images(x[train], y[train], x[test], y[test], MNIST_NAMES)


def fashion_mnist() -> Images:
    """Return 5,000 images of clothes for training and 1,000 for testing, ten classes in balance.

    Returns
    -------
    Images
        The training images in a fixed random order.

    Raises
    ------
    DataError
        If the bundled file is damaged.

    Notes
    -----
    The first 500 and 100 of each class of Fashion-MNIST's own two parts
    :cite:p:`xiao2017fashion`. (c) 2017 Zalando SE, MIT license.

    Examples
    --------
    >>> images = fashion_mnist()
    >>> images.x_train.shape, images.names[images.y_test[0]] in FASHION_MNIST_NAMES
    ((5000, 28, 28), True)
    """
    arrays = read_bundled("fashion_5k_1k.npz")
    order = np.random.default_rng(0).permutation(len(arrays["y_train"]))
    return Images(
        arrays["x_train"][order],
        arrays["y_train"][order].astype(np.int64),
        arrays["x_test"],
        arrays["y_test"].astype(np.int64),
        FASHION_MNIST_NAMES,
    )


def stratified_split(
    labels: ArrayLike, *, test_size: float = 0.2, seed: int = 0
) -> tuple[Array, Array]:
    """Split examples at random so that every class is divided in the same proportion.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        The class of each example.
    test_size : float
        The fraction held out, between 0 and 1.
    seed : int
        For the choice and the order.

    Returns
    -------
    train, test : ndarray of int64
        Indices into `labels`, each in random order; together they hold each example once.

    Raises
    ------
    ValueError
        If the labels are not one row of integers, the fraction is not between 0 and 1, or a class
        has too few examples to be on both sides.

    Examples
    --------
    >>> train, test = stratified_split([0] * 10 + [1] * 20)
    >>> len(train), np.bincount(np.repeat([0, 1], [10, 20])[test])
    (24, array([2, 4]))
    """
    labels = as_array("labels", labels)
    if labels.ndim != 1 or labels.size == 0 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels of shape {labels.shape} and dtype {labels.dtype}; expected one row of "
            f"integers, at least one"
        )
    test_size = as_number("test_size", test_size, above=0, below=1)
    rng = np.random.default_rng(seed)
    train, test = [], []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        count = round(len(members) * test_size)
        if not 0 < count < len(members):
            raise ValueError(
                f"class {label} has {len(members)} examples, of which test_size={test_size} "
                f"takes {count}; each side needs at least one"
            )
        test.append(members[:count])
        train.append(members[count:])
    mixed = [rng.permutation(np.concatenate(part)) for part in (train, test)]
    return mixed[0].astype(np.int64), mixed[1].astype(np.int64)  # intp is int32 on some systems


def read_bundled(name: str) -> dict[str, Array]:
    """Read one of the files that come with the package.

    Parameters
    ----------
    name : str
        Such as ``"mnist_5k.npz"``.

    Returns
    -------
    dict of str to ndarray
        The arrays of the file.

    Raises
    ------
    KeyError
        If no such file belongs to the package.
    DataError
        If the file is missing, truncated or not the one that the package was made with.
    """
    check_choice("data file", name, _SHA256)
    resource = files("course_lib").joinpath("bundled", name)
    advice = "install the package again (pip install --force-reinstall --no-deps)"
    try:
        content = resource.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}; {advice}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != _SHA256[name]:
        raise DataError(
            f"{name} is damaged: {len(content)} bytes with SHA-256 {digest[:12]}..., expected "
            f"{_SHA256[name][:12]}...; {advice}"
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}
