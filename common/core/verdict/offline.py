"""Parses recorded answers without any network: from one line of `domain-monitor judge` to a Reading.

The parsers are the ones that the checkers use, so what is measured on a corpus is what runs.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from functools import cache

from common.core.builtin.das_servers import BY_HOST, BY_SUFFIX, PLAIN
from common.core.builtin.tlds import IDN_COUNTRY_TLDS
from common.core.model.evidence import Outcome, Reading, unknown_reading
from common.core.parsers import das, das_web, dns, http, rdap, registrar, whois
from common.core.registries.directory import Directory, bare_host, host_of
from common.core.registries.registrable_names import is_wire_name

#: Findings of a channel that knows the registry database: only with one of them is a name called available.
PROOFS = frozenset(
    {"rdap_404_json", "rdap_404_empty", "whois_free", "whois_free_generic", "das_available", "registrar_available_live"}
)
_METHODS = ("whois", "rdap", "dns", "http", "das", "registrar:<name>")
_MOST_HEADERS = 200


def read_answer(method: str, server: str, domain: str, suffix: str, answer: Mapping[str, object]) -> Reading:
    """Parse one recorded answer. Total: what cannot be read is `unknown`, with the problem as its reason.

    `domain` and `suffix` are A-labels ("" where not known), `answer` is {"text"} for whois, {"status", "headers", "body"}
    for rdap and registrars, {"status", "headers"} for http, {"wire_b64"} or {"outcome"} for dns, {"text"} or {"body"} for das,
    with a "status" where it was asked over HTTP.
    """
    name = method.partition(":")[0]
    if name == "whois":
        return _of_registry(
            _with_text(answer, lambda text: whois.parse_whois_answer(text, domain, server)), server, domain, suffix
        )
    if name == "das":
        return _parse_das(server, domain, suffix, answer)
    if name == "dns":
        return _parse_dns(answer, domain, suffix)
    if name in {"rdap", "http", "registrar"}:
        return _parse_http(method, server, domain, suffix, answer)
    return unknown_reading("input_bad", f"method {method[:40]!r} is none of {', '.join(_METHODS)}")


def is_available(reading: Reading) -> bool | None:
    """Whether the name can be registered at list price, as far as this one answer proves it; None where it proves neither."""
    if reading.outcome is Outcome.UNREGISTERED:
        return True if reading.finding in PROOFS else None
    taken = {Outcome.REGISTERED, Outcome.RESERVED, Outcome.DROPPING, Outcome.PREMIUM}
    return False if reading.outcome in taken or reading.finding == "registrar_unavailable" else None


def _parse_http(method: str, server: str, domain: str, suffix: str, answer: Mapping[str, object]) -> Reading:
    found = _web_answer(answer, answer.get("status"))
    if isinstance(found, Reading):
        return found
    status, headers, body = found
    if method == "http":
        return http.parse_web_answer(status, headers, domain)
    if method.startswith("registrar"):
        vendor = method.partition(":")[2]
        return registrar.parse_registrar_answer(vendor, status, headers, body.decode("utf-8", "replace"), domain)
    host = host_of(server if "//" in server else f"//{server.strip()}")
    return _is_believed(rdap.parse_rdap_answer(status, headers, body, domain, final_host=host), host, domain, suffix)


def _is_believed(reading: Reading, host: str, domain: str, suffix: str) -> Reading:
    """A "not found" of RDAP counts only from the registry's server, and only about a name that the registry could hold."""
    if reading.outcome is not Outcome.UNREGISTERED:
        return reading
    if not _default_directory().speaks_for(host, suffix):
        return unknown_reading("rdap_other_host", f"{host or 'the server'} is not known to speak for .{suffix or '?'}")
    if not is_wire_name(domain) or domain.count(".") != suffix.count(".") + 1:
        return unknown_reading("rdap_not_registrable", f"not a name that can be registered directly under .{suffix}")
    return reading


def _of_registry(reading: Reading, server: str, domain: str, suffix: str) -> Reading:
    """A WHOIS "not found" counts only from a host of the registry, and only about a name that the registry could hold.

    Under country codes names are registered at depths that the list of public suffixes does not always know; under generic
    suffixes it is complete, but for registries inside of them that the table of WHOIS servers knows.
    """
    if reading.outcome is not Outcome.UNREGISTERED:
        return reading
    host, directory = bare_host(server), _default_directory()
    if not directory.speaks_for_whois(host, domain):
        reason = (
            f"{host or 'the server'} is no host of the registry of .{suffix or '?'}: what it does not know may be registered"
        )
        return unknown_reading("whois_other_host", reason[:300])
    tld, above = domain.rpartition(".")[2], domain.partition(".")[2]
    generic = len(tld) > 2 and tld not in IDN_COUNTRY_TLDS
    deep = above != suffix and generic and directory.whois_server(above) == directory.whois_server(tld)
    if not suffix or deep or not is_wire_name(domain):
        return unknown_reading("whois_not_registrable", f"not a name that can be registered directly under .{suffix or '?'}")
    return reading


@cache
def _default_directory() -> Directory:
    return Directory()


def _web_answer(answer: Mapping[str, object], status: object) -> tuple[int, dict[str, str], bytes] | Reading:
    """Status, headers and body of a recorded HTTP answer, or the reading that says what is wrong with the record."""
    headers, body = _header_map(answer.get("headers")), _body_bytes(answer)
    if not isinstance(status, int) or isinstance(status, bool) or not 0 <= status <= 999:
        return unknown_reading("input_bad", "answer.status is no HTTP status")
    if headers is None or body is None:
        return unknown_reading("input_bad", "answer.headers is no object or answer.body no text")
    return status, headers, body


def _parse_das(server: str, domain: str, suffix: str, answer: Mapping[str, object]) -> Reading:
    """An answer of an availability service, read in the form of its host, else in that of the suffix.

    Over HTTP it has a status; a body alone counts as a 200. A free name counts only from a service that speaks for the zone
    directly above it.
    """
    host = bare_host(server.partition("//")[2].partition("/")[0] if "//" in server else server)
    dialect = BY_HOST.get(host) or BY_SUFFIX.get(suffix, PLAIN)
    if "status" not in answer and not dialect.is_web:
        reading = _with_text(answer, lambda text: das.parse_das_answer(text, domain, dialect.host))
    else:
        found = _web_answer(answer, answer.get("status", 200))
        reading = found if isinstance(found, Reading) else das_web.parse_das_response(*found, domain, dialect.host)
    speaks = host in BY_HOST and domain.partition(".")[2] in dialect.suffixes
    if reading.outcome is Outcome.UNREGISTERED and not (speaks and is_wire_name(domain)):
        reason = f"{host or 'the server'} is no availability service for {domain}"
        return unknown_reading("das_other_host", reason)
    return reading


def _parse_dns(answer: Mapping[str, object], domain: str, suffix: str) -> Reading:
    wire, outcome = answer.get("wire_b64"), answer.get("outcome")
    if isinstance(wire, str):
        try:
            message = base64.b64decode(wire[:200_000], validate=True)
        except (binascii.Error, ValueError):
            return unknown_reading("input_bad", "answer.wire_b64 is no base64")
        return dns.parse_dns_answer(message, domain, suffix, recursive=answer.get("recursive") is True)
    if isinstance(outcome, str):
        return dns.read_outcome(outcome)
    return unknown_reading("input_bad", "answer has neither wire_b64 nor outcome")


def _with_text(answer: Mapping[str, object], read: Callable[[str], Reading]) -> Reading:
    text = answer.get("text", answer.get("body"))
    if not isinstance(text, str):
        return unknown_reading("input_bad", "answer.text is no text")
    return read(text)


def _body_bytes(answer: Mapping[str, object]) -> bytes | None:
    """The body as bytes; a body that was recorded as parsed JSON is written out again."""
    value = answer.get("body", answer.get("text"))
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, (dict, list)):
        try:
            return json.dumps(value).encode()
        except (ValueError, RecursionError):
            return None
    return None


def _header_map(value: object) -> dict[str, str] | None:
    if value is None:
        return {}
    if not isinstance(value, dict):
        return None
    return {str(key)[:100]: text[:4000] for key, text in list(value.items())[:_MOST_HEADERS] if isinstance(text, str)}
