"""The members of an RDAP domain object (RFC 9083 section 5.3) that are kept. Contact data is never read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import idna

from common.core.model.evidence import LIST_LIMIT, Fields
from common.core.parsers.rfc3339 import parse_rfc3339, rfc3339_to_epoch
from common.core.parsers.statuses import normalise_status

#: Most members of one list that are read.
_MOST = 200


def same_name(record: dict[str, Any], domain: str) -> bool:
    """Whether the object is about exactly this name (A-labels, lower case): a variant or a parent is another name."""
    name = record.get("ldhName") or record.get("unicodeName")
    return isinstance(name, str) and normalise_to_alabel(name) == domain


def normalise_to_alabel(name: str) -> str:
    """A name as lower-case A-labels (UTS 46, IDNA2008) without the final dot; unconverted where it has no such form."""
    text = _drop_surrogates(name.strip()[:512]).rstrip(".").lower()
    if text.isascii():
        return text
    try:
        return idna.encode(text, uts46=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return text


def read_statuses(record: dict[str, Any]) -> tuple[str, ...]:
    """The status values as RDAP words, each once, at most LIST_LIMIT."""
    words = record.get("status")
    found = (
        normalise_status(_drop_surrogates(word))
        for word in ([words] if isinstance(words, str) else list_members(words))
        if isinstance(word, str)
    )
    return tuple(dict.fromkeys(word for word in found if word))[:LIST_LIMIT]


def read_fields(record: dict[str, Any]) -> Fields:
    """Dates, registrar, statuses, name servers and handle of the object. What is missing or malformed stays empty."""
    dates = read_events(record)
    return Fields(
        created_at=parse_rfc3339(dates.get("registration") or dates.get("reregistration")),
        expires_at=parse_rfc3339(dates.get("expiration")),
        updated_at=parse_rfc3339(dates.get("last changed") or dates.get("last update")),
        registrar=find_registrar(record),
        statuses=read_statuses(record),
        nameservers=_read_nameservers(record),
        handle=_clip_text(record.get("handle"), 300),
    )


def read_events(record: dict[str, Any]) -> dict[str, str]:
    """Event action in lower case -> date text, of the object itself and not of its entities (RFC 9083 section 4.5).

    The last of two equal actions counts. Dates that cannot be parsed are left out, so that one does not hide a valid one.
    """
    found: dict[str, str] = {}
    for event in _list_objects(record.get("events")):
        action, date = event.get("eventAction"), event.get("eventDate")
        if isinstance(action, str) and isinstance(date, str) and parse_rfc3339(date):
            found[" ".join(action[:100].lower().split())] = date
    return found


def fresh_at(record: dict[str, Any], now: float | None) -> float | None:
    """When the RDAP database was last updated, in epoch seconds; None where it is not given or over a day in the future."""
    stamp = rfc3339_to_epoch(read_events(record).get("last update of rdap database"))
    return None if stamp is None or (now is not None and stamp > now + 86_400) else stamp


def find_registrar(record: dict[str, Any]) -> str | None:
    """Name of the entity with the role registrar: vCard fn or org (RFC 7095), else "IANA <id>"; None where there is none."""
    for entity in _list_objects(record.get("entities")):
        roles = entity.get("roles")
        words = [roles] if isinstance(roles, str) else list_members(roles)
        if not any(isinstance(word, str) and word.lower() == "registrar" for word in words):
            continue
        if name := _find_vcard_value(entity, "fn") or _find_vcard_value(entity, "org") or _find_iana_id(entity):
            return name
    return None


def read_texts(value: Any) -> Iterator[str]:
    """The texts of a member that is a list of texts, or (against RFC 9083) a single text."""
    for item in [value] if isinstance(value, str) else list_members(value):
        if isinstance(item, str):
            yield _drop_surrogates(item[:2000])


def read_notices(record: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Title and descriptions of every notice and remark; each member is a list, or (against RFC 9083) a single object."""
    for key in ("notices", "remarks"):
        value = record.get(key)
        for notice in _list_objects([value] if isinstance(value, dict) else value):
            yield _clip_text(notice.get("title"), 300) or "", list(read_texts(notice.get("description")))


def list_members(value: Any) -> list[Any]:
    """The first `_MOST` members of a list; empty for any other value."""
    return value[:_MOST] if isinstance(value, list) else []


def _list_objects(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in list_members(value) if isinstance(item, dict))


def _clip_text(value: Any, limit: int) -> str | None:
    return (" ".join(_drop_surrogates(value[: 2 * limit]).split())[:limit] or None) if isinstance(value, str) else None


def _drop_surrogates(text: str) -> str:
    """The text without lone surrogates, which JSON can escape but UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _find_vcard_value(entity: dict[str, Any], key: str) -> str | None:
    card = list_members(entity.get("vcardArray"))
    for row in list_members(card[1]) if len(card) > 1 else ():
        if isinstance(row, list) and len(row) > 3 and row[0] == key:
            value = row[3][0] if isinstance(row[3], list) and row[3] else row[3]
            if text := _clip_text(value, 300):
                return text
    return None


def _find_iana_id(entity: dict[str, Any]) -> str | None:
    for public in _list_objects(entity.get("publicIds")):
        identifier = _clip_text(public.get("identifier"), 20)
        if identifier and identifier.isdigit():
            return f"IANA {identifier}"
    return None


def _read_nameservers(record: dict[str, Any]) -> tuple[str, ...]:
    names = (server.get("ldhName") or server.get("unicodeName") for server in _list_objects(record.get("nameservers")))
    found = (normalise_to_alabel(name)[:253] for name in names if isinstance(name, str))
    return tuple(dict.fromkeys(name for name in found if name))[:LIST_LIMIT]
