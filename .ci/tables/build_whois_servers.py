# ruff: noqa: INP001 - a script, not a module of a package
"""Turn two lists of WHOIS servers into `common/core/builtin/whois_servers.py`.

    build_whois_servers.py SERVERS_JSON SUFFIXES_JSON > common/core/builtin/whois_servers.py

SERVERS_JSON: {"servers": [{"host", "tlds": [...], "query", "charset"}]}, checked one by one; it wins.
SUFFIXES_JSON: {suffix: {"whois": {list: host}, "note", "delegated"}}, what public lists say. Of those the list kept with the
Debian client comes first; where it says that a suffix has no server, or only a web page, none is taken from the others.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections import defaultdict
from pathlib import Path
from typing import Any

#: Public lists in the order of their credit.
LISTS = ("rfc1036", "asyncwhois", "weppos", "whoisdomain")
PLAIN = "{fqdn}\r\n"
#: Charsets of servers that do not answer in UTF-8, where the checked list says nothing.
CHARSETS = {"whois.dns.lu": "iso-8859-1", "whois.kg": "cp1251"}
#: With "=" NIC Mexico only says yes or no; the plain query gives the record and the same "not found" line.
QUERIES = {"whois.mx": PLAIN}

HEAD = '''"""WHOIS servers per suffix: host, query line and charset. Made by `.ci/tables/build_whois_servers.py`."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from common.core.builtin.tlds import PRIVATE_SUFFIXES


class WhoisServer(NamedTuple):
    """`query` is the line to send, line end included, with `{fqdn}` for the A-label name; `charset` a codec name."""

    host: str
    query: str = "{fqdn}\\\\r\\\\n"
    charset: str = "utf-8"


def whois_server(suffix: str) -> WhoisServer | None:
    """The server of a suffix (A-label, lower case): its own, else that of the longest suffix above it that has one.

    The registry of a private suffix such as uk.com is not that of its parent, so there is no such fallback.
    """
    host = _hosts_by_suffix().get(suffix)
    while host is None and "." in suffix and suffix not in PRIVATE_SUFFIXES:
        suffix = suffix.partition(".")[2]
        host = _hosts_by_suffix().get(suffix)
    return query_format_of(host) if host is not None else None


def query_format_of(host: str) -> WhoisServer:
    """Query line and charset of a host; the plain query in UTF-8 for a host without a row of its own."""
    return _QUERY_FORMATS.get(host) or WhoisServer(host)


@cache
def _hosts_by_suffix() -> dict[str, str]:
    return {suffix: host.replace("{}", suffix) for host, suffixes in _SERVERS for suffix in suffixes.split()}


'''


def main() -> int:
    """Read the files named on the command line, write the module to standard output."""
    checked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["servers"]
    listed = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    hosts = _hosts(checked, listed)
    out = [HEAD.replace("\\\\", "\\"), "_QUERY_FORMATS: dict[str, WhoisServer] = {\n"]
    used = set(hosts.values())
    for host, (query, charset) in sorted(_query_formats(checked).items()):
        if host in used:
            out.append(f"    {json.dumps(host)}: WhoisServer({_arguments(host, query, charset)}),\n")
    out.append("}\n\n#: (host, suffixes); `{}` in a host stands for the suffix.\n_SERVERS: tuple[tuple[str, str], ...] = (\n")
    rows: dict[str, list[str]] = defaultdict(list)
    for suffix, host in sorted(hosts.items()):
        rows["whois.nic.{}" if host == f"whois.nic.{suffix}" else host].append(suffix)
    for host, suffixes in sorted(rows.items()):
        out.append(_row(host, " ".join(suffixes)))
    out.append(")\n")
    sys.stdout.write("".join(out))
    return 0


def _hosts(checked: list[dict[str, Any]], listed: dict[str, Any]) -> dict[str, str]:
    found = {suffix: host for suffix, entry in listed.items() if (host := _listed(suffix, entry))}
    for entry in checked:
        if _is_host(entry["host"]):
            found.update({suffix: entry["host"] for suffix in entry["tlds"] if re.fullmatch(r"[a-z0-9.-]+", suffix)})
    # What the suffix above says anyway needs no row of its own.
    return {suffix: host for suffix, host in found.items() if found.get(suffix.partition(".")[2]) != host}


def _listed(suffix: str, entry: dict[str, Any]) -> str | None:
    note = entry.get("note") or ""
    if note.startswith(("NONE", "WEB")) or not (entry.get("delegated") or "." in suffix):
        return None
    named = entry.get("whois") or {}
    return next((named[name].lower() for name in LISTS if _is_host(named.get(name))), None)


def _is_host(host: object) -> bool:
    return isinstance(host, str) and re.fullmatch(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", host.lower()) is not None


def _query_formats(checked: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    found = {entry["host"]: (entry["query"].replace("{alabel}", "{fqdn}"), entry.get("charset", "utf-8")) for entry in checked}
    for host, charset in CHARSETS.items():
        found[host] = (found.get(host, (PLAIN, ""))[0], charset)
    for host, query in QUERIES.items():
        found[host] = (query, found.get(host, ("", "utf-8"))[1])
    return {host: two for host, two in found.items() if two != (PLAIN, "utf-8")}


def _arguments(host: str, query: str, charset: str) -> str:
    parts = [json.dumps(host)]
    if query != PLAIN:
        parts.append(f"query={json.dumps(query)}")
    if charset != "utf-8":
        parts.append(f"charset={json.dumps(charset)}")
    return ", ".join(parts)


def _row(host: str, suffixes: str) -> str:
    line = f"    ({json.dumps(host)}, {json.dumps(suffixes)}),\n"
    if len(line) <= 128:
        return line
    lines = textwrap.wrap(suffixes, 108, break_on_hyphens=False, break_long_words=False)
    text = "".join(f"            {json.dumps(part + ('' if part is lines[-1] else ' '))}\n" for part in lines)
    return f"    (\n        {json.dumps(host)},\n        (\n{text}        ),\n    ),\n"


if __name__ == "__main__":
    sys.exit(main())
