"""The data of the course: points in a plane, images, text and speech.

What comes with the package is read with its SHA-256 checked and with ``allow_pickle=False``: a
damaged or exchanged file gives an error, never wrong numbers and never someone else's code. The
same holds for what `load` fetches on request.
"""

from course_lib.data.bundled import DataError, read_bundled
from course_lib.data.idx import read_idx
from course_lib.data.images import (
    FASHION_MNIST_NAMES,
    MNIST_NAMES,
    Images,
    fashion_mnist,
    mnist,
)
from course_lib.data.loading import load
from course_lib.data.points import moons, spirals, xor
from course_lib.data.speech import SpokenDigits, Vowels, vowels
from course_lib.data.splits import stratified_split
from course_lib.data.texts import Poem, names, poems
from course_lib.data.wav import Sound, read_wav

__all__ = [
    "FASHION_MNIST_NAMES",
    "MNIST_NAMES",
    "DataError",
    "Images",
    "Poem",
    "Sound",
    "SpokenDigits",
    "Vowels",
    "fashion_mnist",
    "load",
    "mnist",
    "moons",
    "names",
    "poems",
    "read_bundled",
    "read_idx",
    "read_wav",
    "spirals",
    "stratified_split",
    "vowels",
    "xor",
]
