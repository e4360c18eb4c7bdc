"""From the source of a module to its mutants: each is the whole source with one small fault in it."""

from __future__ import annotations

import ast
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


class Mutant(NamedTuple):
    """One fault: its kind, the line it is in, what was deleted or changed into what, and the source of the module with it."""

    kind: str
    line: int
    text: str
    source: str


class _Edit(NamedTuple):
    """A new value for one field of one node; `shown` is the node by which people recognise the place."""

    kind: str
    shown: ast.expr | ast.stmt
    node: ast.AST
    field: str
    value: object


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, by line. Docstrings, annotations and imports from the future have none."""
    tree = ast.parse(source)
    for edit in sorted(_edits(tree), key=lambda edit: edit.shown.lineno):
        before, old = getattr(edit.node, edit.field), ast.unparse(edit.shown).splitlines()[0]
        setattr(edit.node, edit.field, edit.value)
        text = old if edit.kind == DELETED else f"{old}  ->  {ast.unparse(edit.shown).splitlines()[0]}"
        yield Mutant(edit.kind, edit.shown.lineno, text, ast.unparse(tree) + "\n")
        setattr(edit.node, edit.field, before)


def _edits(node: ast.AST, shown: ast.expr | ast.stmt | None = None) -> Iterator[_Edit]:
    """The edits of a node and of everything in it; `shown` is the place around it that a constant is shown in."""
    if isinstance(node, ast.Constant) and shown is not None:
        yield from _numbers(node, shown)
        return
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        children = value if isinstance(value, list) else [value]
        yield from _deletions(node, field, children)
        for child in children:
            if isinstance(child, ast.AST):
                place = node if isinstance(node, ast.expr | ast.stmt) else shown
                yield from _edits(child, place)
    if isinstance(node, ast.Compare):
        yield from _comparisons(node)
    if isinstance(node, ast.BoolOp):
        yield _Edit(JOINED, node, node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())


def _deletions(node: ast.AST, field: str, children: list[Any]) -> Iterator[_Edit]:
    """Each statement of a body gone; each operand of "and" and "or", and each filter of a comprehension."""
    operands = (isinstance(node, ast.BoolOp) and field == "values") or (isinstance(node, ast.comprehension) and field == "ifs")
    for index, child in enumerate(children):
        rest = children[:index], children[index + 1 :]
        if operands:
            yield _Edit(DELETED, child, node, field, [*rest[0], *rest[1]])
        elif isinstance(child, ast.stmt) and not _says_nothing(child):
            yield _Edit(DELETED, child, node, field, [*rest[0], ast.Pass(), *rest[1]])


def _says_nothing(statement: ast.stmt) -> bool:
    """Whether nothing is run by it: a docstring, "pass", an import from the future."""
    if isinstance(statement, ast.ImportFrom):
        return statement.module == "__future__"
    return isinstance(statement, ast.Pass) or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))


def _comparisons(node: ast.Compare) -> Iterator[_Edit]:
    for index, operator in enumerate(node.ops):
        for other in COMPARISONS[type(operator)]:
            yield _Edit(COMPARED, node, node, "ops", [*node.ops[:index], other(), *node.ops[index + 1 :]])


def _numbers(node: ast.Constant, shown: ast.expr | ast.stmt) -> Iterator[_Edit]:
    if type(node.value) in (int, float):  # True and False are no numbers here
        for step in (1, -1):
            yield _Edit(COUNTED, shown, node, "value", node.value + step)  # type: ignore[operator]
