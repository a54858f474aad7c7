"""The checks of arguments that all modules share."""

import sys

import pytest

from course_lib._checks import scipy_module


def test_where_scipy_is_missing_one_sentence_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "scipy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        scipy_module("optimize")
    assert str(caught.value) == (
        'this needs SciPy; install it with: pip install "why-networks-bend[stats]"'
    )
    assert caught.value.name == "scipy"
