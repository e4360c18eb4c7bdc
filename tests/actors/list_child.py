"""The process that reads the list, with a store of few names in place of a file: `python -m tests.actors.list_child JSON`.

The argument holds the names: {"name": [id, watched, priority]}; a second one says how many all shards watch.
"""

from __future__ import annotations

import json
import sys

from actors.coordinator.list_reader import main

if __name__ == "__main__":
    store = json.loads(sys.argv[1])
    batch = tuple(map(list, zip(*((row[0], name, *row[1:]) for name, row in store.items()), strict=True)))
    watched = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    sys.exit(main(lambda _settings: [batch] if batch else [], lambda _settings: watched))  # type: ignore[arg-type, list-item]
