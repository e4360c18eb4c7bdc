"""What every EPP server says before and around its answers: greetings and result codes (RFC 5730 sections 2.4, 2.6 and 3)."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from common.core.model.evidence import Outcome, Reading, unknown_reading
from common.core.parsers.bounded_xml import (
    find_child,
    find_children,
    local_name,
    namespace_of,
    parse_bounded_xml,
    read_text,
)
from common.core.parsers.epp.frames import FRAME_LIMIT
from common.core.parsers.epp.namespaces import DOMAIN, EPP
from common.core.parsers.limiting import LONGEST, asks_to_retry_later, reports_rate_limit

#: Most services, extensions, versions or languages of a greeting that are looked at.
MOST_SERVICES = 64
SUCCESS = 1000
#: Codes with which a server refuses the account: wrong password, not authorised, closing after failed logins.
REFUSALS = frozenset({2200, 2201, 2202, 2501})
#: No further session is let in: too many at once, or too fast.
SESSION_LIMIT = 2502
#: The first of the codes that report a failure, and the first of those after which the server closes the connection.
FIRST_FAILURE, FIRST_CLOSING = 2000, 2500


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a server offers: the URIs of its object mappings and of its extensions, and the language to take."""

    server: str
    language: str
    objects: tuple[str, ...]
    extensions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: `code` and `message` of its result, `transaction` as the client had named the command, `root` its tree."""

    code: int
    message: str
    transaction: str
    root: Element


def parse_greeting(data: bytes) -> Greeting:
    """What a greeting offers. Raises ValueError where it is none, or where the server does not know domains or EPP 1.0."""
    greeting = _parse_message(data, "greeting")
    menu = find_child(greeting, "svcMenu")
    objects = _list_texts(menu, "objURI")
    if "1.0" not in _list_texts(menu, "version") or DOMAIN not in objects:
        raise ValueError("the server offers no EPP 1.0, or no domains")
    languages = _list_texts(menu, "lang")
    return Greeting(
        server=read_text(find_child(greeting, "svID")),
        language="en" if "en" in languages or not languages else languages[0],
        objects=objects,
        extensions=_list_texts(find_child(menu, "svcExtension"), "extURI"),
    )


def parse_response(data: bytes) -> Response:
    """The result of an answer. Raises ValueError where it is none.

    Of several results the first failure counts. The message contains the texts that say more about it.
    """
    response = _parse_message(data, "response")
    results = [(_read_code(result), result) for result in find_children(response, "result")]
    if not results:
        raise ValueError("an answer without a result")
    code, result = next((each for each in results if each[0] >= FIRST_FAILURE), results[0])
    reasons = [find_child(extra, "reason") for extra in find_children(result, "extValue")]
    texts = [read_text(element) for element in (find_child(result, "msg"), *reasons[:4])]
    return Response(
        code=code,
        message="; ".join(text for text in texts if text)[:300],
        transaction=read_text(find_child(response, "trID", "clTRID")),
        root=response,
    )


def read_failure(code: int, message: str) -> Reading:
    """What an answer that reports no success says about the names that were asked for: nothing, or that we ask too much."""
    reason = f"the server answers {code}: {message}"
    if code in REFUSALS:
        return unknown_reading("epp_refused", reason)
    if code == SESSION_LIMIT or complains(message):
        return Reading(Outcome.THROTTLED, "epp_throttled", reason[:300])
    return unknown_reading("epp_error", reason)


def complains(text: str) -> bool:
    """Whether a text of a server says that this client asks too much."""
    statement = text.lower()[:LONGEST]
    return reports_rate_limit(statement) or asks_to_retry_later(statement)


def _parse_message(data: bytes, kind: str) -> Element:
    """The content of `<epp>`. Raises ValueError where it is of another kind."""
    root = parse_bounded_xml(data, FRAME_LIMIT)
    content = find_child(root, kind)
    if local_name(root) != "epp" or namespace_of(root) != EPP or content is None:
        raise ValueError(f"no EPP {kind}")
    return content


def _read_code(result: Element) -> int:
    code = result.get("code", "")
    if len(code) != 4 or not code.isascii() or not code.isdigit():
        raise ValueError("a result without a code of four digits")
    return int(code)


def _list_texts(element: Element | None, name: str) -> tuple[str, ...]:
    texts = (read_text(child) for child in find_children(element, name)[:MOST_SERVICES])
    return tuple(dict.fromkeys(text for text in texts if text))
