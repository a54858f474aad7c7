"""Which claims of a notebook are decided from stored records, and whether their cells say so.

A name that is assigned from ``stored("dropout")``, or from a name that was, holds records of that
study or what was computed from them. So does a function that reads such a name. The names are
followed from cell to cell, in the order in which they run.
"""

import ast

import notebook_checks

Studies = dict[str, set[str]]


def check_stored_claims(notebook: dict) -> list[str]:
    """A claim from stored records names its study, and its miniature does without them."""
    known: Studies = {}
    found = []
    for n, cell in notebook_checks.code_cells(notebook):
        try:
            parsed = notebook_checks.tree(cell)
        except SyntaxError:
            continue  # another check says so
        follow(parsed.body, known)
        for call in filter(notebook_checks.is_claim, ast.walk(parsed)):
            found += [f"cell {n}: {problem}" for problem in problems(call, known)]
    return found


def problems(call: ast.Call, known: Studies) -> list[str]:
    """Return what is wrong with the evidence that a call of ``claim`` names."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    name = notebook_checks.claim_id(call)
    decide = [given[key] for key in ("holds", "otherwise") if key in given]
    read = set().union(*(studies(value, known) for value in decide))
    named = ast.literal_eval(given["stored"]) if "stored" in given else None
    if named is None and read:
        return [f"claim {name!r} is decided from the stored records of {sorted(read)}, not live"]
    if named is not None and named not in read:
        return [f"claim {name!r} names the study {named!r}, but reads {sorted(read)}"]
    small = studies(given["miniature"], known) if "miniature" in given else set()
    return [f"the miniature of claim {name!r} reads records of {sorted(small)}"] if small else []


def follow(statements: list[ast.stmt], known: Studies) -> None:
    """Note which names hold stored records after some statements."""
    for statement in statements:
        if isinstance(statement, ast.FunctionDef):
            known[statement.name] = studies(statement, known)
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                assign(target, studies(statement.value, known), known)
        elif isinstance(statement, ast.AugAssign):
            add(statement.target, studies(statement.value, known), known)
        elif isinstance(statement, ast.For):
            assign(statement.target, studies(statement.iter, known), known)
        elif is_method_call(statement):
            add(statement.value.func, studies(statement.value, known), known)
        for block in ("body", "orelse"):
            if not isinstance(statement, ast.FunctionDef) and hasattr(statement, block):
                follow(getattr(statement, block), known)


def is_method_call(statement: ast.stmt) -> bool:
    """Tell whether it is a call such as ``found.append(row)``, which may change `found`."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)


def assign(target: ast.expr, read: set[str], known: Studies) -> None:
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


def add(target: ast.expr, read: set[str], known: Studies) -> None:
    """Note that a name holds more: itself, an element or attribute, or what its method changes."""
    while isinstance(target, ast.Attribute | ast.Subscript):
        target = target.value
    if isinstance(target, ast.Name) and read:
        known[target.id] = known.get(target.id, set()) | read


def studies(node: ast.AST, known: Studies) -> set[str]:
    """Return the studies whose records an expression or a function reads."""
    found: set[str] = set()
    own = {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
    own |= {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    for part in ast.walk(
        node
    ):  # what it binds itself, as a comprehension does, is read where bound
        if isinstance(part, ast.Name) and part.id not in own:
            found |= known.get(part.id, set())
        elif isinstance(part, ast.Call) and called(part) == "stored" and part.args:
            found.add(ast.literal_eval(part.args[0]))
    return found


def called(call: ast.Call) -> str:
    """Return the last name of what is called."""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
