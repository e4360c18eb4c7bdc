"""From the source of a module to its mutants: each is the whole source with one small fault in it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

#: What each comparison is turned into: its boundary moved, and its opposite.
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
#: Kinds of faults. Deleted is a statement, an operand of "and" or "or", or the filter of a comprehension.
DELETED, COMPARED, JOINED, COUNTED = "deleted", "comparison", "and/or", "number"
#: A number of at least so much in a constant of the module: one more or less moves it by a tenth at most, which is a matter of
#: taste and no fault.
TUNING, LEAST_TUNED = "tuning", 10


class Mutant(NamedTuple):
    """One fault: its kind, the line it is in, what was deleted or changed into what, and the source of the module with it.

    `name` tells it from all others of the module without the line: the function, the text, and which of several alike it is.
    """

    kind: str
    line: int
    text: str
    name: str
    source: str


class _Edit(NamedTuple):
    """A new value for one field of one node; `shown` is the node by which people recognise the place."""

    kind: str
    shown: ast.expr | ast.stmt
    where: str
    node: ast.AST
    field: str
    value: object


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, by line. Docstrings, annotations and imports have none: a missing import is the linter's."""
    tree = ast.parse(source)
    tuned, alike = set(_tuned(tree)), Counter[str]()
    for edit in sorted(_edits(tree), key=lambda edit: edit.shown.lineno):
        before, old = getattr(edit.node, edit.field), ast.unparse(edit.shown).splitlines()[0]
        setattr(edit.node, edit.field, edit.value)
        text = old if edit.kind == DELETED else f"{old}  ->  {ast.unparse(edit.shown).splitlines()[0]}"
        name = f"{edit.where}: {text}" if edit.where else text
        alike[name] += 1
        numbered = name if alike[name] == 1 else f"{name} ({alike[name]})"
        kind = TUNING if edit.node in tuned else edit.kind
        yield Mutant(kind, edit.shown.lineno, text, numbered, ast.unparse(tree) + "\n")
        setattr(edit.node, edit.field, before)


def _tuned(tree: ast.Module) -> Iterator[ast.Constant]:
    """The numbers in constants of the module that are no fault when they are one off."""
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", statement)]
        names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        if isinstance(statement, ast.Assign | ast.AnnAssign) and all(name.isupper() for name in names):
            for node in ast.walk(statement):
                if isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value >= LEAST_TUNED:
                    yield node


def _edits(node: ast.AST, shown: ast.expr | ast.stmt | None = None, where: str = "") -> Iterator[_Edit]:
    """The edits of a node and of everything in it; `shown` is the place around it that a constant is shown in.

    `where` is the function or class around it, dotted.
    """
    if isinstance(node, ast.Constant) and shown is not None:
        yield from _numbers(node, shown, where)
        return
    inner = where
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        inner = f"{where}.{node.name}".lstrip(".")
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        children = value if isinstance(value, list) else [value]
        yield from _deletions(node, field, children, inner)
        for child in children:
            if isinstance(child, ast.AST) and not _says_nothing(child):
                place = node if isinstance(node, ast.expr | ast.stmt) else shown
                yield from _edits(child, place, inner)
    if isinstance(node, ast.Compare):
        yield from _comparisons(node, inner)
    if isinstance(node, ast.BoolOp):
        yield _Edit(JOINED, node, inner, node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())


def _deletions(node: ast.AST, field: str, children: list[Any], where: str) -> Iterator[_Edit]:
    """Each statement of a body gone; each operand of "and" and "or", and each filter of a comprehension."""
    operands = (isinstance(node, ast.BoolOp) and field == "values") or (isinstance(node, ast.comprehension) and field == "ifs")
    for index, child in enumerate(children):
        rest = children[:index], children[index + 1 :]
        if operands:
            yield _Edit(DELETED, child, where, node, field, [*rest[0], *rest[1]])
        elif isinstance(child, ast.stmt) and not _says_nothing(child):
            yield _Edit(DELETED, child, where, node, field, [*rest[0], ast.Pass(), *rest[1]])


def _says_nothing(node: ast.AST) -> bool:
    """Whether nothing is run by it: a docstring, "pass", an import, what only a type checker looks at."""
    if isinstance(node, ast.ClassDef):
        return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Pass | ast.Import | ast.ImportFrom)


def _comparisons(node: ast.Compare, where: str) -> Iterator[_Edit]:
    for index, operator in enumerate(node.ops):
        for other in COMPARISONS[type(operator)]:
            yield _Edit(COMPARED, node, where, node, "ops", [*node.ops[:index], other(), *node.ops[index + 1 :]])


def _numbers(node: ast.Constant, shown: ast.expr | ast.stmt, where: str) -> Iterator[_Edit]:
    if type(node.value) in (int, float):  # True and False are no numbers here
        for step in (1, -1):
            yield _Edit(COUNTED, shown, where, node, "value", node.value + step)  # type: ignore[operator]
