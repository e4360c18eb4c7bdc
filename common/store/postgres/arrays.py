"""Many rows in one statement: each column travels as one array, in binary form.

statement = f"INSERT INTO address(n, text) SELECT n, text FROM {rows_from('n int8, text text')}"
put(connection, statement, "n int8, text text", [(1, "a"), (2, "b")])
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from common.store.postgres.session import Connection


def rows_from(columns: str) -> str:
    """What a statement selects from; `columns` are names and types, separated by commas. `place` counts the rows from 1."""
    pairs = [column.split() for column in columns.split(",")]
    arrays = ", ".join(f"%b::{kind}[]" for _, kind in pairs)
    names = ", ".join(name for name, _ in pairs)
    return f"unnest({arrays}) WITH ORDINALITY AS new({names}, place)"


def as_arrays(columns: str, rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """The parameters of a statement with `rows_from(columns)`: floats as such, because an array has one type."""
    kinds = [column.split()[1] for column in columns.split(",")]
    return [
        [None if value is None else float(value) for value in column] if kind == "float8" else list(column)
        for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)
    ]


def put(connection: Connection, statement: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
    """Execute a statement with `rows_from(columns)` for these rows; nothing where there are none."""
    if rows:
        connection.execute(statement, as_arrays(columns, rows))
