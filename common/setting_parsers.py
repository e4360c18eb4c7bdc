"""From the text of one setting to its value. Every parser raises ValueError with "must be ..." and never repeats the text."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from common.http_authority import host_of

T = TypeVar("T")
Network = IPv4Network | IPv6Network

#: Longest interval accepted, in seconds: a year.
LONGEST = 366 * 86_400.0
#: Most processes of one kind that one supervisor starts.
MOST_PROCESSES = 64

#: What a server listens on where it listens on every address.
ANYWHERE = ("*", "0.0.0.0", "[::]")  # noqa: S104  # compared with, never bound

_YES, _NO = frozenset({"yes", "true", "on", "1"}), frozenset({"no", "false", "off", "0"})
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUFFIX = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,4}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})")
# Host and port may be left out, or be several; what is not encoded cannot be taken for another part of the URL.
_POSTGRES = re.compile(
    r"postgres(?:ql)?://(?:(?:{c})*(?::(?:{c})*)?@)?(?:{h}(?:,{h})*)?/(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{{2}})+"
    r"(?:\?(?:[A-Za-z0-9_]+=(?:{c}|[:@/])*(?:&(?!$)|$))*)?".format(
        c=r"[A-Za-z0-9._~!$'()*+,;=-]|%[0-9A-Fa-f]{2}",
        h=r"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})*)(?::[0-9]{1,5})?",
    )
)
_Z85 = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")


def items(text: str) -> tuple[str, ...]:
    """The parts of a comma separated list, without blanks and empty parts."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def many(parse: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """A parser of a comma separated list from the parser of one part."""
    return lambda text: tuple(parse(part) for part in items(text))


def optional(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """A parser for which the empty text means "not set"."""
    return lambda text: parse(text) if text else None


def choice(*words: str) -> Callable[[str], str]:
    """One of `words`, in any case; answered as it is written there."""
    known = {word.casefold(): word for word in words}
    shown = ", ".join(word for word in words if word)

    def parse(text: str) -> str:
        try:
            return known[text.casefold()]
        except KeyError:
            raise ValueError(f"must be one of {shown}") from None

    return parse


def yes_or_no(text: str) -> bool:
    """Yes or no, also written true, on, 1 or false, off, 0."""
    if text.casefold() not in _YES | _NO:
        raise ValueError("must be yes or no")
    return text.casefold() in _YES


def http_host(text: str) -> str:
    """A host as a Host header names it, without port, in one spelling; an IPv6 address with or without brackets."""
    found = host_of(f"[{text}]" if ":" in text and not text.startswith("[") else text)
    if found is None or (text.startswith("[") and not text.endswith("]")):
        raise ValueError("must be host names or addresses without ports")
    return found


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


port = whole(1, 65_535)
count = whole(1, MOST_PROCESSES)


def seconds(text: str) -> float:
    """A number of seconds above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= LONGEST:
        raise ValueError(f"must be a number of seconds above 0 and at most {LONGEST:.0f}")
    return value


def word(text: str) -> str:
    """A name that fits into topics and file names."""
    if not _WORD.fullmatch(text):
        raise ValueError("must be 1 to 64 letters, digits, dots, hyphens or underscores, starting with a letter or a digit")
    return text


def token(text: str) -> str:
    """Text for an HTTP header: printable ASCII without blanks at the ends (RFC 9110 section 5.5)."""
    if len(text) > 4096 or not text.isascii() or not text.isprintable():
        raise ValueError("must be printable ASCII, at most 4096 characters")
    return text


def contact(text: str) -> str:
    """An address or a URL for the comment of a User-Agent, which brackets would end (RFC 9110 section 5.6.5)."""
    if len(text) > 200 or any(mark in text for mark in "()\\"):
        raise ValueError("must be a mail address or a URL, at most 200 characters, without brackets and backslashes")
    return token(text)


def url(text: str) -> str:
    """An absolute http or https URL."""
    problem = "must be an absolute http:// or https:// URL without blanks"
    try:
        parts = urlsplit(text)
        hostname, number = parts.hostname, parts.port
    except ValueError:
        raise ValueError(problem) from None
    blank = any(mark.isspace() or not mark.isprintable() for mark in text)
    if parts.scheme not in {"http", "https"} or not hostname or number == 0 or blank or len(text) > 2000:
        raise ValueError(problem)
    return text


def store(text: str) -> str:
    """A store URL: of an SQLite file, or of a PostgreSQL database in the form of libpq (its manual, section 34.1.1.2)."""
    if text.startswith(("postgresql://", "postgres://")):
        if len(text) > 2000 or not _POSTGRES.fullmatch(text) or "%00" in text:
            raise ValueError(
                "must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE, other marks in USER and PASSWORD than letters, digits "
                "and -._~!$'()*+,;= percent-encoded"
            )
        return text
    if not text.startswith("sqlite:///") or len(text) <= len("sqlite:///") or "\0" in text:
        raise ValueError("must be sqlite:///PATH (three slashes and a relative path, four and an absolute one)")
    return text


def split_host(text: str, default_port: int) -> tuple[str, int]:
    """Host and port of "host", "host:port", "[::1]:port" or "::1". Raises ValueError."""
    problem = "must be host or host:port, an IPv6 address with a port in square brackets"
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise ValueError(problem)
        number = rest[1:] if rest else str(default_port)
    elif text.count(":") == 1:
        host, _, number = text.partition(":")
    else:
        host, number = text, str(default_port)
    if not _HOST.fullmatch(host) and not _is_address(host):
        raise ValueError(problem)
    return host, port(number)


def host_port(text: str) -> str:
    """A host name or address with an optional port, as it was written."""
    split_host(text, 1)
    return text


def address_port(text: str) -> str:
    """An IP address with an optional port, as it was written."""
    try:
        valid = _is_address(split_host(text, 1)[0])
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("must be address or address:port, an IPv6 address with a port in square brackets")
    return text


def ipv4_address(text: str) -> str:
    """An IPv4 address, without a port."""
    try:
        return str(IPv4Address(text))
    except ValueError:
        raise ValueError("must be an IPv4 address such as 192.0.2.1") from None


def host(text: str) -> str:
    """A host name or an IP address, without a port."""
    if not _HOST.fullmatch(text) and not _is_address(text):
        raise ValueError("must be a host name or an IP address")
    return text


def endpoint(text: str) -> str:
    """A ZeroMQ endpoint: ipc://PATH or tcp://HOST:PORT; to bind, "*" is every address as HOST and any free port as PORT."""
    problem = "must be ipc://PATH (at most 107 bytes) or tcp://HOST:PORT"
    scheme, _, rest = text.partition("://")
    if scheme == "ipc" and 0 < len(rest.encode()) <= 107:
        return text
    if scheme != "tcp":
        raise ValueError(problem)
    host_text, _, number = rest.rpartition(":")
    try:
        if number != "*":
            port(number)
        if host_text != "*":
            split_host(host_text, 1)
    except ValueError:
        raise ValueError(problem) from None
    return text


def coordinator(text: str) -> str:
    """Where the work sockets of a coordinator are, to connect to: they use the two ports after the one named, too."""
    scheme, _, rest = text.partition("://")
    host_text, _, number = rest.rpartition(":")
    try:
        usable = scheme == "tcp" and port(number) <= 65_533 and bool(split_host(host_text, 1)) and host_text not in ANYWHERE
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("must be tcp://HOST:PORT, with a port of at most 65533")
    return text


def listening_bus(text: str) -> str:
    """Where connections to the work sockets are taken: they use the two ports after the one named, too."""
    scheme, _, rest = text.partition("://")
    _, _, number = rest.rpartition(":")
    if scheme != "tcp" or endpoint(text) != text or not number.isdecimal() or int(number) > 65_533:
        raise ValueError("must be tcp://HOST:PORT, with a port of at most 65533")
    return text


def network(text: str) -> Network:
    """A network in CIDR form."""
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError("must be networks in CIDR form such as 10.0.0.0/8, without host bits") from None


def suffix(text: str) -> str:
    """A suffix such as co.uk in A-labels, or another word of letters, digits and hyphens; in lower case."""
    low = text.lower().strip(".")
    if not _SUFFIX.fullmatch(low):
        raise ValueError("must be suffixes such as co.uk, separated by commas, others than ASCII in A-labels (xn--...)")
    return low


def existing_file(text: str) -> Path:
    """The path of a file that can be read now."""
    path = Path(text)
    try:
        with path.open("rb"):
            return path
    except (OSError, ValueError):
        raise ValueError("must be a file that can be read") from None


def directory(text: str) -> Path:
    """A directory, made absolute; it need not exist yet."""
    try:
        path = Path(text).expanduser().absolute()
    except RuntimeError:
        raise ValueError("must be a path; nobody of that name has a home directory here") from None
    if "\0" in text:
        raise ValueError("must be a path")
    return path


def webhook_secret(text: str) -> str:
    """A Standard Webhooks secret: "whsec_" and the base64 of 24 to 64 bytes."""
    problem = "must be whsec_ followed by the base64 of 24 to 64 random bytes; several are separated by commas"
    if not text.startswith("whsec_"):
        raise ValueError(problem)
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError(problem) from None
    if not 24 <= len(key) <= 64:
        raise ValueError(problem)
    return text


def curve_key(text: str) -> str:
    """A CURVE key in Z85 (ZeroMQ RFC 32): 40 characters. A comma never occurs in one."""
    if not _Z85.fullmatch(text):
        raise ValueError("must be a CURVE key of 40 characters in Z85")
    return text


def base32_key(text: str) -> str:
    """A shared secret of one-time passwords: the base32 of 10 to 128 bytes; answered in capitals, without blanks."""
    packed = "".join(text.split()).upper().rstrip("=")
    try:
        key = base64.b32decode(packed + "=" * (-len(packed) % 8))
    except ValueError:
        key = b""
    if not 10 <= len(key) <= 128:
        raise ValueError("must be the base32 of 10 to 128 bytes")
    return packed


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
