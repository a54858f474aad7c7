"""Many small cases as one test, where a case takes less time than pytest needs for it."""

import inspect
from functools import wraps


def together(names, values):
    """Run a test for each of some values, as one test; an error tells for which it is.

    The arguments are those of `pytest.mark.parametrize`. pytest reports each of its cases, which
    costs about ten milliseconds with two workers; here the first case that fails is reported.

    >>> @together(("a", "b"), [(1, 2), (1, 3)])
    ... @together("c", [4])
    ... def test(a, b, c):
    ...     print(a, b, c)
    >>> test()
    1 2 4
    1 3 4
    """
    single = isinstance(names, str)
    names, values = [names] if single else list(names), list(values)
    cases = [dict(zip(names, [v] if single else v, strict=True)) for v in values]
    assert cases, "there is nothing to try"

    def decorate(test):
        signature = inspect.signature(test)
        assert set(names) <= set(signature.parameters)

        @wraps(test)
        def tried(**given):
            for case in cases:
                try:
                    test(**given, **case)
                except Exception as error:
                    error.add_note(f"with {case}")
                    raise

        rest = [p for name, p in signature.parameters.items() if name not in names]
        tried.__signature__ = signature.replace(parameters=rest)
        return tried

    return decorate
