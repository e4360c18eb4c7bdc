"""WHOIS answers in a dozen dialects: pure, model in, text out. Layouts and key lines as the registries print them.

`verisign` (.com), `gtld` (.org, .io), `nominet` (.uk), `denic` (.de), `iis` (.se), `ws` (.ws);
more in `whois_cctlds`.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.model import Phase, Registration
from tests.lab.rdap_objects import stamp
from tests.lab.suffixes import Suffix
from tests.lab.truth import Truth
from tests.lab.whois_cctlds import DIALECTS, THROTTLED, day

_EPP = {
    Phase.ACTIVE: ("clientTransferProhibited",),
    Phase.AUTO_RENEW: ("autoRenewPeriod", "clientTransferProhibited"),
    Phase.REDEMPTION: ("pendingDelete", "redemptionPeriod"),
    Phase.PENDING_RESTORE: ("pendingDelete", "pendingRestore"),
    Phase.PENDING_DELETE: ("pendingDelete",),
}
_TERMS = (
    "Terms: this server belongs to a test. Its records may not be found useful for anything else; they are available for\n"
    "looking, not for registering, and automated queries that exceed what is free of charge are limited.\n"
)


def answer(entry: Registration | None, name: str, suffix: Suffix, truth: Truth, now: float) -> str:
    """What the suffix's server prints about `name`; `now` is registry time."""
    record, free = _DIALECTS[suffix.dialect]
    return record(entry, now) if entry is not None else free(name, truth, now)


def throttled(suffix: Suffix, client: str) -> str:
    """The text that means "slow down" in this dialect."""
    return {
        **THROTTLED,
        "verisign": "Query rate limit exceeded. Please try again later.\n",
        "gtld": "WHOIS LIMIT EXCEEDED - SEE THE REGISTRY'S SITE FOR DETAILS\n",
        "nominet": f"    The WHOIS query quota for {client} has been exceeded\n    and will be replenished in 50 seconds.\n",
        "denic": "% Error: 55000000002 Connection refused; access control limit reached.\n",
        "iis": "# Too many requests, please try again later.\n",
        "ws": "Query rate limit exceeded. Please wait a while and try again.\n",
    }[suffix.dialect]


def epp_statuses(entry: Registration) -> list[str]:
    """Status words in EPP spelling."""
    held = ["clientHold"] if entry.held else []
    inactive = [] if entry.nameservers or entry.inline else ["inactive"]
    return held + inactive + list(_EPP[entry.phase])


def _verisign(entry: Registration, now: float) -> str:
    lines = [
        f"   Domain Name: {entry.name.upper()}",
        f"   Registry Domain ID: {entry.roid}",
        "   Registrar WHOIS Server: whois.registrar.lab",
        f"   Updated Date: {stamp(entry.updated)}",
        f"   Creation Date: {stamp(entry.created)}",
        f"   Registry Expiry Date: {stamp(entry.expires)}",
        f"   Registrar: {entry.registrar}",
        "   Registrar IANA ID: 9999",
        *(f"   Domain Status: {word} https://icann.org/epp#{word}" for word in epp_statuses(entry)),
        *(f"   Name Server: {host.upper()}" for host in entry.nameservers),
        "   DNSSEC: unsigned",
    ]
    return "\n".join(lines) + "\n" + _updated("whois", now)


def _verisign_free(name: str, _truth: Truth, now: float) -> str:
    return f'No match for "{name.upper()}".\n' + _updated("whois", now)


def _updated(word: str, now: float) -> str:
    return f">>> Last update of {word} database: {stamp(now)} <<<\n\n{_TERMS}"


def _gtld(entry: Registration, now: float) -> str:
    return "\n".join(line.strip() for line in _verisign(entry, now).splitlines()) + "\n"


def _gtld_free(name: str, truth: Truth, now: float) -> str:
    text = {
        Truth.RESERVED: "This name is reserved by the Registry in accordance with ICANN Policy.\n",
        Truth.BLOCKED: f"The domain name {name} has been blocked by a GlobalBlock service.\n",
        Truth.DROPZONE: "This name is currently available for application via the Identity Digital Dropzone service.\n",
        Truth.PREMIUM: "Domain not found.\nThis premium domain is available for purchase. Ask a registrar for its price.\n",
    }.get(truth, "Domain not found.\n")
    return text + _updated("WHOIS", now)


def _nominet(entry: Registration, now: float) -> str:
    pattern = "%d-%b-%Y"
    status = {
        Phase.ACTIVE: "Registered until expiry date.",
        Phase.AUTO_RENEW: "Renewal required.",
        Phase.REDEMPTION: "No longer required.",
        Phase.PENDING_DELETE: "No longer required.",
    }.get(entry.phase, "Processing registration.")
    servers = "\n".join(f"        {host}" for host in entry.nameservers) or "        No name servers listed."
    return (
        f"\n    Domain name:\n        {entry.name}\n\n    Registrar:\n        {entry.registrar} [Tag = LAB]\n\n"
        f"    Relevant dates:\n        Registered on: {day(entry.created, pattern)}\n"
        f"        Expiry date:  {day(entry.expires, pattern)}\n        Last updated:  {day(entry.updated, pattern)}\n\n"
        f"    Registration status:\n        {status}\n\n    Name servers:\n{servers}\n\n{_looked_up(now)}"
    )


def _looked_up(now: float) -> str:
    return f"    WHOIS lookup made at {day(now, '%H:%M:%S %d-%b-%Y')}\n\n-- \n{_TERMS}"


def _nominet_free(name: str, truth: Truth, now: float) -> str:
    if truth is Truth.RESERVED:
        return f"\n    Domain name:\n        {name}\n\n    Registrant:\n        Nominet UK\n\n{_looked_up(now)}"
    return f'\n    No match for "{name}".\n\n    This domain name has not been registered.\n\n{_looked_up(now)}'


def _denic(entry: Registration, _now: float) -> str:
    if entry.phase in {Phase.REDEMPTION, Phase.PENDING_DELETE}:
        status = "redemptionPeriod"
    else:
        status = "connect" if entry.delegated or entry.inline else "failed"
    servers = "".join(f"Nserver: {host}\n" for host in entry.nameservers)
    changed = day(entry.updated, "%Y-%m-%dT%H:%M:%S+00:00")
    return f"% Terms\n% {_TERMS.splitlines()[0]}\nDomain: {entry.name}\n{servers}Status: {status}\nChanged: {changed}\n"


def _denic_free(name: str, _truth: Truth, _now: float) -> str:
    return f"Domain: {name}\nStatus: free\n"


def _iis(entry: Registration, _now: float) -> str:
    gone = entry.phase in {Phase.REDEMPTION, Phase.PENDING_DELETE}
    lines = [
        "# This server belongs to a test.",
        "# Its records are available for looking only.",
        f"state:            {'deactivated' if gone else 'active'}",
        f"domain:           {entry.name}",
        "holder:           (not shown)",
        f"created:          {day(entry.created)}",
        f"modified:         {day(entry.updated)}",
        f"expires:          {day(entry.expires)}",
    ]
    if gone and entry.ends is not None:
        lines += [f"date_to_delete:   {day(entry.ends)}", f"date_to_release:  {day(entry.ends)}"]
    lines += [f"nserver:          {host}" for host in entry.nameservers]
    lines += ["dnssec:           unsigned delegation", f"status:           {'inactive' if gone or entry.held else 'ok'}"]
    return "\n".join([*lines, f"registrar:        {entry.registrar}"]) + "\n"


def _iis_free(name: str, _truth: Truth, _now: float) -> str:
    return f'# This server belongs to a test.\n# Its records are available for looking only.\ndomain "{name}" not found.\n'


_WS_HEAD = "\nWelcome to the WHOIS server of a test.\n\nAnything but looking up one name by hand is prohibited.\n\n"


def _ws(entry: Registration, _now: float) -> str:
    servers = "\n".join(f"    {host}" for host in entry.nameservers)
    return (
        f"{_WS_HEAD}  Domain Name: {entry.name.upper()}\n\n  Registrar Name: {entry.registrar}\n\n"
        f"  Domain Created: {day(entry.created)}\n  Domain Last Updated: {day(entry.updated)}\n"
        f"  Domain Currently Expires: {day(entry.expires)}\n\n  Current Nameservers:\n\n{servers}\n\n"
    )


def _ws_free(name: str, truth: Truth, _now: float) -> str:
    if truth is Truth.RESERVED:
        return f"{_WS_HEAD}This name is reserved by the Registry.\n\n"
    return f'{_WS_HEAD}No match for "{name}".\n\n'


_DIALECTS: dict[str, tuple[Callable[[Registration, float], str], Callable[[str, Truth, float], str]]] = {
    **DIALECTS,
    "verisign": (_verisign, _verisign_free),
    "gtld": (_gtld, _gtld_free),
    "nominet": (_nominet, _nominet_free),
    "denic": (_denic, _denic_free),
    "iis": (_iis, _iis_free),
    "ws": (_ws, _ws_free),
}


def referral(label: str, host: str | None) -> str:
    """What IANA's server prints about a top-level domain."""
    head = "% Referral server of the lab\n% for more information on IANA, ask IANA\n\n"
    if host is None:
        return f'{head}% This query returned 0 objects.\n% No match for "{label}"\n'
    found = f"refer:        {host}\n\ndomain:       {label.upper()}\n\nwhois:        {host}\n\n"
    return f"{head}{found}status:       ACTIVE\nsource:       IANA\n"
