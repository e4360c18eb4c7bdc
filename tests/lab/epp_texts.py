"""What the lab's EPP servers say: pure, model in, XML out. Reasons and prices as the registries give them."""

from __future__ import annotations

from html import escape

from tests.lab.model import Phase, Registration
from tests.lab.rdap_objects import stamp
from tests.lab.suffixes import Suffix
from tests.lab.truth import Truth

EPP = "urn:ietf:params:xml:ns:epp-1.0"
DOMAIN = "urn:ietf:params:xml:ns:domain-1.0"
FEE = "urn:ietf:params:xml:ns:epp:fee-1.0"
PRICE, PREMIUM_PRICE = "8.50", "2500.00"
_DAY = 86_400
_WITHHELD = {
    Truth.RESERVED: "Reserved domain name",
    Truth.BLOCKED: "Blocked by GlobalBlock",
    Truth.DROPZONE: "Not available",
}
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE epp [<!ENTITY a "hahahahaha">'
    + "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    + f']><epp xmlns="{EPP}"><response><result code="1000"><msg>&i;</msg></result></response></epp>'
).encode()


def greeting() -> bytes:
    """What a server says first: EPP 1.0 in English, domains, prices."""
    return _epp(
        "<greeting><svID>Lab EPP</svID><svDate>2026-11-30T00:00:00Z</svDate>"
        f"<svcMenu><version>1.0</version><lang>en</lang><objURI>{DOMAIN}</objURI>"
        f"<svcExtension><extURI>{FEE}</extURI></svcExtension></svcMenu>"
        "<dcp><access><all/></access><statement><purpose><prov/></purpose><recipient><public/></recipient>"
        "<retention><stated/></retention></statement></dcp></greeting>"
    )


def response(code: int, message: str, transaction: str, data: str = "", prices: str = "") -> bytes:
    """An answer to one command."""
    results = f"<resData>{data}</resData>" if data else ""
    extension = f"<extension>{prices}</extension>" if prices else ""
    names = f"<trID><clTRID>{escape(transaction)}</clTRID><svTRID>lab-1</svTRID></trID>"
    return _epp(f'<response><result code="{code}"><msg>{escape(message)}</msg></result>{results}{extension}{names}</response>')


def check_data(entries: list[tuple[str, str | None]]) -> str:
    """The results of a check: (name, why it cannot be created, None where it can)."""
    lines = "".join(
        f'<domain:cd><domain:name avail="{int(reason is None)}">{escape(name)}</domain:name>'
        + (f"<domain:reason>{escape(reason)}</domain:reason>" if reason else "")
        + "</domain:cd>"
        for name, reason in entries
    )
    return f'<domain:chkData xmlns:domain="{DOMAIN}">{lines}</domain:chkData>'


def fee_data(entries: list[tuple[str, bool]]) -> str:
    """The prices of creations (RFC 8748): (name, whether it is premium)."""
    lines = "".join(
        f'<fee:cd avail="1"><fee:objID>{escape(name)}</fee:objID><fee:class>{"premium" if premium else "standard"}</fee:class>'
        f'<fee:command name="create"><fee:period unit="y">1</fee:period>'
        f"<fee:fee>{PREMIUM_PRICE if premium else PRICE}</fee:fee></fee:command></fee:cd>"
        for name, premium in entries
    )
    return f'<fee:chkData xmlns:fee="{FEE}"><fee:currency>EUR</fee:currency>{lines}</fee:chkData>' if entries else ""


def reason_of(entry: Registration | None, suffix: Suffix, truth: Truth) -> str | None:
    """Why a name cannot be created; None where it can. Nominet tells when a name in its last phases is deleted."""
    if entry is None:
        return _WITHHELD.get(truth)
    if suffix.dialect != "nominet":
        return "In use"
    if entry.phase is Phase.REDEMPTION and entry.ends is not None:
        return f"May Drop {stamp(entry.ends + suffix.pending_days * _DAY)}"
    if entry.phase is Phase.PENDING_DELETE and entry.ends is not None:
        return f"Drop {stamp(entry.ends)}"
    return "Registered"


def _epp(content: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8" standalone="no"?><epp xmlns="{EPP}">{content}</epp>'.encode()
