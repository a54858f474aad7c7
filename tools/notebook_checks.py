"""What a chapter's notebook must be, beyond running: one function for each requirement.

Every check takes a notebook (the dictionary in its file) and returns a list of problems in plain
words; an empty list means that all is well. ``problems`` applies them all.
"""

import ast
import re

CLAIM_MIME = "application/vnd.course-claim+json"
PROGRESS = re.compile(r"\r|\d+%\||\d(it/s|s/it)\b|[█▏▎▍▌▋▊▉]")
WARNING = re.compile(r"\b\w*Warning\b")
VOLATILE = {
    "an address": re.compile(r"\b0x[0-9a-f]{6,}\b", re.IGNORECASE),
    "an absolute path": re.compile(
        r"(?<![\w/.:])/(?:home|Users|tmp|usr|opt|var|root|mnt|private|builds)/|\b[A-Z]:\\"
    ),
    "a date": re.compile(r"\b(?:19|20)\d\d-[01]\d-[0-3]\d\b|\b[0-2]?\d:[0-5]\d:[0-5]\d\b"),
    "a version": re.compile(r"\b\d+\.\d+\.\d+\b|\+(?:cpu|cu\d+)\b"),
    "a timing": re.compile(
        r"\b\d+(?:\.\d+)?(?:e-?\d+)?\s?(?:ns|µs|us|ms|s|sec|secs|seconds?|minutes?)\b"
    ),
}
ALT_LENGTH = range(20, 401)
LONGEST_CELL = 25  # lines of code that a reader sees at once
FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
LEAST_EXERCISES = 5
SECTIONS = ["What you will be able to do", "Summary", "Exercises", "Further reading"]
DIRECTIVE = re.compile(
    r"^(?:`{3,}|:{3,})\{(exercise|solution)(?:-start)?\}[ \t]*(.*)\n((?:[ \t]*:\w[\w-]*:.*\n?)*)",
    re.MULTILINE,
)
OPTION = re.compile(r"^[ \t]*:([\w-]+):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
MAGIC = re.compile(r"^([ \t]*)[%!]+\w.*$", re.MULTILINE)
FENCE = re.compile(r"^(`{3,}|~{3,}|:{3,})(.*)$")


def joined(text):
    """Return a multi-line string of the notebook format, which may be a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def code_cells(notebook):
    """Return (position, cell) of every code cell that is not empty; positions count from 1."""
    numbered = enumerate(notebook["cells"], 1)
    return [(n, c) for n, c in numbered if c["cell_type"] == "code" and joined(c["source"]).strip()]


def without_code(markdown):
    """Return Markdown without its plain code blocks; directives stay."""
    kept, fences = [], []
    for line in markdown.splitlines():
        match = FENCE.match(line)
        mark, info = match.groups() if match else ("", "")
        closes = match and fences and mark.startswith(fences[-1][0]) and not info.strip()
        in_code = bool(fences) and not fences[-1][1]
        if closes:
            fences.pop()
        elif match and not in_code:
            fences.append((mark, info.lstrip().startswith("{")))
        if not in_code and (not fences or fences[-1][1]):
            kept.append(line)
    return "\n".join(kept)


def prose(notebook):
    """Return the Markdown of a notebook, without its plain code blocks."""
    cells = (c for c in notebook["cells"] if c["cell_type"] == "markdown")
    return without_code("\n\n".join(joined(cell["source"]) for cell in cells))


def texts(cell):
    """Return every text that the outputs of a cell store."""
    found = []
    for output in cell.get("outputs", []):
        found.append(joined(output.get("text", "")))
        data = output.get("data", {})
        found += [joined(v) for k, v in data.items() if k.startswith("text/")]
        measured = data.get(CLAIM_MIME, {}).get("measured")
        found.append(measured or "")
    return [text for text in found if text]


def figures(cell):
    """Return the outputs of a cell that are figures."""

    def is_figure(output):
        data = output.get("data", {})
        plain = joined(data.get("text/plain", ""))
        return plain.startswith("<Figure size") or any(k.startswith("image/") for k in data)

    return [output for output in cell.get("outputs", []) if is_figure(output)]


def tree(cell):
    """Return the syntax tree of a code cell, without the lines that only IPython understands."""
    return ast.parse(MAGIC.sub(r"\1pass", joined(cell["source"])))


def is_claim(node):
    """Tell whether a node of a syntax tree is a call of ``claim``."""
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "claim"


def claim_id(call):
    """Return the id that a call of ``claim`` names, or None when it is not a literal."""
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) else None


def decided(notebook):
    """Return the ids of the claims whose outputs the notebook stores, in order."""
    outputs = (o for _, cell in code_cells(notebook) for o in cell.get("outputs", []))
    return [o["data"][CLAIM_MIME]["id"] for o in outputs if CLAIM_MIME in o.get("data", {})]


def check_executed(notebook):
    """Every code cell was run, in order: nbval passes a cell that was never run."""
    found = []
    for expected, (n, cell) in enumerate(code_cells(notebook), 1):
        count = cell.get("execution_count")
        if count != expected:
            found.append(f"cell {n} has execution count {count}, expected {expected}")
    return found


def check_no_errors(notebook):
    """No output is an error or came from stderr."""
    found = []
    for n, cell in code_cells(notebook):
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                found.append(f"cell {n} stores an error: {output.get('ename')}")
            if output.get("name") == "stderr":
                found.append(f"cell {n} wrote to stderr")
    return found


def check_no_images(notebook):
    """No output holds image data or a widget; figures are drawn when the book is built."""
    found = []
    for n, cell in code_cells(notebook):
        for output in cell.get("outputs", []):
            kinds = [k for k in output.get("data", {}) if k.startswith("image/") or "widget" in k]
            found += [f"cell {n} stores {kind}" for kind in kinds]
    if "widgets" in notebook["metadata"]:
        found.append("the notebook stores the state of widgets")
    return found


def check_quiet(notebook):
    """No progress bar and no warning is stored."""
    found = []
    for n, cell in code_cells(notebook):
        for text in texts(cell):
            if PROGRESS.search(text):
                found.append(f"cell {n} stores a progress bar")
            if WARNING.search(text):
                found.append(f"cell {n} stores a warning")
    return found


def check_reproducible(notebook):
    """No output tells when, where or with what it was made."""
    found = []
    for n, cell in code_cells(notebook):
        for text in texts(cell):
            for what, pattern in VOLATILE.items():
                hit = pattern.search(text)
                if hit:
                    found.append(f"cell {n} stores {what}: {hit.group()!r}")
    return found


def check_cell_lengths(notebook):
    """A cell whose code a reader sees is short."""
    found = []
    for n, cell in code_cells(notebook):
        lines = len(joined(cell["source"]).splitlines())
        if lines > LONGEST_CELL and not FOLDED & set(cell["metadata"].get("tags", [])):
            found.append(
                f"cell {n} ({cell.get('id')}) shows {lines} lines of code, expected at most "
                f"{LONGEST_CELL}; split it, or fold support code with the tag hide-input"
            )
    return found


def check_figures(notebook):
    """A cell shows at most one figure, and says in words what it shows."""
    found = []
    for n, cell in code_cells(notebook):
        shown = figures(cell)
        if not shown:
            continue
        if len(shown) > 1:
            found.append(f"cell {n} shows {len(shown)} figures; one description cannot fit them")
        alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
        if len(alt.strip()) not in ALT_LENGTH:
            found.append(
                f"cell {n} shows a figure; its alt text has {len(alt)} characters, not 20-400"
            )
    return found


def check_claim_cells(notebook):
    """A call of ``claim`` is the last statement of its cell, and its output is stored."""
    found = []
    for n, cell in code_cells(notebook):
        try:
            parsed = tree(cell)
        except SyntaxError as error:
            found.append(f"cell {n} is not Python: {error.msg}")
            continue
        calls = [node for node in ast.walk(parsed) if is_claim(node)]
        if not calls:
            continue
        last = parsed.body[-1]
        if len(calls) > 1 or not (isinstance(last, ast.Expr) and last.value is calls[0]):
            found.append(f"cell {n} must end in one call of claim")
            continue
        stored = decided({"cells": [cell]})
        if stored != [claim_id(calls[0])]:
            found.append(f"cell {n} decides {claim_id(calls[0])!r} but stores {stored}")
    return found


def check_claims_complete(notebook, expected):
    """Every claim of the chapter is decided exactly once, and no other is."""
    ids = decided(notebook)
    found = [f"claim {x!r} is decided {ids.count(x)} times" for x in expected if ids.count(x) != 1]
    return found + [
        f"claim {x!r} belongs elsewhere" for x in dict.fromkeys(ids) if x not in expected
    ]


def check_sections(notebook):
    """There is one title, and the sections that every chapter has are there, in order."""
    headings = re.findall(r"^(#{1,6})[ \t]+(.*?)[ \t]*$", prose(notebook), re.MULTILINE)
    titles = [text for marks, text in headings if marks == "#"]
    found = [] if len(titles) == 1 else [f"has {len(titles)} titles (#), expected 1"]
    names = [text for marks, text in headings if marks == "##"]
    found += [f"has no section {name!r}" for name in SECTIONS if name not in names]
    order = [name for name in names if name in SECTIONS]
    if not found and order != SECTIONS:
        found.append(f"its sections are in another order: {order}")
    return found


def check_exercises(notebook):
    """There are enough exercises, each with its solution right after it, folded away."""
    steps = [
        (kind, arg.strip(), dict(OPTION.findall(opts))) for kind, arg, opts in directives(notebook)
    ]
    exercises = [options.get("label") for kind, _, options in steps if kind == "exercise"]
    found = []
    if len(exercises) < LEAST_EXERCISES:
        found.append(f"has {len(exercises)} exercises, expected at least {LEAST_EXERCISES}")
    for (kind, title, options), following in zip(steps, [*steps, None][1:], strict=True):
        if kind == "solution":
            if "dropdown" not in options.get("class", "").split():
                found.append(f"the solution of {title!r} is not folded (:class: dropdown)")
            continue
        label = options.get("label")
        if not label:
            found.append(f"the exercise {title!r} has no label")
        elif following is None or following[0] != "solution" or following[1] != label:
            found.append(f"the exercise {label!r} is not followed by its solution")
    return found


def directives(notebook):
    """Return (kind, argument, options) of the exercises and solutions, in order."""
    return DIRECTIVE.findall(prose(notebook))


def check_further_reading(notebook):
    """Further reading cites its sources from the bibliography."""
    parts = re.split(r"^## +Further reading *$", prose(notebook), maxsplit=1, flags=re.MULTILINE)
    if len(parts) < 2 or not re.search(r"\{cite(?::\w+)?\}`[^`]+`", parts[1]):
        return ["its further reading cites nothing"]
    return []


CHECKS = [
    check_executed,
    check_no_errors,
    check_no_images,
    check_quiet,
    check_cell_lengths,
    check_reproducible,
    check_figures,
    check_claim_cells,
    check_sections,
    check_exercises,
    check_further_reading,
]


def claims_of(chapter):
    """Return the ids of the claims that a chapter must decide."""
    from course_lib.claims import CLAIMS

    return [claim.id for claim in CLAIMS.values() if claim.chapter == chapter]


def problems(notebook, chapter):
    """Return everything that is wrong with a chapter's notebook."""
    found = [problem for check in CHECKS for problem in check(notebook)]
    return found + check_claims_complete(notebook, claims_of(chapter))
