"""Images with labels: handwritten digits and clothes."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from course_lib._checks import check_integer
from course_lib._typing import Array
from course_lib.data.bundled import read_bundled
from course_lib.data.fetching import File, check_content, fetched
from course_lib.data.idx import read_idx
from course_lib.data.splits import stratified_split

__all__ = ["FASHION_MNIST_NAMES", "MNIST_NAMES", "Images", "fashion_mnist", "mnist"]

MNIST_NAMES = tuple("0123456789")
"""What the ten labels of `mnist` mean."""

FASHION_MNIST_NAMES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
"""What the ten labels of `fashion_mnist` mean."""


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


# ---------------------------------------------------------------------------------------------
# The whole of them, on request
# ---------------------------------------------------------------------------------------------

MNIST_URLS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)
FASHION_MNIST_URLS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
)
PARTS = (
    "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
)  # fmt: skip


def _files(urls: tuple[str, ...], sizes: tuple[int, ...]) -> tuple[File, ...]:
    """Return the four files of a data set."""
    return tuple(
        File(name, size, tuple(f"{url}/{name}" for url in urls))
        for name, size in zip(PARTS, sizes, strict=True)
    )


MNIST = _files(MNIST_URLS, (9_912_422, 28_881, 1_648_877, 4_542))
FASHION_MNIST = _files(FASHION_MNIST_URLS, (26_421_880, 29_515, 4_422_102, 5_148))
SHA256 = {
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion_mnist": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}
"""Of the content of each file, unpacked: mirrors pack it differently."""


def full_mnist() -> Images:
    """Return all 70,000 handwritten digits, fetched on request; see `load`.

    Returns
    -------
    Images
        60,000 for training and 10,000 for testing, as they are published.

    Raises
    ------
    ConnectionError, OSError
        As `load`.
    """
    return _full("mnist", MNIST, MNIST_NAMES)


def full_fashion_mnist() -> Images:
    """Return all 70,000 images of clothes, fetched on request; see `load`.

    Returns
    -------
    Images
        60,000 for training and 10,000 for testing, as they are published.

    Raises
    ------
    ConnectionError, OSError
        As `load`.
    """
    return _full("fashion_mnist", FASHION_MNIST, FASHION_MNIST_NAMES)


def _full(dataset: str, files: tuple[File, ...], names: tuple[str, ...]) -> Images:
    """Return the images of four files."""
    x_train, y_train, x_test, y_test = (
        fetched(dataset, file, partial(_read, sha256=sha256))
        for file, sha256 in zip(files, SHA256[dataset], strict=True)
    )
    return Images(x_train, y_train.astype(np.int64), x_test, y_test.astype(np.int64), names)


def _read(path: Path, sha256: str) -> Array:
    """Return the array of a file, if it is the right one."""
    array = read_idx(path)
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    check_content(str(path), [header, array.reshape(-1).data], sha256)
    return array
