"""Names column by column: what the coordinator's table is built from, and how rows become it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.core.model.columns import CodedTexts, NameColumns

#: Rows taken from a cursor at once: more of them no longer fit the processor's cache, and loading takes half as long again.
FETCH = 1000
#: The fields of `NameColumns`.
NAME_COLUMNS = (
    "id, name, suffix, watched + 2 * priority + 4 * close + 8 * detailed, state, since, confidence, generation, checked_at, "
    "next_check, drop_earliest, drop_latest, registry_due"
)


def read_columns(cursor: sqlite3.Cursor) -> NameColumns:
    """All rows of a statement that selects NAME_COLUMNS."""
    columns: list[list[Any]] = [[] for _ in NameColumns._fields]
    while rows := cursor.fetchmany(FETCH):
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(values)
    return columns_from_lists(columns)


def columns_from_lists(columns: Iterable[Sequence[Any]]) -> NameColumns:
    """Columns as rows have them, in the order of the fields."""
    return NameColumns(*(_KINDS.get(field, _times)(column) for field, column in zip(NameColumns._fields, columns, strict=True)))


def code_texts(texts: Sequence[str]) -> CodedTexts:
    """A column of texts."""
    known = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    return CodedTexts(list(known), np.fromiter(map(known.__getitem__, texts), np.int64, len(texts)))


def _times(column: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array(column, np.float64)  # None becomes NaN


def _whole(column: Sequence[int]) -> NDArray[np.int64]:
    return np.array(column, np.int64)


#: How a column becomes what it is in `NameColumns`, by its field; the others are times and other fractions.
_KINDS: dict[str, Callable[[Any], Any]] = {
    "ids": _whole,
    "names": list,
    "suffixes": code_texts,
    "flags": _whole,
    "states": code_texts,
    "generation": _whole,
}
