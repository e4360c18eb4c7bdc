"""Every test starts from the same place: no setting in the environment, no log of another test, no network but loopback."""

from __future__ import annotations

import dataclasses
import errno
import ipaddress
import logging
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from common import config, log

#: Connecting a datagram socket sends nothing; asked with this port it only tells which of our addresses would be used.
DISCARD = 9
#: This machine.
HERE = ("127.0.0.0/8", "0.0.0.0/32", "::1/128", "::/128")
#: Unassigned addresses (RFC 5737, RFC 3849, RFC 6666): connecting to one is refused like the others, but no offence.
NOWHERE = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "100::/64")
#: What code under test tried to reach outside of this machine.
_escapes: list[str] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse, from inside the interpreter, to resolve a name or to send anything off this machine."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in {"socket.connect", "socket.sendto", "socket.sendmsg"} and isinstance(arguments[1], tuple):
        host, port = arguments[1][:2]
        if event == "socket.connect" and arguments[0].type == socket.SOCK_DGRAM and port == DISCARD:
            return
    else:
        return
    if not _is_in(host, HERE):
        if not _is_in(host, NOWHERE):
            _escapes.append(f"{event} {host!r}")
        raise OSError(errno.ENETUNREACH, f"a test may not reach {host!r}")


def _is_in(host: Any, networks: tuple[str, ...]) -> bool:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if text in {None, "", "localhost"}:
        return networks is HERE
    try:
        address = ipaddress.ip_address(str(text).partition("%")[0])
    except ValueError:
        try:
            address = ipaddress.IPv4Address(socket.inet_aton(str(text)))  # short and octal forms need no name server either
        except (OSError, ValueError):
            return False
    return any(address in ipaddress.ip_network(network) for network in networks)


sys.addaudithook(_audit)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches a test."""
    for name in config.KNOWN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(config.ENV_FILE, "")  # nor does a `.env` in the folder where the tests are run


@pytest.fixture(autouse=True)
def clean_log() -> Iterator[None]:
    """What a test sets up for logging ends with it."""
    before = dataclasses.replace(log._sink)
    yield
    for item in dataclasses.fields(before):
        setattr(log._sink, item.name, getattr(before, item.name))
    logging.captureWarnings(capture=False)
    root = logging.getLogger()
    for handler in [known for known in root.handlers if isinstance(known, log._LibraryHandler)]:
        root.removeHandler(handler)


@pytest.fixture(autouse=True)
def no_escape() -> Iterator[None]:
    """A test fails when the code under test tries to leave this machine, even if that code hides the refusal."""
    _escapes.clear()
    yield
    assert not _escapes
