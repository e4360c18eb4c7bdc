"""Where the core decides on the state of a name, read from the source: a second place would be a second truth."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import common.core

CORE = Path(common.core.__file__).parent


def callers_of(name: str) -> list[str]:
    """Every place of the core that calls or hands on a function or method of this name, as "file: function"."""
    return sorted(set(_find_callers(name)))


def _find_callers(name: str) -> Iterator[str]:
    for path in CORE.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and any(_names(node) == name for node in ast.walk(function)):
                yield f"{path.relative_to(CORE)}: {function.name}"


def _names(node: ast.AST) -> str | None:
    """The name that a node refers to."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def test_one_function_takes_verdicts_on_watched_names() -> None:
    """It alone assesses their evidence; a first delegation of a new name is decided for all of a sweep at once.

    Beside these a recorded verdict is replayed, and answers that were recorded are judged offline: neither changes a name.
    """
    assert callers_of("assess_evidence") == ["checks/conclude.py: take_verdict"]
    assert callers_of("decide_verdict") == [
        "audit/ledger.py: replay_verdict",
        "checks/conclude.py: note_first_delegations",
        "verdict/assessor.py: assess_evidence",
        "verdict/verdicts.py: decide_offline",
    ]


def test_one_function_applies_verdicts() -> None:
    """What changes the state of a loaded name follows from a verdict."""
    assert callers_of("apply_verdict") == ["checks/conclude.py: take_verdict"]
