"""Data sets by name: what comes with the package, and the whole of it from a mirror."""

import hashlib

import numpy as np
import pytest
import reading_data
from mirror_helpers import archive, serving

from course_lib import data
from course_lib.__main__ import main
from course_lib.data import images, loading, speech, texts
from course_lib.data.fetching import File
from course_lib.data.loading import DATASETS, load


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


def test_an_archive_of_other_recordings_is_none(monkeypatch, tmp_path):
    sounds = [np.arange(5), np.arange(7)]
    content = archive(sounds, [(0, "a", 0), (0, "a", 1)])
    with serving(monkeypatch, tmp_path, {speech.RECORDINGS.name: content}) as at:
        monkeypatch.setattr(speech, "RECORDINGS", at(speech.RECORDINGS, "good"))
        with pytest.raises(ConnectionError, match="that are not this file"):
            load("spoken_digits", full=True)
        offsets, samples = np.array([0, 5, 12], "<i4"), np.concatenate(sounds).astype("<i2")
        whole = b"0_a_0\n0_a_1\n" + offsets.tobytes() + samples.tobytes()
        monkeypatch.setattr(speech, "SHA256", hashlib.sha256(whole).hexdigest())
        assert load("spoken_digits", full=True).takes.tolist() == [0, 1]


def test_images_take_no_more_memory_than_twice_their_arrays(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_LIB_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    digests = reading_data.make(tmp_path / "mnist", 5000)
    monkeypatch.setitem(images.SHA256, "mnist", digests)
    load("mnist", full=True)  # what is imported takes no part
    most, found = reading_data.peak(lambda: load("mnist", full=True))
    arrays = (found.x_train, found.y_train, found.x_test, found.y_test)
    assert found.x_test.shape == (5000, 28, 28)
    assert most < 1.2 * sum(array.nbytes for array in arrays)


@pytest.mark.parametrize("name", ["0_a", "zero_a_0", "0_a_0_0"])
def test_an_archive_of_other_names_is_none(monkeypatch, tmp_path, name):
    content = archive([np.arange(5)], [name.split("_")])
    with serving(monkeypatch, tmp_path, {speech.RECORDINGS.name: content}) as at:
        monkeypatch.setattr(speech, "RECORDINGS", at(speech.RECORDINGS, "good"))
        with pytest.raises(ConnectionError, match="that are not this file"):
            load("spoken_digits", full=True)


@pytest.mark.parametrize(
    ("name", "module", "table", "file", "size"),
    [
        ("mnist", images, "MNIST", "train-images-idx3-ubyte.gz", "9.9 MB"),
        ("spoken_digits", speech, "RECORDINGS", "free-spoken-digit-dataset-1.0.10.tar.gz", "16 MB"),
        ("names", texts, "NAMES", "names.txt", "228 kB"),
        ("shakespeare", texts, "SHAKESPEARE", "tinyshakespeare.txt", "1.1 MB"),
    ],
)
def test_without_a_network_file_folder_and_size_are_told(
    monkeypatch, tmp_path, name, module, table, file, size
):
    monkeypatch.setenv("COURSE_LIB_DATA", str(tmp_path))
    nowhere = ("http://127.0.0.1:9/file", "http://nowhere.invalid/file")
    files = getattr(module, table)
    single = isinstance(files, File)
    away = files._replace(urls=nowhere) if single else [f._replace(urls=nowhere) for f in files]
    monkeypatch.setattr(module, table, away)
    with pytest.raises(ConnectionError) as raised:
        load(name, full=True)
    told = str(raised.value)
    assert told.startswith(f"{file} of {name} ({size}) could not be fetched; 127.0.0.1:9: no conn")
    assert "nowhere.invalid: not found (is there a network?)" in told
    assert told.endswith(f"put the file into {tmp_path / name}")


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
