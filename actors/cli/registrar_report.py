"""What registrars said about one name, side by side: the content of `--json`, and the table for people.

Prices are decimal text, before taxes; times in epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from actors.cli.printing import escape_unprintable
from actors.cli.registrar_offers import Answered, RegistrarOffers
from common.core.builtin.registrars import BY_VENDOR
from common.core.coordinator.source_state import show_span
from common.core.model.evidence import Offer
from common.core.model.methods import REGISTRAR
from common.core.registries.offers import (
    Bid,
    describe_answer,
    find_cheapest,
    is_creatable,
    is_definitive_answer,
    is_sandbox,
)
from common.core.registries.registrable_names import to_unicode
from common.core.registries.sources import Source

#: Columns of the table: heading and least width. The last one takes what is left.
_COLUMNS = (("vendor", 12), ("says", 17), ("definitive", 10), ("price a year", 22), ("renewal", 12), ("asked", 0))
_PROVES_NOTHING = "sandbox: proves nothing"
_NOTHING: dict[str, Any] = {
    "outcome": None,
    "finding": None,
    "creatable": None,
    "premium": None,
    "price": None,
    "currency": None,
    "renewal": None,
    "years": None,
    "timestamp": None,
    "age": None,
    "duration_ms": None,
    "status": None,
}


def report_name(offers: RegistrarOffers, name: str, suffix: str, now: float, seconds: float) -> dict[str, Any]:
    """The report on a name of which only registrars were asked. `seconds`: how long it took."""
    found = report_offers(offers, name, now)
    return {
        "domain": name,
        "unicode": to_unicode(name),
        "suffix": suffix,
        "decided": any(row["definitive"] for row in found["registrars"]),
        "code": None,
        "reason": "",
        **found,
        "seconds": round(seconds, 2),
    }


def report_no_name(entry: str, code: str, reason: str) -> dict[str, Any]:
    """The report on something that is no name that could be asked for, with the keys of `report_name`."""
    head = {"domain": entry, "unicode": entry, "suffix": None, "decided": False, "code": code, "reason": reason}
    return {**head, **no_offers(), "seconds": 0.0}


def no_offers() -> dict[str, Any]:
    """What `report_offers` gives where no registrar was asked."""
    return {"registrars": [], "cheapest": []}


def report_offers(offers: RegistrarOffers, name: str, now: float) -> dict[str, Any]:
    """A row for each registrar, and the cheapest definitive offer in each currency."""
    answers = offers.answers_about(name)
    rows = [_report_answer(offers.sources[method], answered, now) for method, answered in answers.items()]
    bids = [
        Bid(method, answered.observation.reading.offer)
        for (method, answered), row in zip(answers.items(), rows, strict=True)
        if row["definitive"] and row["creatable"] and answered.observation is not None and answered.observation.reading.offer
    ]
    return {"registrars": rows, "cheapest": [_report_bid(bid) for bid in find_cheapest(bids)]}


def render_offers(report: Mapping[str, Any]) -> Iterator[str]:
    """The table of a report, at most 100 columns wide, and its summary."""
    width = max([_COLUMNS[0][1], *(len(row["vendor"]) for row in report["registrars"])])
    yield _line([heading for heading, _ in _COLUMNS], width)
    for row in report["registrars"]:
        asked = row["timestamp"] is not None
        when = f"{_ago(row['age'])}, {row['duration_ms']:.0f} ms" if asked else "not asked"
        sure = "yes" if row["definitive"] else "no"
        yield _line([row["vendor"], row["says"], sure, _price(row), _money(row["renewal"], row["currency"]), when], width)
        reason = "" if row["definitive"] and row["creatable"] else row["reason"]
        said = "; ".join(filter(None, (_PROVES_NOTHING if row["sandbox"] else "", reason)))
        if said:
            yield f"    {escape_unprintable(said)}"[:100]
    yield from _summary(report)


def _summary(report: Mapping[str, Any]) -> Iterator[str]:
    definitive = [row for row in report["registrars"] if row["definitive"]]
    if report["cheapest"]:
        for bid in report["cheapest"]:
            kind = "premium price" if bid["premium"] else "list price"
            more = f", renewal {_money(bid['renewal'], bid['currency'])}" if bid["renewal"] else ""
            yield f"  cheapest  {_money(bid['price'], bid['currency'])} at {bid['title']} ({kind}{more}, before taxes)"
    elif any(row["creatable"] for row in definitive):
        yield "  cheapest  it can be created, no definitive answer names a price"
    elif definitive:
        yield "  cheapest  no offer: every definitive answer says that it cannot be created now"
    else:
        yield "  cheapest  no offer: no answer is definitive"


def _report_answer(source: Source, answered: Answered, now: float) -> dict[str, Any]:
    vendor = BY_VENDOR[source.method.removeprefix(REGISTRAR)]
    head = {"vendor": vendor.vendor, "title": vendor.title, "sandbox": is_sandbox(source)}
    seen = answered.observation
    if seen is None:
        return {**head, "says": "not asked", "reason": answered.reason, "definitive": False, **_NOTHING}
    reading = seen.reading
    return {
        **head,
        "says": describe_answer(reading),
        "reason": reading.reason,
        "definitive": is_definitive_answer(source, reading),
        **_NOTHING,
        "outcome": reading.outcome.value,
        "finding": reading.finding,
        "creatable": is_creatable(reading),
        **_report_price(reading.offer),
        "timestamp": answered.at,
        "age": round(max(0.0, now - answered.at), 2),
        "duration_ms": round(seen.duration_ms, 1),
        "status": seen.status,
    }


def _report_price(offer: Offer | None) -> dict[str, Any]:
    if offer is None:
        return {}
    priced = offer.price is not None
    return {
        "premium": offer.premium,
        "price": _decimal(offer.price),
        "currency": offer.currency or None,
        "renewal": _decimal(offer.renewal),
        "years": offer.years if priced else None,
    }


def _report_bid(bid: Bid) -> dict[str, Any]:
    vendor = BY_VENDOR[bid.method.removeprefix(REGISTRAR)]
    return {"vendor": vendor.vendor, "title": vendor.title, **_report_price(bid.offer)}


def _decimal(price: Decimal | None) -> str | None:
    return None if price is None else format(price, "f")


def _money(price: str | None, currency: str | None) -> str:
    return f"{price} {currency}" if price is not None and currency else "-"


def _price(row: Mapping[str, Any]) -> str:
    if row["price"] is None:
        return "-"
    kind = {True: " premium", False: " list", None: ""}[row["premium"]]
    years = f" for {row['years']} years" if row["years"] != 1 else ""
    return f"{_money(row['price'], row['currency'])}{kind}{years}"


def _ago(seconds: float) -> str:
    return f"{show_span(seconds)} ago" if seconds >= 1 else "just now"


def _line(cells: Sequence[str], first: int) -> str:
    """One line of the table, its first column `first` letters wide."""
    widths = (first, *(width for _, width in _COLUMNS[1:]))
    padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
    return f"  {' '.join(padded)}"[:100].rstrip()
