"""Further WHOIS dialects, of registries that the scenarios need: pure, model in, text out.

`afnic` (.fr), `eurid` (.eu, .be), `nicit` (.it), `fred` (.cz), `cira` (.ca), `registrobr` (.br), `eis` (.ee).
The last two print a text of their own about a name that was purged and waits in the registry's release procedure.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from tests.lab.model import Phase, Registration
from tests.lab.rdap_objects import stamp
from tests.lab.truth import Truth

_GONE = frozenset({Phase.REDEMPTION, Phase.PENDING_RESTORE, Phase.PENDING_DELETE})
_NOTICE = "This text is available from a test; what is not found here may be free elsewhere.\n"


def day(moment: float, pattern: str = "%Y-%m-%d") -> str:
    """A date in UTC, in the registry's own layout."""
    return datetime.fromtimestamp(moment, UTC).strftime(pattern)


def _afnic(entry: Registration, _now: float) -> str:
    status = "REDEMPTION" if entry.phase in _GONE else "ACTIVE"
    servers = "".join(f"nserver:                       {host}\n" for host in entry.nameservers)
    return (
        f"%%\n%% {_NOTICE}%%\n\ndomain:                        {entry.name}\nstatus:                        {status}\n"
        f"hold:                          {'YES' if entry.held else 'NO'}\nregistrar:                     {entry.registrar}\n"
        f"Expiry Date:                   {stamp(entry.expires)}\n"
        f"created:                       {stamp(entry.created)}\n"
        f"last-update:                   {stamp(entry.updated)}\n{servers}source:                        FRNIC\n"
    )


def _afnic_free(_name: str, _truth: Truth, _now: float) -> str:
    return f"%%\n%% {_NOTICE}%%\n\n%% NOT FOUND\n"


def _eurid(entry: Registration, _now: float) -> str:
    status = "Status: QUARANTINE\n" if entry.phase in _GONE else ""
    servers = "".join(f"        {host}\n" for host in entry.nameservers)
    return (
        f"% {_NOTICE}\nDomain: {entry.name}\n{status}Script: LATIN\n\nRegistrant:\n        NOT DISCLOSED!\n\n"
        f"Registrar:\n        Name: {entry.registrar}\n        Website: https://registrar.lab\n\nName servers:\n{servers}\n"
    )


def _eurid_free(name: str, _truth: Truth, _now: float) -> str:
    return f"% {_NOTICE}\nDomain: {name}\nStatus: AVAILABLE\n"


def _nicit(entry: Registration, _now: float) -> str:
    status = {Phase.REDEMPTION: "pendingDelete / redemptionPeriod", Phase.PENDING_DELETE: "pendingDelete / pendingDelete"}.get(
        entry.phase, "inactive / clientHold" if entry.held else "ok"
    )
    servers = "".join(f"  {host}\n" for host in entry.nameservers)
    pattern = "%Y-%m-%d %H:%M:%S"
    return (
        f"\n* {_NOTICE}\nDomain:             {entry.name}\nStatus:             {status}\nSigned:             no\n"
        f"Created:            {day(entry.created, pattern)}\nLast Update:        {day(entry.updated, pattern)}\n"
        f"Expire Date:        {day(entry.expires)}\n\nRegistrar\n  Organization:     {entry.registrar}\n"
        f"  Name:             LAB-REG\n\nNameservers\n{servers}\n"
    )


def _nicit_free(name: str, _truth: Truth, _now: float) -> str:
    return f"Domain:             {name}\nStatus:             AVAILABLE\n"


def _fred(entry: Registration, _now: float) -> str:
    pattern = "%d.%m.%Y %H:%M:%S"
    status = "status:       To be deleted\n" if entry.phase in _GONE else ""
    servers = "".join(f"nserver:      {host}\n" for host in entry.nameservers)
    return (
        f"%  {_NOTICE}% Whoisd Server Version: 3.12.0\n\ndomain:       {entry.name}\nregistrar:    REG-LAB\n{status}"
        f"registered:   {day(entry.created, pattern)}\nchanged:      {day(entry.updated, pattern)}\n"
        f"expire:       {day(entry.expires, '%d.%m.%Y')}\n\nnsset:        LAB-NSSET\n{servers}"
    )


def _fred_free(_name: str, _truth: Truth, _now: float) -> str:
    return f"%  {_NOTICE}% Whoisd Server Version: 3.12.0\n\n%ERROR:101: no entries found\n%\n% No entries found.\n"


def _cira(entry: Registration, _now: float) -> str:
    words = {Phase.REDEMPTION: "redemptionPeriod", Phase.PENDING_DELETE: "pendingDelete"}
    status = words.get(entry.phase, "clientHold" if entry.held else "clientTransferProhibited")
    servers = "".join(f"Name Server: {host}\n" for host in entry.nameservers)
    return (
        f"Domain Name: {entry.name}\nRegistry Domain ID: {entry.roid}\nUpdated Date: {stamp(entry.updated)}\n"
        f"Creation Date: {stamp(entry.created)}\n"
        f"Registry Expiry Date: {stamp(entry.expires)}\nRegistrar: {entry.registrar}\n"
        f"Domain Status: {status} https://icann.org/epp#{status}\n{servers}DNSSEC: unsigned\n\n% {_NOTICE}"
    )


def _cira_free(name: str, _truth: Truth, _now: float) -> str:
    return f"Not found: {name}\n\n% {_NOTICE}"


def _registrobr(entry: Registration, _now: float) -> str:
    servers = "".join(f"nserver:     {host}\n" for host in entry.nameservers)
    return (
        f"% {_NOTICE}\ndomain:      {entry.name}\nowner:       LAB\n{servers}created:     {day(entry.created, '%Y%m%d')}\n"
        f"changed:     {day(entry.updated, '%Y%m%d')}\nexpires:     {day(entry.expires, '%Y%m%d')}\nstatus:      published\n"
    )


def _registrobr_free(name: str, truth: Truth, _now: float) -> str:
    if truth is Truth.DROPZONE:
        return f"% {_NOTICE}\ndomain:      {name}\nrelease process: waiting\n"
    return f"% {_NOTICE}\n% No match for {name}\n"


_EIS = "Estonia .ee Top Level Domain WHOIS server\n"


def _eis(entry: Registration, _now: float) -> str:
    words = {
        Phase.AUTO_RENEW: ("expired",),
        Phase.REDEMPTION: ("expired", "serverHold"),
        Phase.PENDING_DELETE: ("expired", "serverHold", "deleteCandidate"),
    }.get(entry.phase, ("ok (paid and in zone)",))
    statuses = "".join(f"status:     {word}\n" for word in words)
    servers = "".join(f"nserver:   {host}\n" for host in entry.nameservers)
    pattern = "%Y-%m-%d %H:%M:%S +00:00"
    return (
        f"{_EIS}\nDomain:\nname:       {entry.name}\n{statuses}registered: {day(entry.created, pattern)}\n"
        f"changed:    {day(entry.updated, pattern)}\nexpire:     {day(entry.expires)}\n\n"
        f"Registrar:\nname:       {entry.registrar}\n\nName servers:\n{servers}\n{_EIS}"
    )


def _eis_free(name: str, truth: Truth, _now: float) -> str:
    if truth is Truth.DROPZONE:
        return f"{_EIS}\nDomain:\nname:                  {name}\nstatus:                AtAuction\n\n\n{_EIS}"
    return f"\nDomain not found\n\n{_EIS}"


DIALECTS: dict[str, tuple[Callable[[Registration, float], str], Callable[[str, Truth, float], str]]] = {
    "afnic": (_afnic, _afnic_free),
    "eurid": (_eurid, _eurid_free),
    "nicit": (_nicit, _nicit_free),
    "fred": (_fred, _fred_free),
    "cira": (_cira, _cira_free),
    "registrobr": (_registrobr, _registrobr_free),
    "eis": (_eis, _eis_free),
}
#: Two of them end with the very line that a free name gets.
THROTTLED = {
    "afnic": "%%\n%% Too many requests...\n%%\n\n%% No entries found in the AFNIC Database.\n",
    "eurid": "-1: Still in grace period, wait 2 seconds\n",
    "nicit": "Your IP address has been blacklisted for too many queries.\n",
    "fred": "% Your connection limit exceeded. Please slow down and try again later.\n",
    "cira": "Query rate limit exceeded. Please try again later.\n",
    "registrobr": "% Query rate limit exceeded. Reduced information.\n\n% No match for domain.\n",
    "eis": "Too many requests, please try again later.\n",
}
