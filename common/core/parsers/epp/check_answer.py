"""What the answer to an EPP `<check>` says about each name, and for which price it can be created (RFC 5731, RFC 8748)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from xml.etree.ElementTree import Element, tostring

from common.core.model.evidence import EXCERPT_LIMIT, Offer, Outcome, Reading, is_price, unknown_reading
from common.core.parsers.bounded_xml import find_child, find_children, namespace_of, read_text
from common.core.parsers.epp.namespaces import DOMAIN, FEE
from common.core.parsers.epp.reasons import read_reason
from common.core.parsers.epp.responses import SUCCESS, Response, parse_response, read_failure
from common.core.parsers.rdap_record import normalise_to_alabel

#: Values of an attribute of the type boolean (XML Schema part 2 section 3.2.2).
_BOOLEANS = {"1": True, "true": True, "0": False, "false": False}
_AMOUNT = re.compile(r"-?\d{1,12}(?:\.\d{1,6})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_YEARS = re.compile(r"[1-9]\d?", re.ASCII)


def parse_check_answer(data: bytes, names: Iterable[str]) -> dict[str, Reading]:
    """What one answer says about each of `names` (A-labels). Total: every name gets a Reading, whatever the bytes are.

    The order of an answer does not count. A name that it does not repeat, or about which it says two things, is unknown.
    """
    try:
        response = parse_response(data)
    except ValueError as error:
        return dict.fromkeys(names, unknown_reading("epp_unparsed", f"no EPP answer: {error}"))
    if response.code != SUCCESS:
        return dict.fromkeys(names, read_failure(response.code, response.message))
    domains, fees = _domain_entries(response), _fee_entries(response)
    currency = read_text(find_child(_find_data(response, "extension", FEE), "currency"))
    return {name: _read_name(domains.get(name, []), fees.get(name, []), currency) for name in names}


def make_excerpts(data: bytes, names: Iterable[str]) -> dict[str, str]:
    """The parts of an answer that are about each of `names`, as XML, cut to what is kept as evidence; "" for none. Total."""
    try:
        response = parse_response(data)
    except ValueError:
        return dict.fromkeys(names, "")
    domains, fees = _domain_entries(response), _fee_entries(response)
    head = f"{response.code} {response.message}\n"
    parts = {name: [*domains.get(name, []), *fees.get(name, [])] for name in names}
    return {
        name: (head + "".join(tostring(part, encoding="unicode") for part in found))[:EXCERPT_LIMIT]
        for name, found in parts.items()
    }


def _domain_entries(response: Response) -> dict[str, list[Element]]:
    return _group_by_name(find_children(_find_data(response, "resData", DOMAIN), "cd"), "name")


def _fee_entries(response: Response) -> dict[str, list[Element]]:
    return _group_by_name(find_children(_find_data(response, "extension", FEE), "cd"), "objID")


def _find_data(response: Response, part: str, namespace: str) -> Element | None:
    """The results of one kind in an answer; None where there are none, or two of them."""
    found = [each for each in find_children(find_child(response.root, part), "chkData") if namespace_of(each) == namespace]
    return found[0] if len(found) == 1 else None


def _group_by_name(entries: Iterable[Element], key: str) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for entry in entries:
        found.setdefault(normalise_to_alabel(read_text(find_child(entry, key))), []).append(entry)
    return found


def _read_name(domains: list[Element], fees: list[Element], currency: str) -> Reading:
    if not domains:
        return unknown_reading("epp_missing", "the answer does not repeat the name")
    name = find_child(domains[0], "name")
    available = _BOOLEANS.get("" if name is None else name.get("avail", ""))
    if len(domains) > 1 or available is None:
        return unknown_reading("epp_unparsed", "the answer says two things about the name, or none")
    if not available:
        return read_reason(read_text(find_child(domains[0], "reason")))
    offers = [_read_offer(fee, currency) for fee in fees]
    if any(offer.premium for offer in offers):
        premium = offers[0] if len(offers) == 1 else Offer(premium=True)
        return Reading(Outcome.PREMIUM, "epp_premium", "it can be created at a premium price", offer=premium)
    offer = offers[0] if len(offers) == 1 else Offer()
    return Reading(Outcome.UNREGISTERED, "epp_available", "the registry would create it now", offer=offer)


def _read_offer(entry: Element, currency: str) -> Offer:
    """The price of a creation (RFC 8748 section 3). The class "standard" is that of every name without a price of its own."""
    command = next((each for each in find_children(entry, "command") if each.get("name") == "create"), None)
    kind = read_text(find_child(entry, "class")).lower()
    standard = command is not None and _BOOLEANS.get(command.get("standard", "0"), False)
    premium = kind != "standard" if kind else (False if standard else None)
    if command is None or not _BOOLEANS.get(entry.get("avail", "1"), False):
        return Offer(premium=True if premium else None)
    price = _add_amounts(command)
    if price is None or not _CURRENCY.fullmatch(currency):
        return Offer(premium=premium)
    return Offer(premium=premium, price=price, currency=currency, years=_read_years(command))


def _add_amounts(command: Element) -> Decimal | None:
    """The sum of all fees, credits taken off; None where there is no fee or the sum is no price."""
    texts = list(_list_amounts(command))
    if not find_children(command, "fee") or not all(_AMOUNT.fullmatch(text) for text in texts):
        return None
    total = sum((Decimal(text) for text in texts), Decimal())
    return total if is_price(total) else None


def _list_amounts(command: Element) -> Iterator[str]:
    for kind in ("fee", "credit"):
        for amount in find_children(command, kind):
            yield read_text(amount)


def _read_years(command: Element) -> int:
    """The period that the price is for; one year where the answer names none."""
    period = find_child(command, "period")
    text = read_text(period)
    return int(text) if period is not None and period.get("unit") == "y" and _YEARS.fullmatch(text) else 1
