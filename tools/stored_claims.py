"""Which claims of a notebook are decided from stored records, and whether their cells say so.

A name that is assigned from ``stored("dropout")``, or from a name that was, holds records of that
study or what was computed from them. So does what is assigned in a loop over such a name or where
one was asked, and a function that reads one. The names are followed from cell to cell, in the order
in which they run. A claim has to name all studies that its verdict or what it quotes rests on; the
records of a file, which ``read_records`` reads, are no study, and no claim may rest on them. What
is beyond that is rejected: another name for ``stored``, a study that is not named by a literal, and
the folder of the records. Not followed are a list that has two names, and records that something
else reads.
"""

import ast
from collections.abc import Iterator

import notebook_checks

Known = dict[str, set[str] | ast.stmt]  # of a function, its definition: it reads when it is called

READERS = {
    "stored": "without a literal; expected a call such as stored('dropout')",
    "read_records": "without a call; expected one such as read_records(path)",
}
FILE = "a file"  # in the place of a study
FOLDER = "bundled"
IMPORTS = (ast.Import, ast.ImportFrom)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SCOPES = (*FUNCTIONS, *COMPREHENSIONS, ast.Lambda)
LOOPS = (ast.For, ast.AsyncFor, ast.While)


def check_stored_claims(notebook: dict) -> list[str]:
    """A claim from stored records names its study, and its miniature does without them."""
    known: Known = {}
    found = []
    for n, cell in notebook_checks.code_cells(notebook):
        try:
            parsed = notebook_checks.tree(cell)
        except SyntaxError:
            continue  # another check says so
        follow(parsed.body, known)
        told = list(hidden(parsed, known))
        for call in filter(notebook_checks.is_claim, ast.walk(parsed)):
            told += problems(call, known)
        found += [f"cell {n}: {problem}" for problem in told]
    return found


def hidden(parsed: ast.AST, known: Known) -> Iterator[str]:
    """Yield where records are read in a way that does not tell which."""
    calls = [part for part in ast.walk(parsed) if isinstance(part, ast.Call)]
    plain = {id(call.func) for call in calls if named(call)}
    for part in ast.walk(parsed):
        if isinstance(part, ast.alias) and part.name in READERS and part.asname:
            yield f"{part.name} is imported as {part.asname!r}; expected its own name"
        is_name = isinstance(part, ast.Name) and foreign(part.id, known)
        name = called(part) if is_name or isinstance(part, ast.Attribute) else ""
        if name in READERS and id(part) not in plain:
            yield f"{name} is used {READERS[name]}"
        if FOLDER in (literal(part) or ""):
            yield f"{part.value!r} is where stored records are; expected stored('dropout')"


def problems(call: ast.Call, known: Known) -> list[str]:
    """Return what is wrong with the evidence that a call of ``claim`` names."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    name = notebook_checks.claim_id(call)
    parts = ("holds", "otherwise", "measured", None)  # None: of **
    read = set().union(*(studies(given[key], known) for key in parts if key in given))
    named = ast.literal_eval(given["stored"]) if "stored" in given else ()
    named = {named} if isinstance(named, str) else set(named)
    if read and not named:
        return [f"claim {name!r} rests on the stored records of {sorted(read)}, not live"]
    if named != read:
        return [f"claim {name!r} names the studies {sorted(named)}, but reads {sorted(read)}"]
    if "miniature" not in given:
        return []
    if not any(isinstance(part, ast.Name) for part in ast.walk(given["miniature"])):
        return [f"the miniature of claim {name!r} is a constant, so it cannot disagree"]
    small = studies(given["miniature"], known)
    return [f"the miniature of claim {name!r} reads records of {sorted(small)}"] if small else []


def follow(statements: list[ast.stmt], known: Known, under: frozenset[str] = frozenset()) -> None:
    """Note which names hold stored records after some statements.

    `under` are the studies that decided whether the statements run: what they assign tells of them.
    """
    for statement in statements:
        if isinstance(statement, FUNCTIONS):
            define(statement, known)
        elif isinstance(statement, ast.ClassDef):
            known[statement.name] = studies(statement, known)
        else:
            bind(statement, known, under)
            enter(statement, known, under)


def define(function: ast.FunctionDef | ast.AsyncFunctionDef, known: Known) -> None:
    """Note a function, and what of stored records it puts into names that are not its own."""
    known[function.name] = function
    own = bound(function)
    inner = known | {name: set() for name in own}
    follow(function.body, inner)
    for name in inner.keys() - own - {function.name}:
        if not isinstance(inner[name], ast.stmt):
            add(ast.Name(name), held(name, inner), known)


def bind(statement: ast.stmt, known: Known, under: frozenset[str]) -> None:
    """Note what a statement itself assigns, also one that has others in it."""
    for value in expressions(statement):
        for part in ast.walk(value):
            if isinstance(part, ast.NamedExpr):
                assign(part.target, studies(value, known) | under, known)
            elif isinstance(part, ast.keyword) and part.arg == "out":
                add(part.value, studies(value, known) | under, known)
    if isinstance(statement, ast.Assign):
        for pairs in [matched(target, statement.value) for target in statement.targets]:
            read = [studies(value, known) | under for _, value in pairs]
            for (target, _), own in zip(pairs, read, strict=True):
                assign(target, own, known)
    elif isinstance(statement, ast.AnnAssign) and statement.value:
        assign(statement.target, studies(statement.value, known) | under, known)
    elif isinstance(statement, ast.AugAssign):
        add(statement.target, studies(statement.value, known) | under, known)
    elif isinstance(statement, ast.For | ast.AsyncFor):
        assign(statement.target, studies(statement.iter, known) | under, known)
    elif isinstance(statement, ast.With | ast.AsyncWith):
        for item in statement.items:
            if item.optional_vars:
                assign(item.optional_vars, studies(item.context_expr, known) | under, known)
    elif isinstance(statement, IMPORTS):
        for alias in statement.names:
            known[(alias.asname or alias.name).partition(".")[0]] = statement
    elif isinstance(statement, ast.Expr):
        for call in dropped(statement.value):
            for target in changed(call, known):
                add(target, studies(statement.value, known) | under, known)


def enter(statement: ast.stmt, known: Known, under: frozenset[str]) -> None:
    """Follow the statements in a statement; after branches, a name may hold what each left."""
    asked = under.union(*(studies(value, known) for value in expressions(statement)))
    if isinstance(statement, LOOPS):
        for _ in range(2):  # what the end of a turn assigns, the next one reads
            bind(statement, known, under)
            follow(statement.body, known, asked)
        if isinstance(statement, ast.For | ast.AsyncFor):  # what an element holds, its list does
            more = set().union(*(held(name, known) for name in roots(statement.target, known)))
            add(statement.iter, more - asked, known)
        follow(statement.orelse, known, asked)
    elif isinstance(statement, ast.With | ast.AsyncWith):
        follow(statement.body, known, under)
    elif isinstance(statement, ast.If):
        choose([statement.body, statement.orelse], known, asked)
    elif isinstance(statement, ast.Try | ast.TryStar):
        follow(statement.body + statement.orelse, known, under)
        choose([[], *(handler.body for handler in statement.handlers)], known, under)
        follow(statement.finalbody, known, under)
    elif isinstance(statement, ast.Match):
        for case in statement.cases:
            for name in captured(case):
                assign(ast.Name(name), set(asked), known)
            asked = asked.union(studies(case.guard, known) if case.guard else ())
        choose([[], *(case.body for case in statement.cases)], known, asked)


def choose(blocks: list[list[ast.stmt]], known: Known, under: frozenset[str]) -> None:
    """Follow each block on its own; a name may then hold what any of them left in it."""
    ends = [dict(known) for _ in blocks]
    for block, end in zip(blocks, ends, strict=True):
        follow(block, end, under)
    for name in set().union(*ends):
        values = [end.get(name, set()) for end in ends]
        same = all(value is values[0] for value in values)
        known[name] = values[0] if same else set().union(*(held(name, end) for end in ends))


def expressions(statement: ast.stmt) -> list[ast.expr]:
    """Return the expressions of a statement itself, without those of statements in it."""
    return [part for part in ast.iter_child_nodes(statement) if isinstance(part, ast.expr)]


def captured(case: ast.match_case) -> list[str]:
    """Return the names that a pattern assigns."""
    parts = list(ast.walk(case.pattern))
    found = [p.name for p in parts if isinstance(p, ast.MatchAs | ast.MatchStar)]
    found += [p.rest for p in parts if isinstance(p, ast.MatchMapping)]
    return [name for name in found if name]


def dropped(value: ast.expr) -> Iterator[ast.Call]:
    """Yield the calls in an expression that are made for what they change."""
    if isinstance(value, ast.Call):
        yield value
    elif isinstance(value, (ast.IfExp, ast.BoolOp, *COMPREHENSIONS)):
        for part in expressions(value):
            yield from dropped(part)


def changed(call: ast.Call, known: Known) -> list[ast.expr]:
    """Return what a call may change: `found` in ``found.append(row)`` and in ``fill(found)``.

    An imported function, such as ``np.copyto``, is taken to change its first argument, and
    ``print`` nothing.
    """
    name = called(call.func)
    if any(foreign(root, known) for root in roots(call.func, known)):
        return [] if name == "print" else call.args[:1]
    if isinstance(call.func, ast.Attribute):
        return [call.func]
    return [*call.args, *(k.value for k in call.keywords)]


def foreign(name: str, known: Known) -> bool:
    """Tell whether a name was given by no cell: it is imported, or Python's own."""
    return isinstance(known[name], IMPORTS) if name in known else True


def matched(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """Return what is assigned to what: of ``a, b = 1, 2``, each by itself."""
    if not (isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)):
        return [(target, value)]
    pairs = list(zip(target.elts, value.elts, strict=False))
    starred = any(isinstance(part, ast.Starred) for pair in pairs for part in pair)
    return [(target, value)] if starred else pairs


def assign(target: ast.expr, read: set[str], known: Known) -> None:
    """Note what names hold from now on; of a list or an array, an element may be new."""
    if isinstance(target, ast.Name):
        known[target.id] = read
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            assign(element, read, known)
    elif isinstance(target, ast.Starred):
        assign(target.value, read, known)
    else:
        add(target, read, known)


def add(target: ast.expr, read: set[str], known: Known) -> None:
    """Note that a name holds more: itself, an element or attribute, or what its method changes."""
    for name in roots(target, known) if read else ():
        known[name] = held(name, known) | read


def roots(target: ast.AST, known: Known) -> Iterator[str]:
    """Yield the names of what changes with a target: `x` for ``x[0].a`` and ``np.ravel(x)[0]``."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Call):
        names = list(roots(target.func, known))
        if any(foreign(name, known) for name in names):
            names = [name for value in target.args for name in roots(value, known)]
        yield from names
    elif isinstance(target, ast.Attribute | ast.Subscript):
        yield from roots(target.value, known)
    else:
        for part in ast.iter_child_nodes(target):
            yield from roots(part, known)


def studies(node: ast.AST, known: Known) -> set[str]:
    """Return the studies whose records an expression or a function reads."""
    if isinstance(node, ast.Name):
        return held(node.id, known) if isinstance(node.ctx, ast.Load) else set()
    own = bound(node) if isinstance(node, SCOPES) else set()
    inner = {name: value for name, value in known.items() if name not in own} if own else known
    found = {named(node)} if isinstance(node, ast.Call) and named(node) else set()
    parts = [(part, inner) for part in ast.iter_child_nodes(node)]
    parts += [(part, known) for part in outside(node)]
    return found.union(*(studies(part, names) for part, names in parts))


def held(name: str, known: Known) -> set[str]:
    """Return the studies of whose records a name tells."""
    value = known.get(name, set())
    if isinstance(value, ast.stmt):  # without itself, for it may be recursive
        return studies(value, {key: other for key, other in known.items() if key != name})
    return value


def bound(scope: ast.AST) -> set[str]:
    """Return the names that a function or a comprehension has for itself."""
    parts = list(local(scope))
    own = {part.arg for part in parts if isinstance(part, ast.arg)}
    own |= {p.id for p in parts if isinstance(p, ast.Name) and isinstance(p.ctx, ast.Store)}
    shared = (p.names for p in parts if isinstance(p, ast.Global | ast.Nonlocal))
    return own.difference(*shared)


def local(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a scope, without those of scopes in it."""
    for part in ast.iter_child_nodes(scope):
        yield part
        if not isinstance(part, SCOPES):
            yield from local(part)


def outside(scope: ast.AST) -> list[ast.expr]:
    """Return what a scope has evaluated where it stands: defaults, and what is gone through."""
    if isinstance(scope, COMPREHENSIONS):
        return [scope.generators[0].iter]
    if isinstance(scope, (*FUNCTIONS, ast.Lambda)):
        return [*scope.args.defaults, *filter(None, scope.args.kw_defaults)]
    return []


def named(call: ast.Call) -> str | None:
    """Return the study that a call of ``stored`` names with a literal, `FILE`, or None."""
    name = called(call.func)
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if name == "read_records":
        return FILE
    return literal(given[0]) if name == "stored" and len(given) == 1 else None


def called(function: ast.AST) -> str:
    """Return the last name of a function."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def literal(value: ast.AST) -> str | None:
    """Return a text that stands there as it is, or None."""
    is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
    return value.value if is_text else None
