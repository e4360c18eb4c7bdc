"""`make bench`: the figures of the whole service; `ARGS="dns"`, `"steps"`, ... for one part, `"table"` for what was kept."""

from __future__ import annotations

import importlib
import importlib.util
import sys

#: Parts that can be measured alone: modules beside this one with `main(arguments)`, as far as they are there.
PARTS = {**{name: name for name in ("dns", "steps", "store", "lists", "clients")}, "table": "records"}


def main(arguments: list[str]) -> int:
    """Hand over to a part, or measure the whole; 1 where an answer was wrong."""
    from tests.bench import whole  # noqa: PLC0415 - a part may be measured where the whole cannot be

    module = f"tests.bench.{PARTS.get(arguments[0], '')}" if arguments else ""
    if not module.endswith(".") and module and importlib.util.find_spec(module) is not None:
        return int(importlib.import_module(module).main(arguments[1:]) or 0)
    return whole.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
