"""EPP answers as registries send them, in the forms of RFC 5730, 5731 and 8748."""

from __future__ import annotations

from html import escape

EPP = "urn:ietf:params:xml:ns:epp-1.0"
DOMAIN = "urn:ietf:params:xml:ns:domain-1.0"
FEE = "urn:ietf:params:xml:ns:epp:fee-1.0"


def epp(content: str) -> bytes:
    """A whole message."""
    return f'<?xml version="1.0" encoding="UTF-8"?><epp xmlns="{EPP}">{content}</epp>'.encode()


def greeting(*, objects=(DOMAIN,), extensions=(FEE,), languages=("en",), versions=("1.0",)) -> bytes:
    """What a server says first."""
    menu = "".join(f"<version>{each}</version>" for each in versions)
    menu += "".join(f"<lang>{each}</lang>" for each in languages)
    menu += "".join(f"<objURI>{each}</objURI>" for each in objects)
    if extensions:
        menu += f"<svcExtension>{''.join(f'<extURI>{each}</extURI>' for each in extensions)}</svcExtension>"
    return epp(
        f"<greeting><svID>Test Registry</svID><svDate>2026-11-30T09:00:00Z</svDate><svcMenu>{menu}</svcMenu>"
        "<dcp><access><all/></access></dcp></greeting>"
    )


def response(code=1000, message="Command completed successfully", *, inside="", transaction="dm-1", data="", fees="") -> bytes:
    """An answer; `inside` stands in its result."""
    body = f'<result code="{code}"><msg>{escape(message)}</msg>{inside}</result>'
    body += f"<resData>{data}</resData>" if data else ""
    body += f"<extension>{fees}</extension>" if fees else ""
    return epp(f"<response>{body}<trID><clTRID>{transaction}</clTRID><svTRID>S-1</svTRID></trID></response>")


def names(*entries: tuple[str, str, str]) -> str:
    """The results of a check: (name, avail, reason)."""
    inner = "".join(
        f'<d:cd><d:name avail="{avail}">{name}</d:name>{f"<d:reason>{escape(reason)}</d:reason>" if reason else ""}</d:cd>'
        for name, avail, reason in entries
    )
    return f'<d:chkData xmlns:d="{DOMAIN}">{inner}</d:chkData>'


def fee(name: str, *, kind="standard", avail="1", price="8.50", command="create", more="", attributes="") -> str:
    """The price of one name; no amount where `price` is ""."""
    amount = f"<f:fee>{price}</f:fee>" if price else ""
    group = f"<f:class>{kind}</f:class>" if kind else ""
    return (
        f'<f:cd avail="{avail}"><f:objID>{name}</f:objID>{group}'
        f'<f:command name="{command}" {attributes}>{more}{amount}</f:command></f:cd>'
    )


def fees(*entries: str, currency="USD") -> str:
    """The prices of a check."""
    return f'<f:chkData xmlns:f="{FEE}"><f:currency>{currency}</f:currency>{"".join(entries)}</f:chkData>'


def check(*entries: tuple[str, str, str], prices: str = "") -> bytes:
    """A whole answer to a check."""
    return response(data=names(*entries), fees=prices)
