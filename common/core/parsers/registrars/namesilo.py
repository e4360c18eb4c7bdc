"""NameSilo, `GET /apibatch/checkRegisterAvailability` (namesilo.com/api-reference): up to 200 names.

`/apibatch` is for programs that ask often, `/api` for occasional calls (namesilo.com/support, automated batch processing); one
call at a time. The key can only be in the query (code 120). Every answer has a status of 200 and a code, a number or a text:
300 is success. Names stand in the lists `available`, `unavailable` and `invalid`; a list with one member may come as the member
alone, or as an object with the member `domain`. Prices are in US dollars.

We ask for well-formed names only, so that `invalid` speaks of the suffix. A name without the member `premium` is no more than a
hint: its price may be one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.core.model.evidence import Offer
from common.core.parsers.rdap_record import list_members
from common.core.parsers.registrars.findings import Answer, Finding, Parsed, fail_whole
from common.core.parsers.registrars.members import (
    as_object,
    find_text,
    make_offer,
    match_entries,
    price_of,
    read_json,
)

#: No key, a wrong one, a wrong user, no API for sub-accounts, an address that is not listed, a wrong sandbox account, a key in
#: the body; a call that came before the answer to the one before it.
_CODES = {
    **dict.fromkeys(("109", "110", "111", "112", "113", "116", "120"), Finding.REFUSED),
    "400": Finding.THROTTLED,
}
_SUCCESS = "300"
_CURRENCY = "USD"
_PREMIUM = {"0": False, "1": True}


def _parse(value: Any, names: Sequence[str]) -> Parsed:
    reply = as_object(as_object(value).get("reply"))
    code = _as_code(reply.get("code"))
    if code != _SUCCESS:
        return fail_whole(_CODES.get(code, Finding.ERROR), f"{code} {find_text(reply, 'detail')}".strip())
    entries = [entry for bucket in ("available", "unavailable", "invalid") for entry in _list_names(reply.get(bucket), bucket)]
    return Parsed({name: _parse_entry(entry) for name, entry in match_entries(entries, "domain", names).items()})


def _list_names(value: Any, bucket: str) -> Iterator[Mapping[str, Any]]:
    """An entry for each name of a list in any of its forms."""
    if isinstance(value, dict) and not isinstance(value.get("domain"), str):
        value = value.get("domain")
    for member in list_members(value) if isinstance(value, list) else [value]:
        entry = member if isinstance(member, dict) else {"domain": member}
        yield {**entry, "bucket": bucket}


def _parse_entry(entry: Mapping[str, Any]) -> Answer:
    if entry["bucket"] == "unavailable":
        return Answer(Finding.UNAVAILABLE)
    if entry["bucket"] == "invalid":
        return Answer(Finding.UNSUPPORTED, said="invalid")
    if "premium" not in entry:
        return Answer(Finding.CACHED, _read_offer(entry, premium=None))
    premium = _PREMIUM.get(_as_code(entry["premium"]))
    if premium is None:
        return Answer(Finding.NOTHING, said="an unknown word for premium")
    return Answer(Finding.PREMIUM if premium else Finding.LIVE, _read_offer(entry, premium=premium))


def _read_offer(entry: Mapping[str, Any], *, premium: bool | None) -> Offer:
    """The price of one year; none where it is for a longer time."""
    if _as_code(entry.get("duration", 1)) != "1":
        return make_offer(None, "", premium=premium)
    return make_offer(price_of(entry.get("price")), _CURRENCY, premium=premium, renewal=price_of(entry.get("renew")))


def _as_code(value: Any) -> str:
    """A number or a text as text; "" for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


parse_answer = read_json(_parse)
