"""Tables in the documentation that repeat data of the product say the same as the data."""

from __future__ import annotations

from pathlib import Path

from common.core.builtin.das_servers import SERVERS, Access, DasServer
from common.core.builtin.publication_rows import PUBLICATIONS
from common.core.builtin.registrars import REGISTRARS, Registrar
from common.core.model.publication import Form, Publication

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


def publication_row(row: Publication) -> str:
    """The line of one publication."""
    place = row.server or row.url
    read = "default" if row.on else "never" if row.form is Form.UNKNOWN else "by name"
    kind = row.kind.value.replace("_", " ")
    return f"| `{row.name}` | .{row.suffixes[0]} | {kind} | {row.form.value} | `{place}` | {read} | {row.terms} |"


def test_the_table_of_publications_is_the_data() -> None:
    """Every publication with its terms, and whether it is read."""
    lines = (SOURCES.parent / "publications.md").read_text(encoding="utf-8").splitlines()
    rows = [publication_row(row) for row in PUBLICATIONS]
    start = lines.index(rows[0])

    assert lines[start : start + len(rows) + 1] == [*rows, ""]
