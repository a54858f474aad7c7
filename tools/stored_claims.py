"""Which claims of a notebook are decided from stored records, and whether their cells say so.

A name that is assigned from ``stored("dropout")``, or from a name that was, holds records of that
study or what was computed from them. So does what is assigned in a loop over such a name or where
one was asked, and a function that reads one. The names are followed from cell to cell, in the order
in which they run. What is beyond that is rejected: another name for ``stored``, and a study that is
not named by a literal.
"""

import ast
from collections.abc import Iterator

import notebook_checks

Known = dict[str, set[str] | ast.stmt]  # of a function, its definition: it reads when it is called

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
    """Yield where ``stored`` is used in a way that does not tell which study is read."""
    calls = [part for part in ast.walk(parsed) if isinstance(part, ast.Call)]
    plain = {id(call.func) for call in calls if named(call)}
    for part in ast.walk(parsed):
        if isinstance(part, ast.alias) and part.name == "stored" and part.asname:
            yield f"stored is imported as {part.asname!r}; expected its own name"
        is_name = isinstance(part, ast.Name) and part.id == "stored" and "stored" not in known
        is_attribute = isinstance(part, ast.Attribute) and part.attr == "stored"
        if (is_name or is_attribute) and id(part) not in plain:
            yield "stored is used without a literal; expected a call such as stored('dropout')"


def problems(call: ast.Call, known: Known) -> list[str]:
    """Return what is wrong with the evidence that a call of ``claim`` names."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    name = notebook_checks.claim_id(call)
    decide = [given[key] for key in ("holds", "otherwise", None) if key in given]  # None: of **
    read = set().union(*(studies(value, known) for value in decide))
    named = ast.literal_eval(given["stored"]) if "stored" in given else ()
    named = {named} if isinstance(named, str) else set(named)
    if read and not named:
        return [f"claim {name!r} is decided from the stored records of {sorted(read)}, not live"]
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
    inner = {name: value for name, value in known.items() if name not in own}
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
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            assign(target, studies(statement.value, known) | under, known)
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
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        for target in changed(statement.value, known):
            add(target, studies(statement.value, known) | under, known)


def enter(statement: ast.stmt, known: Known, under: frozenset[str]) -> None:
    """Follow the statements in a statement; after branches, a name may hold what each left."""
    asked = under.union(*(studies(value, known) for value in expressions(statement)))
    if isinstance(statement, LOOPS):
        for _ in range(2):  # what the end of a turn assigns, the next one reads
            bind(statement, known, under)
            follow(statement.body, known, asked)
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


def changed(call: ast.Call, known: Known) -> list[ast.expr]:
    """Return what a call may change: `found` in ``found.append(row)`` and in ``fill(found)``.

    A function that reads no records itself, such as ``print``, is taken to change nothing.
    """
    if isinstance(call.func, ast.Attribute):
        return [call.func]
    return [*call.args, *(k.value for k in call.keywords)] if studies(call.func, known) else []


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
    while isinstance(target, ast.Attribute | ast.Subscript | ast.Call):
        target = target.func if isinstance(target, ast.Call) else target.value
    if isinstance(target, ast.Name) and read:
        known[target.id] = held(target.id, known) | read


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
    """Return the study that a call of ``stored`` names with a literal, or None."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return literal(given[0]) if name == "stored" and len(given) == 1 else None


def literal(value: ast.expr) -> str | None:
    """Return a text that stands there as it is, or None."""
    is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
    return value.value if is_text else None
