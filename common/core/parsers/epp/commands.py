"""The EPP commands of a client that only checks names: hello, login, check with the price of a creation, logout."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from common.core.parsers.epp.frames import MOST_NAMES
from common.core.parsers.epp.namespaces import DOMAIN, EPP, FEE, LOGIN_SECURITY
from common.core.parsers.epp.responses import Greeting

#: Most characters of a password in a login itself (RFC 5730 section 4).
LONGEST_PASSWORD = 16


def make_hello() -> bytes:
    """The question for a greeting, which also keeps a session open (RFC 5730 section 2.3)."""
    return _wrap("<hello/>")


def make_login(user: str, password: str, greeting: Greeting, transaction: str) -> bytes:
    """A login that takes the language, the objects and the extensions that the greeting offers (RFC 5730 section 2.9.1.1).

    A password that is too long for it goes into the extension for that, where the server knows it (RFC 8807).
    """
    objects = "".join(f"<objURI>{escape(uri)}</objURI>" for uri in greeting.objects)
    extensions = "".join(f"<extURI>{escape(uri)}</extURI>" for uri in greeting.extensions)
    shown, security = escape(password), ""
    if len(password) > LONGEST_PASSWORD and LOGIN_SECURITY in greeting.extensions:
        security = f'<extension><s:loginSec xmlns:s="{LOGIN_SECURITY}"><s:pw>{shown}</s:pw></s:loginSec></extension>'
        shown = "[LOGIN-SECURITY]"
    services = f"{objects}<svcExtension>{extensions}</svcExtension>" if extensions else objects
    return _command(
        f"<login><clID>{escape(user)}</clID><pw>{shown}</pw>"
        f"<options><version>1.0</version><lang>{escape(greeting.language)}</lang></options>"
        f"<svcs>{services}</svcs></login>{security}",
        transaction,
    )


def make_check(names: Sequence[str], transaction: str, *, fee: bool) -> bytes:
    """A check of up to MOST_NAMES names (A-labels); `fee` asks for the price of a creation too. Raises ValueError for more."""
    if not 0 < len(names) <= MOST_NAMES:
        raise ValueError(f"{len(names)} names, at most {MOST_NAMES}")
    asked = "".join(f"<domain:name>{escape(name)}</domain:name>" for name in names)
    price = f'<extension><fee:check xmlns:fee="{FEE}"><fee:command name="create"/></fee:check></extension>' if fee else ""
    return _command(f'<check><domain:check xmlns:domain="{DOMAIN}">{asked}</domain:check></check>{price}', transaction)


def make_logout(transaction: str) -> bytes:
    """The end of a session (RFC 5730 section 2.9.1.2)."""
    return _command("<logout/>", transaction)


def _command(content: str, transaction: str) -> bytes:
    return _wrap(f"<command>{content}<clTRID>{escape(transaction)}</clTRID></command>")


def _wrap(content: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<epp xmlns="{EPP}">{content}</epp>'.encode()
