"""The process in which python-whois reads: a JSON line in, a JSON line out, within bounds of memory."""

from __future__ import annotations

import json
import resource
import sys
from datetime import date, datetime
from typing import Any

from whois.exceptions import PywhoisError, WhoisDomainNotFoundError  # type: ignore[import-untyped]  # it has no types
from whois.parser import WhoisEntry  # type: ignore[import-untyped]  # the same

#: Bytes of memory that it may take, and seconds of CPU altogether.
MEMORY, SECONDS = 512 << 20, 600
#: Names there and here.
FIELDS = {
    "created_at": "creation_date",
    "expires_at": "expiration_date",
    "updated_at": "updated_date",
    "registrar": "registrar",
}
#: Longest text of a field given, in characters.
LONGEST = 300


def main() -> int:
    """Answer line by line until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    for line in sys.stdin.buffer:
        question = json.loads(line)
        print(json.dumps(read(question["domain"], question["text"])), flush=True)
    return 0


def read(domain: str, text: str) -> dict[str, Any]:
    """What the library reads of a text, see `second_reader.SecondReader.read`."""
    try:
        entry = WhoisEntry.load(domain, text)
    except WhoisDomainNotFoundError:
        return {"registered": False, "fields": {}}
    except (PywhoisError, MemoryError, RecursionError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        return {"error": f"python-whois fails on it ({type(error).__name__})"}
    registered = True if entry.get("domain_name") else None
    fields = {name: _shown(entry.get(there)) for name, there in FIELDS.items()}
    return {"registered": registered, "fields": {name: value for name, value in fields.items() if value}}


def _shown(value: Any) -> str | None:
    """The first value as text, a date in ISO 8601."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value[:LONGEST] if isinstance(value, str) else None


if __name__ == "__main__":
    sys.exit(main())
