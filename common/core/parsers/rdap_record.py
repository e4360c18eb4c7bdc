"""The RDAP domain object (RFC 9083 section 5.3): what is kept of it. Contact data is never read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import idna

from common.core.model.evidence import LIST_LIMIT, Fields
from common.core.parsers.rfc3339 import epoch, moment
from common.core.parsers.statuses import normalise

#: Most members of one list that are looked at.
_MOST = 200


def same_name(record: dict[str, Any], domain: str) -> bool:
    """Whether the object is about exactly this name (an A-label, lower case): a variant or a parent is another name."""
    name = record.get("ldhName") or record.get("unicodeName")
    return isinstance(name, str) and alabel(name) == domain


def alabel(name: str) -> str:
    """A name as lower-case A-labels without the final dot; unchanged where it has no such form."""
    text = _clean(name.strip()[:512]).rstrip(".").lower()
    if text.isascii():
        return text
    try:
        return idna.encode(text, uts46=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return text


def statuses(record: dict[str, Any]) -> tuple[str, ...]:
    """The status words, normalised, each once, at most LIST_LIMIT."""
    words = record.get("status")
    found = (
        normalise(_clean(word)) for word in ([words] if isinstance(words, str) else members(words)) if isinstance(word, str)
    )
    return tuple(dict.fromkeys(word for word in found if word))[:LIST_LIMIT]


def fields(record: dict[str, Any]) -> Fields:
    """Dates, registrar, statuses, name servers and handle. What is missing or broken stays empty."""
    dates = events(record)
    return Fields(
        created_at=moment(dates.get("registration") or dates.get("reregistration")),
        expires_at=moment(dates.get("expiration")),
        updated_at=moment(dates.get("last changed") or dates.get("last update")),
        registrar=registrar(record),
        statuses=statuses(record),
        nameservers=_nameservers(record),
        handle=_text(record.get("handle"), 300),
    )


def events(record: dict[str, Any]) -> dict[str, str]:
    """Action in lower case -> date text, of the object itself and not of its entities. The last of two equal actions counts.

    Only dates that can be read are returned, so a broken one does not hide a good one.
    """
    found: dict[str, str] = {}
    for event in _objects(record.get("events")):
        action, date = event.get("eventAction"), event.get("eventDate")
        if isinstance(action, str) and isinstance(date, str) and moment(date):
            found[" ".join(action[:100].lower().split())] = date
    return found


def fresh_at(record: dict[str, Any], now: float | None) -> float | None:
    """When the server's database was last fed, epoch seconds; None where not said or said to be tomorrow."""
    stamp = epoch(events(record).get("last update of rdap database"))
    return None if stamp is None or (now is not None and stamp > now + 86_400) else stamp


def registrar(record: dict[str, Any]) -> str | None:
    """Name of the entity with the role registrar: vCard fn or org (RFC 7095), else its IANA id."""
    for entity in _objects(record.get("entities")):
        roles = entity.get("roles")
        words = [roles] if isinstance(roles, str) else members(roles)
        if not any(isinstance(word, str) and word.lower() == "registrar" for word in words):
            continue
        if name := _vcard(entity, "fn") or _vcard(entity, "org") or _iana_id(entity):
            return name
    return None


def texts(value: Any) -> Iterator[str]:
    """The texts of a member that should be a list of texts, and is sometimes one text."""
    for item in [value] if isinstance(value, str) else members(value):
        if isinstance(item, str):
            yield _clean(item[:2000])


def notices(record: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Title and descriptions of every notice and remark; each of them should be a list, and is sometimes one object."""
    for key in ("notices", "remarks"):
        value = record.get(key)
        for notice in _objects([value] if isinstance(value, dict) else value):
            yield _text(notice.get("title"), 300) or "", list(texts(notice.get("description")))


def members(value: Any) -> list[Any]:
    """The first members of a list, nothing of anything else."""
    return value[:_MOST] if isinstance(value, list) else []


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in members(value) if isinstance(item, dict))


def _text(value: Any, limit: int) -> str | None:
    return (" ".join(_clean(value[: 2 * limit]).split())[:limit] or None) if isinstance(value, str) else None


def _clean(text: str) -> str:
    """The text without lone surrogates, which JSON can spell and nothing else can carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _vcard(entity: dict[str, Any], key: str) -> str | None:
    card = members(entity.get("vcardArray"))
    for row in members(card[1]) if len(card) > 1 else ():
        if isinstance(row, list) and len(row) > 3 and row[0] == key:
            value = row[3][0] if isinstance(row[3], list) and row[3] else row[3]
            if text := _text(value, 300):
                return text
    return None


def _iana_id(entity: dict[str, Any]) -> str | None:
    for public in _objects(entity.get("publicIds")):
        identifier = _text(public.get("identifier"), 20)
        if identifier and identifier.isdigit():
            return f"IANA {identifier}"
    return None


def _nameservers(record: dict[str, Any]) -> tuple[str, ...]:
    names = (server.get("ldhName") or server.get("unicodeName") for server in _objects(record.get("nameservers")))
    found = (alabel(name)[:253] for name in names if isinstance(name, str))
    return tuple(dict.fromkeys(name for name in found if name))[:LIST_LIMIT]
