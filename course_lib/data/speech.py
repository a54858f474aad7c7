"""Speech: vowels as cepstra, and spoken digits as sound."""

import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from course_lib._typing import Array
from course_lib.data.bundled import DataError, read_bundled
from course_lib.data.fetching import File, check_content, fetched
from course_lib.data.wav import Sound, parse_wav

__all__ = ["SpokenDigits", "Vowels", "spoken_digits", "vowels"]

RECORDINGS = File(
    "free-spoken-digit-dataset-1.0.10.tar.gz",
    16_000_000,
    (
        "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.10.tar.gz",
        "https://codeload.github.com/Jakobovski/free-spoken-digit-dataset/tar.gz/refs/tags/v1.0.10",
    ),
)
SHA256 = "af421367ac2b68e312ab3d0aa30fcb584fc64d752b40c1fd8f25bbc0e1de09dd"
"""Of names in lines, offsets (int32) and samples (int16), the least significant byte first."""
RATE = 8000
LARGEST = 1 << 20  # bytes of a recording; the longest has 37 thousand


@dataclass(frozen=True)
class Vowels:
    """Utterances of the vowels /a/ and /e/ in succession, by nine men.

    Attributes
    ----------
    frames : ndarray of float32, shape (640, 29, 12)
        12 LPC cepstrum coefficients of each frame (25.6 ms, one every 6.4 ms, at 10 kHz); 0 after
        the last frame. The recordings themselves are not there.
    lengths : ndarray of int64, shape (640,)
        Frames of each utterance, 7 to 29.
    speakers : ndarray of int64, shape (640,)
        Who speaks, 0 to 8.
    is_test : ndarray of bool, shape (640,)
        Which 370 are held out: the same speakers on other occasions.
    """

    frames: Array
    lengths: Array
    speakers: Array
    is_test: Array


def vowels() -> Vowels:
    """Return 640 utterances of Japanese vowels; the task is to tell who speaks.

    Returns
    -------
    Vowels
        270 for training and 370 for testing.

    Raises
    ------
    DataError
        If the bundled file is damaged.

    Notes
    -----
    Recorded by Kudo, Toyama and Shimbo :cite:p:`kudo1999multidimensional`; from the UCI Machine
    Learning Repository (doi 10.24432/C5NS47, CC BY 4.0), as aeon 1.6.0 ships it.

    Examples
    --------
    >>> spoken = vowels()
    >>> spoken.frames.shape, int(spoken.is_test.sum()), int(spoken.lengths.max())
    ((640, 29, 12), 370, 29)
    """
    arrays = read_bundled("japanese_vowels.npz")
    return Vowels(
        arrays["x"],
        arrays["length"].astype(np.int64),
        arrays["speaker"].astype(np.int64),
        arrays["split"] == 1,
    )


@dataclass(frozen=True)
class SpokenDigits:
    """Recordings of the digits from 0 to 9, in English, by six men.

    Attributes
    ----------
    samples : ndarray of int16, shape (10498424,)
        All recordings, one after the other, at 8,000 samples a second.
    offsets : ndarray of int64, shape (3001,)
        Where each begins, and where the last one ends.
    digits, speakers, takes : ndarray of int64, shape (3000,)
        What is said, by whom (an index into `names`), and which of 50 recordings of it this is.
    names : tuple of str
        Of the speakers, as the data set calls them.
    rate : int
        8,000 samples a second.

    Notes
    -----
    The Free Spoken Digit Dataset, version 1.0.10 :cite:p:`jackson2020fsdd`, CC BY-SA 4.0.
    """

    samples: Array
    offsets: Array
    digits: Array
    speakers: Array
    takes: Array
    names: tuple[str, ...]
    rate: int = RATE

    @property
    def is_test(self) -> Array:
        """Which recordings the data set holds out: the first five of each, of every speaker."""
        held_out: Array = self.takes < 5
        return held_out

    def recording(self, i: int) -> Sound:
        """Return one recording.

        Parameters
        ----------
        i : int
            Which, from 0 to 2,999, by digit, speaker and take.

        Returns
        -------
        Sound
            Its samples and their rate.

        Raises
        ------
        IndexError
            If there is none of that number.
        """
        if not 0 <= i < len(self.digits):
            raise IndexError(f"recording {i}; expected 0 to {len(self.digits) - 1}")
        return Sound(self.rate, self.samples[self.offsets[i] : self.offsets[i + 1]], 16)


def spoken_digits() -> SpokenDigits:
    """Return 3,000 recordings of spoken digits, fetched on request; see `load`.

    Returns
    -------
    SpokenDigits
        50 of each digit by each of six speakers.

    Raises
    ------
    ConnectionError, OSError
        As `load`.
    """
    return fetched("spoken_digits", RECORDINGS, _read)


def _read(path: Path) -> SpokenDigits:
    """Return the recordings of an archive, if they are the right ones."""
    try:
        found = sorted(_recordings(path), key=lambda recording: recording[0])
    except (DataError, FileNotFoundError):
        raise
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError) as error:
        raise DataError(f"{path} is damaged: it cannot be unpacked ({error})") from None
    keys, sounds = zip(*found, strict=True) if found else ((), ())
    lengths = [len(sound.samples) for sound in sounds]
    offsets = np.cumsum([0, *lengths])
    samples = np.concatenate([np.empty(0, np.int16), *(sound.samples for sound in sounds)])
    called = "".join(f"{digit}_{speaker}_{take}\n" for digit, speaker, take in keys).encode()
    content = [called, offsets.astype("<i4").tobytes(), samples.astype("<i2").tobytes()]
    check_content(str(path), content, SHA256)
    digits, people, takes = zip(*keys, strict=True)
    names, speakers = np.unique(people, return_inverse=True)
    return SpokenDigits(
        samples,
        offsets.astype(np.int64),
        np.array(digits, np.int64),
        speakers.astype(np.int64),
        np.array(takes, np.int64),
        tuple(map(str, names)),
    )


def _recordings(path: Path) -> Iterator[tuple[tuple[int, str, int], Sound]]:
    """Yield digit, speaker and take of each recording of an archive, and its sound."""
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            if not member.isfile() or name.suffix != ".wav":
                continue
            digit, speaker, take = name.stem.split("_")
            content = archive.extractfile(member)
            assert content is not None  # it is a file
            if member.size > LARGEST:
                raise DataError(f"{path}: {member.name} has {member.size:,} bytes")
            yield (int(digit), speaker, int(take)), parse_wav(content.read(), member.name)
