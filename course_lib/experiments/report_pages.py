"""Reports of sweeps as Markdown: first what is decided, then the tables, then their origin."""

import math
from collections.abc import Iterable, Mapping, Sequence

from course_lib.experiments.choices import Choice
from course_lib.experiments.progress import counted
from course_lib.experiments.reporting import DOUBLED, RESULT, Report, Summary, Versus

__all__ = ["as_page", "headline", "markdown_table", "with_interval"]


def as_page(
    report: Report, *, title: str = "results", command: str = "", figures: Mapping[str, str] = {}
) -> str:
    """Return a report as a page of Markdown.

    Parameters
    ----------
    report : Report
        What is to be said.
    title : str
        Name of the file of records.
    command : str
        That makes this page.
    figures : mapping of str to str
        By file, what it shows.

    Returns
    -------
    str
        The page, which ends in a new line.
    """
    parts = [
        f"# {title}",
        *headline(report),
        "## Results",
        _note_on_results(report),
        _results(report),
        *(f"![{text}]({file})" for file, text in figures.items()),
        "## Differences",
        *_differences(report),
        "## Tuning",
        *_tuning(report),
        "## Twice the budget",
        *_doubled(report),
        "## Errors",
        *_failures(report),
        "## Where this comes from",
        _origins(report, command),
    ]
    return "\n\n".join(parts) + "\n"


def headline(report: Report) -> list[str]:
    r"""Return in a few sentences what the records decide, and what they do not.

    Examples
    --------
    >>> from course_lib.experiments.records import Records
    >>> rows = [
    ...     {"place": p, "phase": "result", "depth": p, "seed": s, "score": p + s / 8}
    ...     for p in range(2)
    ...     for s in range(3)
    ... ]
    >>> print(*headline(Report(Records(rows))), sep="\n")
    Best by score: **depth=1**, 1.12 [0.81, 1.44], mean over 3 seeds.
    **Not decided** against depth=1: depth=0 (too few seeds: p of 1 test with 3 seeds is at least
    0.25 after correction; at least 6 are needed).
    """
    if report.best is None:
        told = f"**Nothing is decided**: no configuration has a finite mean{_of(report.by)}."
        return [told, *_warnings(report)]
    best = report.summaries(report.by)[0]
    parts = [
        f"Best by {report.by}{' (smaller is better)' * report.smaller}: **{report.best}**, "
        f"{with_interval(best)}, mean over {counted(best.n, 'seed')}."
    ]
    parts += _verdicts(report)
    parts += _warnings(report)
    return parts


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Return a table in Markdown.

    Examples
    --------
    >>> markdown_table(["a", "b"], [["x|y", 1]]).splitlines()[-1]
    '| x\\|y | 1 |'
    """
    lines = [head, *rows]
    texts = [[" ".join(str(c).replace("|", "\\|").split()) for c in line] for line in lines]
    written = ["| " + " | ".join(line) + " |" for line in texts]
    return "\n".join([written[0], "|---" * len(head) + "|", *written[1:]])


def with_interval(found: Summary) -> str:
    """Return a mean with its interval, to two digits of what is uncertain.

    Examples
    --------
    >>> with_interval(Summary("tanh", 0.91234, 0.905, 0.919, 16, 0))
    '0.9123 [0.9050, 0.9190]'
    >>> with_interval(Summary("relu", math.nan, math.nan, math.nan, 16, 3))
    '3 of 16 diverged'
    """
    if not found.n:
        return "none"
    if found.diverged:
        return f"{found.diverged} of {found.n} diverged"
    if math.isnan(found.low):
        return f"{found.mean:.4g}"
    return _interval(found.mean, found.low, found.high)


# ---------------------------------------------------------------------------------------------
# What is decided
# ---------------------------------------------------------------------------------------------


def _verdicts(report: Report) -> list[str]:
    """Return what the tests decide against the reference."""
    if not report.versus:
        return ["There is nothing to compare it with."]
    name = report.reference
    parts = []
    for verdict in ("better", "worse"):
        found = [other.label for other in report.versus if other.verdict == verdict]
        if found:
            parts.append(f"{verdict.capitalize()} than {name}: {_some(found)}.")
    open_ = [f"{o.label} ({_reason(o)})" for o in report.versus if not o.decided]
    if open_:
        parts.append(f"**Not decided** against {name}: {_some(open_, 5)}.")
    return parts


def _of(name: str) -> str:
    """Return whose mean it is, if anything was measured."""
    return f" of {name}" if name else ""


def _reason(other: Versus) -> str:
    """Return why something is not decided."""
    return other.verdict.removeprefix("not decided: ")


def _warnings(report: Report) -> list[str]:
    """Return what limits all that is said."""
    parts = []
    if report.unfinished:
        parts.append(
            f"**Not finished**: {counted(len(report.unfinished), 'configuration')} without a "
            f"complete result: {_some(report.unfinished)}."
        )
    edges = [_where(choice) for choice in report.choices if choice.at_edge and not choice.flat]
    if edges:
        parts.append(
            f"**At an edge** of their grid, so that a better {report.tuning['name']} may lie "
            f"outside: {_some(edges)}."
        )
    flat = [_where(choice) for choice in report.choices if choice.flat]
    if flat:
        parts.append(
            f"**Flat** grids, whose ends are not shown to score worse than the "
            f"{report.tuning['name']} that was chosen, so that it is one of several, and nothing "
            f"says on which side a better one would lie: {_some(flat)}."
        )
    if report.failures:
        parts.append(f"**{counted(len(report.failures), 'trial')} failed**, listed below.")
    for name in ("version", "commit"):
        if len(report.origins[name]) > 1:
            seen = ", ".join(report.origins[name])
            parts.append(f"**Records of more than one {name}**: {seen}.")
    return parts


def _where(choice: Choice) -> str:
    """Return of which result a choice is, and what was chosen."""
    return f"{choice.label} ({choice.phase}, {_number(choice.value)})"


# ---------------------------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------------------------


def _note_on_results(report: Report) -> str:
    """Return how the table is to be read."""
    better = "smaller" if report.smaller else "larger"
    return (
        f"Ranked by {report.by or 'nothing'}, where {better} is better. Means over seeds with "
        f"Student's t intervals of {100 * report.level:g}%. They are intervals of one mean each: "
        f"two that overlap may still differ, which the differences below decide."
    )


def _results(report: Report) -> str:
    """Return means and intervals of all values."""
    if not report.by:
        return "Nothing was measured."
    tables = {name: report.summaries(name) for name in report.values}
    chosen = {choice.label: choice for choice in report.choices if choice.phase == RESULT}
    tuned = [report.tuning["name"]] if report.tuning else []
    rows = [
        [
            rank,
            entry.label,
            entry.n,
            *(_number(chosen[entry.label].value if entry.label in chosen else None) for _ in tuned),
            *(with_interval(found[rank - 1]) for found in tables.values()),
        ]
        for rank, entry in enumerate(tables[report.by], 1)
    ]
    return markdown_table(["rank", "configuration", "seeds", *tuned, *tables], rows)


def _differences(report: Report) -> list[str]:
    """Return the tests against the reference."""
    if not report.versus:
        return ["There is nothing to compare."]
    reference = report.reference
    note = (
        f"Against {reference}, over common seeds: mean of the differences in {report.by} with a t "
        f"interval, effect size (Cohen's d_z), and p of the test that flips signs, corrected for "
        f"all {len(report.versus)} by Holm's method. Decided is what has p at most "
        f"{1 - report.level:.2g} and an interval without 0."
    )
    if report.baseline is None:
        note += (
            " The best was chosen by these seeds, so that differences from it are rather too large."
        )
    rows = [
        [
            other.label,
            *(_difference(other) if other.difference else ["none"] * 4),
            other.verdict,
        ]
        for other in report.versus
    ]
    head = ["configuration", "difference", "effect", "p", "intervals", "verdict"]
    return [note, markdown_table(head, rows)]


def _difference(other: Versus) -> list[str]:
    """Return a difference, its effect size, p, and whether the intervals overlap, as text."""
    found = other.difference
    if found is None:
        return []
    effect = "none" if math.isnan(found.effect) else f"{found.effect:+.2f}"
    p = "< 0.001" if other.p < 0.001 else f"{other.p:.3f}"
    intervals = "overlap" if other.overlap else "apart"
    return [_interval(found.mean, found.low, found.high, "+"), effect, p, intervals]


def _tuning(report: Report) -> list[str]:
    """Return what was chosen, and where it lies in its grid."""
    if not report.choices:
        return ["Nothing was tuned." if not report.tuning else "No tuning is complete."]
    name, known = report.tuning["name"], [c for c in report.choices if c.at_edge is not None]
    edges = sum(bool(choice.at_edge) for choice in known)
    grown = [choice.widened for choice in known if choice.widened]
    flat = sum(choice.flat for choice in report.choices)
    note = (
        f"{name}, chosen by {report.tuning['score']}: of {counted(len(known), 'choice')}, {edges} "
        f"at an edge of the grid. Grids that were widened: {len(grown)}, by "
        f"{counted(sum(grown), 'value')} in all. Flat grids, whose ends are not shown to score "
        f"worse than the choice: {flat}."
    )
    unknown = len(report.choices) - len(known)
    if unknown:
        note += f" Of {counted(unknown, 'choice')} this is not known, as the sweep was cut off."
    head = ["configuration", "phase", name, "at an edge", "widened", "flat"]
    return [note, markdown_table(head, [_choice(choice) for choice in report.choices])]


def _choice(choice: Choice) -> list[object]:
    """Return a row of the table of choices."""
    edge = {True: "yes", False: "no", None: "unknown"}[choice.at_edge]
    widened = "unknown" if choice.widened is None else choice.widened
    flat = "yes" if choice.flat else "no"
    return [choice.label, choice.phase, _number(choice.value), edge, widened, flat]


def _doubled(report: Report) -> list[str]:
    """Return whether the doubled budget changed the ranking."""
    if not report.doubled:
        return ["The budget was not doubled." if not _budget(report) else "Not reached yet."]
    swapped = report.swapped()
    clear = [f"{one} and {other}" for one, other, apart in swapped if apart]
    parts = [
        f"{_best_then(report)} Twice the {_budget(report)} changed the order of "
        f"{counted(len(swapped), 'pair')} of configurations"
        + (f", {len(clear)} of them with intervals apart at both budgets." if swapped else ".")
    ]
    if clear:
        parts.append(f"**The ranking depends on the budget**: {_some(clear)} change their order.")
    before = {s.label: s for s in report.summaries(report.by)}
    after = {s.label: s for s in report.summaries(report.by, DOUBLED)}
    ranks = {label: rank for rank, label in enumerate(report.ranking(DOUBLED), 1)}
    rows = [
        [label, rank, ranks[label], with_interval(before[label]), with_interval(after[label])]
        for rank, label in enumerate(before, 1)
    ]
    head = ["configuration", "rank", "rank, doubled", report.by, f"{report.by}, doubled"]
    return [*parts, markdown_table(head, rows)]


def _best_then(report: Report) -> str:
    """Return in a sentence which configuration is the best with the doubled budget."""
    means = {entry.label: entry.mean for entry in report.summaries(report.by, DOUBLED)}
    best = report.ranking(DOUBLED)[0]
    if not math.isfinite(means[best]):
        return "No configuration has a finite mean then."
    if report.best is None:
        return f"The best is {best}; before, no configuration had a finite mean."
    then = "stays" if best == report.best else f"changes from {report.best} to"
    return f"The best {then} {best}."


def _budget(report: Report) -> str:
    """Return what counts the budget; nothing where it is not doubled."""
    return report.tuning.get("budget") or ""


def _failures(report: Report) -> list[str]:
    """Return the trials that failed."""
    if not report.failures:
        return ["None of the trials failed."]
    name = report.tuning.get("name", "")
    rows = [
        [f.label, f.phase, *([_number(f.value)] if name else []), _seeds(f.seeds), f.error]
        for f in report.failures
    ]
    head = ["configuration", "phase", *([name] if name else []), "seeds", "error"]
    return [markdown_table(head, rows)]


def _origins(report: Report, command: str) -> str:
    """Return where the records come from."""
    header, origins = report.records.header, report.origins
    entries = {
        "command": f"`{command}`" if command else "",
        "function": header.get("function", ""),
        "seeds": _seeds(header.get("seeds", ())),
        "records": str(len(report.records)),
        "date": " to ".join(origins["date"]),
        **{name: "; ".join(origins[name]) for name in origins if name != "date"},
    }
    return markdown_table(["", ""], [[k, v or "not recorded"] for k, v in entries.items()])


# ---------------------------------------------------------------------------------------------
# Words and numbers
# ---------------------------------------------------------------------------------------------


def _interval(mean: float, low: float, high: float, sign: str = "") -> str:
    """Return an interval with two digits of what is uncertain."""
    half = (high - low) / 2
    digits = 1 - math.floor(math.log10(half)) if half > 0 and math.isfinite(half) else 4
    form = f"{sign}.{max(digits, 0)}f" if digits <= 6 else f"{sign}.3g"
    return f"{mean:{form}} [{low:{form}}, {high:{form}}]"


def _number(value: object) -> str:
    """Return something that was tuned."""
    return f"{value:g}" if isinstance(value, int | float) else "none"


def _some(names: Sequence[str], most: int = 8) -> str:
    """Return names, and how many more there are."""
    more = len(names) - most
    return "; ".join(names[:most]) + (f"; and {more} more" if more > 0 else "")


def _seeds(seeds: Sequence[int]) -> str:
    """Return seeds in short.

    Examples
    --------
    >>> _seeds([0, 1, 2, 3]), _seeds([5, 7])
    ('0 to 3', '5, 7')
    """
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))
