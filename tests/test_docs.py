"""Tables in the documentation that repeat data of the product say the same as the data."""

from __future__ import annotations

from pathlib import Path

from common.core.builtin.das_servers import SERVERS, Access, DasServer
from common.core.builtin.registrars import REGISTRARS, Registrar

SOURCES = Path(__file__).resolve().parents[1] / "docs" / "sources.md"
MOST_SUFFIXES = 3


def registrar_row(row: Registrar) -> str:
    """The line of one registrar."""
    settings = ", ".join(f"`{name}`" for name in (*row.needs, *row.takes))
    sandbox = "yes" if row.sandbox else ""
    return f"| {row.title} | `registrar:{row.vendor}` | {settings} | {row.batch} | {row.proof} | {sandbox} | {row.terms} |"


def das_row(row: DasServer) -> str:
    """The line of one availability service."""
    shown = ", ".join(f".{suffix}" for suffix in row.suffixes[:MOST_SUFFIXES])
    more = f" and {len(row.suffixes) - MOST_SUFFIXES} more" if len(row.suffixes) > MOST_SUFFIXES else ""
    usual = row.certain and row.access is Access.PUBLIC
    switched = "by itself" if usual else "`DAS_SERVERS_FILE`" if row.access is Access.LOGIN else "`DAS_SUFFIXES`"
    switched = "its registry's permission" if row.rate <= 0 else switched
    limit = "never" if row.rate <= 0 else f"{row.rate:g}"
    return f"| {shown}{more} | `{row.host}:{row.port}` | {row.access} | {switched} | {limit} |"


def table_of(rows: list[str], first: str) -> list[str]:
    """The lines of a table in the page, found by its first row."""
    lines = SOURCES.read_text(encoding="utf-8").splitlines()
    start = lines.index(first)
    return lines[start : start + len(rows) + 1]


def test_the_table_of_registrars_is_the_data() -> None:
    """Every vendor, in the order in which they are asked, with its settings, and nothing after it."""
    rows = [registrar_row(row) for row in REGISTRARS]

    assert table_of(rows, rows[0]) == [*rows, ""]


def test_the_table_of_availability_services_is_the_data() -> None:
    """Every service, and how it is switched on."""
    rows = [das_row(row) for row in SERVERS]

    assert table_of(rows, rows[0]) == [*rows, ""]
