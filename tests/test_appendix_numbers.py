"""Figures and exercises of an appendix are numbered from 1."""

from types import SimpleNamespace

from appendix_numbers import restart


def test_each_page_without_a_number_counts_from_one():
    chapter = {"figure": {"a": (1, 1), "b": (1, 2)}, "exercise": {"e": (1, 1)}}
    env = SimpleNamespace(
        toc_fignumbers={
            "chapter": {kind: dict(numbers) for kind, numbers in chapter.items()},
            "first": {"figure": {"late": (2,), "early": (1,)}},
            "second": {"figure": {"x": (3,)}, "exercise": {"q": (6,), "r": (7,)}},
        }
    )
    assert restart(None, env) == []
    assert env.toc_fignumbers["chapter"] == chapter
    assert env.toc_fignumbers["first"] == {"figure": {"early": (1,), "late": (2,)}}
    assert env.toc_fignumbers["second"] == {
        "figure": {"x": (1,)},
        "exercise": {"q": (1,), "r": (2,)},
    }
