# ruff: noqa: INP001 - a script, not a module of a package
"""Turn IANA's RDAP bootstrap file (RFC 9224) into `common/core/builtin/rdap_servers.py`.

    build_rdap_servers.py DNS_JSON > common/core/builtin/rdap_servers.py

Suffixes that share a base URL, or whose URLs differ in the suffix alone (written `{}`), become one row.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections import defaultdict
from pathlib import Path

HEAD = '''"""RDAP base URLs as IANA lists them (RFC 9224), publication {publication}.

Made by `.ci/tables/build_rdap_servers.py`; `{{}}` in a URL stands for the suffix.
"""

from __future__ import annotations

#: (base URL, suffixes)
IANA: tuple[tuple[str, str], ...] = (
'''


def rows(services: list[list[list[str]]]) -> dict[str, list[str]]:
    """Base URL or its pattern -> suffixes, the smallest number of rows that a single pattern per URL gives."""
    bases = {suffix.lower(): _preferred(urls) for suffixes, urls in services for suffix in suffixes}
    literal: dict[str, list[str]] = defaultdict(list)
    pattern: dict[str, list[str]] = defaultdict(list)
    for suffix, base in bases.items():
        literal[base].append(suffix)
        pattern[_pattern(base, suffix)].append(suffix)
    found: dict[str, list[str]] = defaultdict(list)
    for suffix, base in sorted(bases.items()):
        shared = _pattern(base, suffix)
        found[shared if len(pattern[shared]) > len(literal[base]) else base].append(suffix)
    return found


def _preferred(urls: list[str]) -> str:
    url = next((url for url in urls if url.startswith("https:")), urls[0])
    return url if url.endswith("/") else url + "/"


def _pattern(base: str, suffix: str) -> str:
    return base.replace(f".{suffix}/", ".{}/").replace(f"/{suffix}/", "/{}/")


def main() -> int:
    """Read the file named on the command line, write the module to standard output."""
    listed = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    out = [HEAD.format(publication=listed["publication"])]
    for base, suffixes in sorted(rows(listed["services"]).items()):
        words = " ".join(suffixes)
        if len(base) + len(words) + 15 <= 128:
            out.append(f'    ("{base}", "{words}"),\n')
            continue
        lines = textwrap.wrap(words, 128 - 15, break_long_words=False, break_on_hyphens=False)
        lines[:-1] = [f"{line} " for line in lines[:-1]]
        quoted = "".join(f'            "{line}"\n' for line in lines)
        out.append(
            f'    (\n        "{base}",\n'
            + (f"        (\n{quoted}        ),\n" if len(lines) > 1 else quoted[4:-1] + ",\n")
            + "    ),\n"
        )
    out.append(")\n")
    sys.stdout.write("".join(out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
