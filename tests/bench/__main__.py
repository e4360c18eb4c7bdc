"""`make bench`: the figures of the whole service; `ARGS="dns"`, `"steps"`, ... for one part, `"table"` for what was kept."""

from __future__ import annotations

import importlib
import sys

#: Parts that can be measured alone: modules beside this one with `main(arguments)`.
PARTS = {
    **{name: name for name in ("dns", "steps", "store", "lists", "clients", "beside", "links", "longlist", "scale")},
    **{name: name for name in ("instances", "snapshot", "takeover", "publications", "drops")},
    "table": "records",
}


def main(arguments: list[str]) -> int:
    """Hand over to a part, or measure the whole; 1 where an answer was wrong."""
    if arguments and arguments[0] in PARTS:
        part = importlib.import_module(f"tests.bench.{PARTS[arguments[0]]}")
        return int(part.main(arguments[1:]) or 0)
    return int(importlib.import_module("tests.bench.whole").main(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
