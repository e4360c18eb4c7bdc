"""Parse user input into a registrable domain name, or into the reason why it cannot be watched.

The name is mapped by UTS 46 (non-transitional, STD3 rules) and encoded by IDNA2008 (RFC 5891); labels are LDH (RFC 1123), at
most 63 octets, the name at most 253 (RFC 1035 section 2.3.4). A-labels that IDNA2008 forbids but registries have sold (emoji)
are accepted unchanged. Only names that pass here may be sent to any server: WHOIS and URLs have no quoting.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import idna

from common.core.builtin.suffix_rules import rules_for
from common.errors import NameProblem

#: Longest input parsed, in bytes of UTF-8.
MAX_INPUT = 1024
MAX_NAME = 253
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_is_name = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}", re.ASCII).fullmatch
_is_label = re.compile(_LABEL, re.ASCII).fullmatch
_is_host_like = re.compile(r"[a-z0-9._-]+", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class DomainName:
    """A registrable name: `alabel` for queries, `ulabel` for display, `label` the part before `suffix` (both A-labels)."""

    alabel: str
    ulabel: str
    suffix: str
    label: str


def parse_domain_name(text: str, suffix_of: Callable[[str], str | None]) -> DomainName:
    """Parse a registrable name. `suffix_of` gives the public suffix of an A-label name (`common.suffixes.load_suffixes`).

    Raises NameProblem with one of these codes: empty, too_long, bad_character, bad_label, not_idna, ip_address, unknown_suffix,
    public_suffix, subdomain, restricted, idn_not_allowed, ascii_not_allowed, label_too_short.
    """
    alabel, suffix = parse_registrable(text, suffix_of)
    return DomainName(alabel, to_unicode(alabel), suffix, alabel[: -len(suffix) - 1])


def parse_registrable(text: str, suffix_of: Callable[[str], str | None]) -> tuple[str, str]:
    """Parse a registrable name into (name, suffix), both A-labels: cheaper than `parse_domain_name`. Raises NameProblem."""
    alabel = to_ascii(text)
    suffix = suffix_of(alabel)
    if suffix is None:
        raise NameProblem("unknown_suffix", f'"{_last_label(alabel)}" is not a top-level domain')
    if suffix == alabel:
        raise NameProblem("public_suffix", f"{alabel} is a suffix under which names are registered, not a name")
    label = alabel[: -len(suffix) - 1]
    if "." in label:
        registrable = f"{_last_label(label)}.{suffix}"
        raise NameProblem("subdomain", f"{alabel} lies below the registrable name: watch {registrable} instead")
    _check_rules(label, suffix)
    return alabel, suffix


def to_ascii(text: str) -> str:
    """Convert `text` to a name in A-labels: lower case, LDH, no trailing dot. Raises NameProblem; suffixes are not checked."""
    if len(text) > MAX_INPUT:
        raise NameProblem("too_long", f"longer than {MAX_INPUT} bytes")
    name = text.strip().removesuffix(".").lower() if text.isascii() else _map_to_ascii(text)
    if not name:
        raise NameProblem("empty", "empty")
    if len(name) > MAX_NAME:
        raise NameProblem("too_long", f"a name has at most {MAX_NAME} characters in its ASCII form, this one {len(name)}")
    if _is_name(name) is None or "--" in name:
        name = _check_name(name)
    if _last_label(name).isdigit():
        raise _not_a_top_level(name)
    return name


def is_wire_name(name: str) -> bool:
    """Whether `name` may be sent unchanged: LDH labels in lower case, at least two, "--" in places 3 and 4 only for xn--."""
    if len(name) > MAX_NAME or _is_name(name) is None:
        return False
    return "--" not in name or all(part[2:4] != "--" or part.startswith("xn--") for part in name.split("."))


def to_unicode(alabel: str) -> str:
    """The name in U-labels, for display; labels that are not valid under IDNA2008 stay A-labels."""
    if "xn--" not in alabel:
        return alabel
    return ".".join(_decode_label(part) for part in alabel.split("."))


def _map_to_ascii(text: str) -> str:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise NameProblem("bad_character", "contains a lone surrogate, which is no character") from error
    if size > MAX_INPUT:
        raise NameProblem("too_long", f"longer than {MAX_INPUT} bytes")
    cleaned = unicodedata.normalize("NFC", text).strip()
    _refuse_urls_and_patterns(cleaned)
    try:
        mapped = idna.uts46_remap(cleaned, std3_rules=True, transitional=False)
    except (idna.IDNAError, UnicodeError) as error:
        raise NameProblem("bad_character", f"not allowed in a domain name: {_make_printable(str(error))}") from error
    return ".".join(part if part.isascii() else _encode_label(part) for part in mapped.removesuffix(".").split("."))


def _encode_label(label: str) -> str:
    try:
        return idna.alabel(label).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        hint = "; a name that exists nevertheless can be watched by its xn-- form"
        raise NameProblem("not_idna", f'"{_make_printable(label)}" is not valid under IDNA2008{hint}') from error


def _decode_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return label


def _check_name(name: str) -> str:
    """The name, if its labels are valid after all. Raises the NameProblem that says what is wrong with it."""
    _refuse_urls_and_patterns(name)
    if _is_host_like(name) is None:
        odd = next(char for char in name if _is_host_like(char) is None)
        raise NameProblem("bad_character", f"{odd!r} cannot be part of a domain name")
    for label in name.split("."):
        _check_label(label)
    return name  # fine: an xn-- label, or a bare one, about which the suffix check has more to say


def _refuse_urls_and_patterns(text: str) -> None:
    """Raise NameProblem for what is often pasted instead of a name: URLs, e-mail addresses, patterns, ports, addresses."""
    reason = None
    if "://" in text:
        reason = "a URL: write only the name in it, such as example.com"
    elif "@" in text:
        reason = "an e-mail address: write only the part behind the @"
    elif "*" in text:
        reason = "a pattern: each name has to be listed by itself"
    elif "_" in text:
        reason = 'host names with "_" exist below a registered name, but cannot be registered'
    elif "/" in text:
        reason = "contains a path: write only the name in front of the slash"
    if reason:
        raise NameProblem("bad_character", reason)
    if ":" in text or text.startswith("["):
        _refuse_address_or_port(text)
    if any(char.isspace() for char in text):
        raise NameProblem("bad_character", "contains white space")


def _refuse_address_or_port(text: str) -> None:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        raise NameProblem("bad_character", "contains a colon: write the name without a port") from None
    raise NameProblem("ip_address", "an IP address, not a name")


def _not_a_top_level(name: str) -> NameProblem:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return NameProblem("unknown_suffix", f'"{_last_label(name)}" is not a top-level domain')
    return NameProblem("ip_address", "an IP address, not a name")


def _check_label(label: str) -> None:
    if not label:
        raise NameProblem("bad_label", "two dots in a row or a dot in front: a label is empty")
    if len(label) > 63:
        raise NameProblem("bad_label", f"a label has at most 63 characters, this one {len(label)}")
    if label.startswith("xn--"):
        _check_alabel(label)
    elif label[2:4] == "--":
        raise NameProblem(
            "bad_label", f'"{label}" has "--" in third and fourth place, which is kept for encoded names (RFC 5891)'
        )
    if _is_label(label) is None:
        raise NameProblem("bad_label", f'"{label}" begins or ends with a hyphen')


def _check_alabel(label: str) -> None:
    """Raise NameProblem unless an xn-- label is the Punycode of a text in NFC and lower case; IDNA2008 is not checked."""
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
        again = decoded.encode("punycode").decode("ascii")
    except (UnicodeError, ValueError, OverflowError) as error:
        raise NameProblem("not_idna", f'"{label}" is not a valid encoding of any text') from error
    normal = unicodedata.normalize("NFC", decoded).lower()
    if again != label[4:] or decoded.isascii() or normal != decoded or not decoded.isprintable():
        raise NameProblem("not_idna", f'"{label}" is not the normal form of any name')


def _check_rules(label: str, suffix: str) -> None:
    rules = rules_for(suffix)
    if rules.restricted:
        raise NameProblem("restricted", f"names under {suffix} are not open to the public")
    encoded = label.startswith("xn--")
    if encoded and not rules.idn_allowed:
        raise NameProblem("idn_not_allowed", f"the registry of {suffix} takes no internationalised names")
    if not encoded and not rules.ascii_allowed:
        raise NameProblem("ascii_not_allowed", f"the registry of {to_unicode(suffix)} takes names in its own script only")
    if len(label) < rules.min_label:
        raise NameProblem("label_too_short", f"names under {suffix} have at least {rules.min_label} characters")


def _last_label(name: str) -> str:
    return name.rpartition(".")[2]


def _make_printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:100])
