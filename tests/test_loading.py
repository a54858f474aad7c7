"""Data sets by name: what comes with the package, and the whole of it from a mirror."""

import gzip
import hashlib
import http.server
import io
import tarfile
import threading
import wave
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from course_lib import data
from course_lib.__main__ import main
from course_lib.data import images, loading, speech, texts
from course_lib.data.loading import DATASETS, load

ROOT = Path(__file__).resolve().parent.parent
FULL = next(ROOT.parent.glob("*/data/full"), None)  # beside the checkout
needs_full = pytest.mark.skipif(FULL is None, reason="there are no full data sets")


def test_what_comes_with_the_package_is_loaded_by_name():
    np.testing.assert_array_equal(load("mnist").x_test, data.mnist().x_test)
    np.testing.assert_array_equal(load("fashion_mnist").x_train, data.fashion_mnist().x_train)
    assert load("names") == data.names()
    assert load("poems") == data.poems()
    np.testing.assert_array_equal(load("vowels").frames, data.vowels().frames)


def test_names_are_in_small_letters_each_once():
    names = data.names()
    assert len(set(names)) == len(names) == 5163
    assert set("".join(names)) == set("abcdefghijklmnopqrstuvwxyz")


def test_poems_have_title_author_and_lines():
    poems = data.poems()
    assert len(poems) == 313
    assert all(poem.title and poem.author and poem.lines for poem in poems)
    assert not [line for poem in poems for line in poem.lines if line != line.strip()]


def test_vowels_are_complete():
    vowels = data.vowels()
    assert vowels.frames.shape == (640, 29, 12)
    assert np.unique(vowels.speakers[~vowels.is_test], return_counts=True)[1].tolist() == [30] * 9
    assert (vowels.lengths.min(), vowels.lengths.max()) == (7, 29)
    after = np.arange(29) >= vowels.lengths[:, np.newaxis]
    assert (vowels.frames[after] == 0).all()
    assert (vowels.frames[~after] != 0).any(axis=-1).all()


@pytest.mark.parametrize(
    ("name", "options", "kind", "told"),
    [
        ("minst", {}, KeyError, "did you mean 'mnist'?"),
        ("shakespeare", {}, ValueError, "load('shakespeare', full=True) fetches it (1.1 MB) into"),
        ("poems", {"full": True}, ValueError, "all of poems comes with the package"),
        ("mnist", {"full": "yes"}, TypeError, "full is 'yes'"),
    ],
)
def test_what_there_is_not_is_told(name, options, kind, told):
    with pytest.raises(kind) as raised:
        load(name, **options)
    assert told in str(raised.value)


# The whole of them.


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """Serve a folder; data are kept in another. Returns the former, and its address."""
    served = tmp_path / "served"
    served.mkdir()
    monkeypatch.setenv("COURSE_LIB_DATA", str(tmp_path / "kept"))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            """Say nothing."""

    handler = partial(Quiet, directory=served)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield served, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def at(address, file):
    """Return a file that is at an address, after a mirror that has it not."""
    return file._replace(urls=(f"{address}/nowhere/{file.name}", f"{address}/{file.name}"))


def archive(samples, keys, folder="free-spoken-digit-dataset-1.0.10/recordings"):
    """Return an archive of recordings as it is published."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as packed:
        for (digit, speaker, take), sound in zip(keys, samples, strict=True):
            content = io.BytesIO()
            with wave.open(content, "wb") as file:
                file.setparams((1, 2, 8000, 0, "NONE", None))
                file.writeframes(sound.astype("<i2").tobytes())
            member = tarfile.TarInfo(f"{folder}/{digit}_{speaker}_{take}.wav")
            member.size = len(content.getvalue())
            packed.addfile(member, io.BytesIO(content.getvalue()))
        readme = tarfile.TarInfo("free-spoken-digit-dataset-1.0.10/README.md")
        packed.addfile(readme, io.BytesIO(b""))
    return out.getvalue()


@needs_full
@pytest.mark.parametrize(
    ("name", "folder", "table"),
    [("mnist", "mnist", "MNIST"), ("fashion_mnist", "fashion-mnist", "FASHION_MNIST")],
)
def test_all_images_are_read_from_their_four_files(mirror, monkeypatch, name, folder, table):
    served, address = mirror
    files = getattr(images, table)
    for file in files:
        (served / file.name).symlink_to(FULL / folder / file.name)
    monkeypatch.setattr(images, table, [at(address, file) for file in files])
    found, again = load(name, full=True), load(name, full=True)
    assert found.x_train.shape == (60_000, 28, 28)
    assert found.x_test.shape == (10_000, 28, 28)
    np.testing.assert_array_equal(again.x_test, found.x_test)
    train = gzip.decompress((FULL / folder / files[0].name).read_bytes())
    assert found.x_train.tobytes() == train[16:]
    few = load(name)
    first = np.flatnonzero(found.y_train == 0)[:500]
    bundled = np.concatenate([few.x_train[few.y_train == 0], few.x_test[few.y_test == 0]])
    expected = {image.tobytes() for image in found.x_train[first]}
    assert {image.tobytes() for image in bundled} >= expected


@needs_full
def test_all_recordings_are_read_from_their_archive(mirror, monkeypatch):
    served, address = mirror
    with np.load(FULL / "fsdd" / "fsdd_pcm16_8k.npz") as known:
        pcm, offsets = known["pcm"], known["offset"]
        speakers, digits, takes = known["speakers"], known["digit"], known["index"]
        who = known["speaker"]
    keys = list(zip(digits.tolist(), speakers[who].tolist(), takes.tolist(), strict=True))
    order = np.random.default_rng(0).permutation(3000)
    sounds = [pcm[offsets[i] : offsets[i + 1]] for i in order]
    content = archive(sounds, [keys[i] for i in order])
    (served / speech.RECORDINGS.name).write_bytes(content)
    monkeypatch.setattr(speech, "RECORDINGS", at(address, speech.RECORDINGS))
    found = load("spoken_digits", full=True)
    np.testing.assert_array_equal(found.samples, pcm)
    np.testing.assert_array_equal(found.digits, digits)
    assert found.names == ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    assert found.is_test.sum() == 300
    np.testing.assert_array_equal(found.recording(7).samples, pcm[offsets[7] : offsets[8]])
    with pytest.raises(IndexError, match="recording 3000; expected 0 to 2999"):
        found.recording(3000)


@needs_full
def test_all_texts_are_read(mirror, monkeypatch):
    served, address = mirror
    for name in ("NAMES", "SHAKESPEARE"):
        file = getattr(texts, name)
        (served / file.name).symlink_to(FULL / "text" / file.name)
        monkeypatch.setattr(texts, name, at(address, file))
    names = load("names", full=True)
    assert (names[0], len(names), len(set(names))) == ("emma", 29_494, 29_494)
    assert load("shakespeare", full=True).startswith("First Citizen:")


def test_an_archive_of_other_recordings_is_none(mirror, monkeypatch):
    served, address = mirror
    sounds = [np.arange(5), np.arange(7)]
    (served / speech.RECORDINGS.name).write_bytes(archive(sounds, [(0, "a", 0), (0, "a", 1)]))
    monkeypatch.setattr(speech, "RECORDINGS", at(address, speech.RECORDINGS))
    with pytest.raises(ConnectionError, match="that are not this file"):
        load("spoken_digits", full=True)
    offsets, samples = np.array([0, 5, 12], "<i4"), np.concatenate(sounds).astype("<i2")
    digest = hashlib.sha256(offsets.tobytes() + samples.tobytes()).hexdigest()
    monkeypatch.setattr(speech, "SHA256", digest)
    assert load("spoken_digits", full=True).takes.tolist() == [0, 1]


# The command.


def test_the_command_lists_what_is_here(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_LIB_DATA", str(tmp_path))
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "names.txt").write_bytes(b"")
    assert main(["data"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*DATASETS]
    told = dict(zip(DATASETS, lines, strict=True))
    assert told["names"].endswith("comes with the package; all of it is there")
    assert told["spoken_digits"].endswith("fetching takes 16 MB")
    assert str(tmp_path) in last


def test_the_command_fetches_and_says_what_it_cannot(capsys, monkeypatch):
    monkeypatch.setattr(loading, "DATASETS", {"a": loading.Dataset("letters", None, lambda: "abc")})
    monkeypatch.setattr("course_lib.__main__.DATASETS", loading.DATASETS)
    assert main(["data", "a"]) == 0
    assert capsys.readouterr().out == "a: all of it is there\n"
    assert main(["data", "a", "b"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "unknown data set 'b'" in err
