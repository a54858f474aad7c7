"""The studies of speech: features, parts that do not overlap, and records of today's code."""

import json

import acoustic
import numpy as np
import pytest
import scipy.signal
import spoken_digits
import spoken_vowels
import study

from course_lib.experiments import stored


def small(rng):
    """Return frames of three utterances and their lengths."""
    lengths = np.array([4, 1, 3])
    return rng.normal(size=(8, 2)), lengths


def test_frames_stand_beside_those_of_their_own_utterance():
    frames, lengths = small(np.random.default_rng(0))
    seen = acoustic.in_context(frames, lengths, (-1, 0, 2))
    rows = [[0, 0, 2], [0, 1, 3], [1, 2, 3], [2, 3, 3], [4, 4, 4], [5, 5, 7], [5, 6, 7], [6, 7, 7]]
    assert np.array_equal(seen, frames[rows].reshape(8, 6))


def test_sums_and_means_are_those_of_each_utterance():
    frames, lengths = small(np.random.default_rng(1))
    parts = np.split(frames, np.cumsum(lengths)[:-1])
    assert np.allclose(acoustic.per_utterance(frames, lengths), [own.sum(axis=0) for own in parts])
    expected = np.concatenate([own - own.mean(axis=0) for own in parts])
    assert np.allclose(acoustic.mean_free(frames, lengths), expected)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_log_mel_is_that_of_scipy_with_interpolated_triangles(rate):
    samples = np.random.default_rng(2).uniform(-1, 1, 3000)
    window = np.hanning(256)
    f, _, spectrum = scipy.signal.stft(
        samples, rate, window, nperseg=256, noverlap=128, boundary=None, padded=False
    )
    power = np.abs(window.sum() * spectrum.T) ** 2
    mel = np.linspace(*(2595 * np.log10(1 + np.array([60, rate / 2]) / 700)), 34)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bands = np.transpose([np.interp(f, edges[i : i + 3], [0, 1, 0]) for i in range(32)])
    expected = 10 * np.log10(power @ bands + 1e-10)
    assert np.allclose(spoken_digits.log_mel(samples, rate), expected, atol=1e-8)


def test_a_microphone_is_a_filter_with_one_pole():
    response = -np.log(np.abs(np.fft.rfft([1, -spoken_vowels.POLE], 4096)))
    cepstrum = 2 * np.fft.irfft(response)[1:13]
    assert np.allclose(spoken_vowels.microphone(1), cepstrum, atol=1e-6)


def test_validation_and_training_utterances_do_not_overlap():
    _, speakers, utterances, is_test = spoken_vowels.parts()
    held_out, rows = spoken_vowels.draw(3)
    assert np.bincount(speakers[held_out]).tolist() == [spoken_vowels.VALIDATION] * 9
    assert not np.isin(utterances[rows], held_out).any()
    assert not is_test[held_out].any() and not is_test[utterances[rows]].any()
    assert len(rows) == len(set(rows)) == spoken_vowels.EXAMPLES


def test_new_speakers_are_neither_trained_on_nor_tuned_on():
    tested = []
    for heard, checked, left_out in spoken_digits.folds("new"):
        assert not set(left_out) & (set(heard) | set(checked))
        assert not set(checked) & set(heard)
        tested += left_out
    assert tested == [*range(spoken_digits.SPEAKERS)]


@pytest.mark.parametrize("name", ["spoken_vowels", "spoken_digits"])
def test_records_have_every_configuration_and_seed(name):
    records, own = stored(name), study.load(name)
    assert records.distinct("error") == [None]
    results = records.select(phase="result")
    assert len(results) == len(own.asked()["grid"]) * len(own.seeds)
    assert records.select(phase="tuning").distinct("seed") == [*own.tune.seeds]


def test_results_of_vowels_are_regenerated():
    records = stored("spoken_vowels").select(
        phase="result", activation="relu", depth=1, features="standardized",
        initialization="computed", epochs=8,
    )  # fmt: skip
    (settings,) = {row["settings"] for row in records}
    anew = spoken_vowels.measure((0, 1, 2), **json.loads(settings))
    for column in ("frame_accuracy", "test_accuracy"):
        assert anew[column] == pytest.approx(records.array(column)[:3], abs=0.012), column
