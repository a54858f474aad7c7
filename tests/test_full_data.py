"""The full data sets, from mirrors on this machine that serve them; the first three of four fail.

They are read from a folder beside the checkout, and skipped where there is none.
"""

import gzip
from pathlib import Path

import numpy as np
import pytest
import spoken_digits
from mirror_helpers import Mirrors, archive, serving

from course_lib.data import images, speech, texts
from course_lib.data.fetching import File
from course_lib.data.loading import load

ROOT = Path(__file__).resolve().parent.parent
FULL = next(ROOT.parent.glob("*/data/full"), None)
KINDS = ("corrupt", "trickling", "missing", "good")

pytestmark = pytest.mark.skipif(FULL is None, reason="there are no full data sets")


@pytest.fixture
def mirror(monkeypatch, tmp_path):
    """Return a function that takes a module, the name of its table of files, and contents.

    It lets the library fetch these files from mirrors that have the contents by name.
    """
    contents = {}
    with serving(monkeypatch, tmp_path, contents) as at:

        def serve(module, table, found):
            contents.update(found)
            files = getattr(module, table)
            single = isinstance(files, File)
            there = at(files, *KINDS) if single else [at(file, *KINDS) for file in files]
            monkeypatch.setattr(module, table, there)

        yield serve


def loaded(name, files):
    """Return a data set that is fetched, then read from its folder; both are tried."""
    before = len(Mirrors.asked)
    first, again = load(name, full=True), load(name, full=True)
    assert Mirrors.asked[before:] == [*KINDS] * files
    return first, again


@pytest.mark.parametrize(
    ("name", "folder", "table"),
    [("mnist", "mnist", "MNIST"), ("fashion_mnist", "fashion-mnist", "FASHION_MNIST")],
)
def test_all_images_are_read_from_their_four_files(mirror, name, folder, table):
    contents = {path: (FULL / folder / path).read_bytes() for path in images.PARTS}
    mirror(images, table, contents)
    found, again = loaded(name, files=4)
    assert found.x_train.shape == (60_000, 28, 28)
    assert found.x_test.shape == (10_000, 28, 28)
    assert {found.y_train.dtype, found.y_test.dtype} == {np.dtype(np.int64)}
    np.testing.assert_array_equal(again.x_test, found.x_test)
    for path, array in zip(
        images.PARTS, (found.x_train, found.y_train, found.x_test, found.y_test), strict=True
    ):
        plain = gzip.decompress(contents[path])
        assert array.astype(np.uint8).tobytes() == plain[16 if "images" in path else 8 :]
    few = load(name)
    first = np.flatnonzero(found.y_train == 0)[:500]
    bundled = np.concatenate([few.x_train[few.y_train == 0], few.x_test[few.y_test == 0]])
    expected = {image.tobytes() for image in found.x_train[first]}
    assert {image.tobytes() for image in bundled} >= expected


def test_all_recordings_are_read_from_their_archive(mirror):
    with np.load(FULL / "fsdd" / "fsdd_pcm16_8k.npz") as known:
        pcm, offsets = known["pcm"], known["offset"]
        speakers, digits, takes = known["speakers"], known["digit"], known["index"]
        who = known["speaker"]
    keys = list(zip(digits.tolist(), speakers[who].tolist(), takes.tolist(), strict=True))
    order = np.random.default_rng(0).permutation(3000)
    sounds = [pcm[offsets[i] : offsets[i + 1]] for i in order]
    content = archive(sounds, [keys[i] for i in order])
    mirror(speech, "RECORDINGS", {speech.RECORDINGS.name: content})
    found, again = loaded("spoken_digits", files=1)
    np.testing.assert_array_equal(found.samples, pcm)
    np.testing.assert_array_equal(found.digits, digits)
    np.testing.assert_array_equal(again.speakers, who)
    assert found.names == ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    assert found.is_test.sum() == 300
    np.testing.assert_array_equal(found.recording(7).samples, pcm[offsets[7] : offsets[8]])
    with pytest.raises(IndexError, match="recording 3000; expected 0 to 2999"):
        found.recording(3000)


def test_all_texts_are_read(mirror):
    for table in ("NAMES", "SHAKESPEARE"):
        file = getattr(texts, table)
        mirror(texts, table, {file.name: (FULL / "text" / file.name).read_bytes()})
    names, _ = loaded("names", files=1)
    assert (names[0], len(names), len(set(names))) == ("emma", 29_494, 29_494)
    plays, _ = loaded("shakespeare", files=1)
    assert plays.startswith("First Citizen:")
    assert len(plays) == 1_115_394


def test_the_study_computes_the_features_that_lie_beside_the_recordings():
    sounds, known = (
        np.load(FULL / "fsdd" / f"fsdd_{name}.npz") for name in ("pcm16_8k", "logmel32_u8")
    )
    samples, ends = sounds["pcm"], sounds["offset"]
    features, rows = known["logmel"], known["offset"]
    for i in range(0, 3000, 100):
        own = spoken_digits.log_mel(samples[ends[i] : ends[i + 1]] / 32768, 8000)
        steps = np.clip((own + 80) / 120 * 255, 0, 255)  # from -80 to 40 dB in a byte
        assert np.abs(steps - features[rows[i] : rows[i + 1]]).max() < 0.501
