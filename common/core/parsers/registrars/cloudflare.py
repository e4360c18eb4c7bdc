"""Cloudflare Registrar, `POST /accounts/{id}/registrar/domain-check` (beta, developers.cloudflare.com/api): up to 20 names.

An error comes with `success` false, also under status 200. A malformed name may be missing from the answer.
`domain_unavailable` covers registered, reserved and restricted names; the `extension_…` reasons speak of the suffix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.core.parsers.registrars.findings import Answer, Finding, Parsed, fail_whole
from common.core.parsers.registrars.members import (
    as_object,
    currency_of,
    find_text,
    list_objects,
    lower_word,
    make_offer,
    match_entries,
    price_of,
    read_json,
)

_REASONS = {"domain_unavailable": Finding.UNAVAILABLE, "domain_premium": Finding.PREMIUM}


def _parse(value: Any, names: Sequence[str]) -> Parsed:
    top = as_object(value)
    if top.get("success") is not True:
        return fail_whole(Finding.ERROR, _first_error(top))
    entries = match_entries(list_objects(as_object(top.get("result")).get("domains")), "name", names)
    return Parsed({name: _parse_entry(entry) for name, entry in entries.items()})


def _parse_entry(entry: Mapping[str, Any]) -> Answer:
    reason = lower_word(entry, "reason")
    if entry.get("registrable") is not True or reason:
        finding = Finding.UNSUPPORTED if reason.startswith("extension_") else _REASONS.get(reason, Finding.NOTHING)
        return Answer(finding, said=find_text(entry, "reason"))
    tier, pricing = lower_word(entry, "tier"), as_object(entry.get("pricing"))
    premium = tier not in {"", "standard"}
    offer = make_offer(
        price_of(pricing.get("registration_cost")),
        currency_of(pricing.get("currency")),
        premium=premium,
        renewal=price_of(pricing.get("renewal_cost")),
    )
    return Answer(Finding.PREMIUM if premium else Finding.LIVE, offer, find_text(entry, "tier"))


def _first_error(top: Mapping[str, Any]) -> str:
    errors = list(list_objects(top.get("errors")))
    return find_text(errors[0], "message") if errors else ""


parse_answer = read_json(_parse)
