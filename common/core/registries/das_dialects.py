"""How to ask the availability service of a suffix: its row, and the line or path to send for a name."""

from __future__ import annotations

from urllib.parse import quote

from common.core.builtin.das_servers import BY_HOST, BY_SUFFIX, PLAIN, DasServer
from common.core.registries.registrable_names import is_wire_name, to_unicode


def find_dialect(suffix: str, host: str) -> DasServer:
    """The row of a suffix, also where the operator moved its server elsewhere; else that of the host, else the common form."""
    return BY_SUFFIX.get(suffix) or BY_HOST.get(host.lower(), PLAIN)


def format_query(dialect: DasServer, domain: str, suffix: str) -> str | None:
    """The line, or the path of the URL, that asks for `domain` (A-label); None for anything but a name right under `suffix`."""
    label, _, above = domain.partition(".")
    if above != suffix or not is_wire_name(domain):
        return None
    ulabel = to_unicode(domain)
    form = dialect.idn_query if dialect.idn_query and ulabel != domain else dialect.query
    return form.format(name=domain, label=label, ulabel=quote(ulabel) if dialect.is_web else ulabel)
