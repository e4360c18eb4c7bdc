"""`domain-monitor calibration`: how often the confidence we stated was right, from the evidence ledger.

Exit codes: 0 printed, 2 no store, 3 the ledger has no claim that was settled.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from common.clock import now
from common.codec import convert, decode_map
from common.config import Settings
from common.core.audit.calibration import Calibration
from common.core.audit.ledger import LedgerEntry
from common.errors import MessageError, StoreError
from common.store.reader import open_reader
from common.store.store_contract import DAY, MAX_LIMIT, Reader

DONE, NO_STORE, NOTHING = 0, 2, 3


def run(days: float, as_json: bool, settings: Settings) -> int:  # noqa: FBT001  # a flag
    """Print the calibration of the last `days` days."""
    moment = now()
    try:
        found, unreadable = measure_calibration(settings, moment - days * DAY, moment)
    except StoreError as error:
        print(f"domain-monitor: {error}", file=sys.stderr)
        return NO_STORE
    if unreadable:
        print(f"domain-monitor: {unreadable} entries of the ledger cannot be read and are left out", file=sys.stderr)
    report = {"days": days, **found.report()}
    print(json.dumps(report) if as_json else "\n".join(render_lines(report)))
    return DONE if found.claims else NOTHING


def measure_calibration(settings: Settings, since: float, moment: float) -> tuple[Calibration, int]:
    """The calibration from `since` to `moment` (epoch seconds), and how many entries cannot be read. Raises StoreError."""
    calibration, unreadable = Calibration(), 0
    reader = open_reader(settings)
    try:
        for name in _names(reader, since):
            history = []
            for row in reversed(reader.ledger(name, moment, MAX_LIMIT)):
                try:
                    history += [convert(decode_map(row.body), LedgerEntry)] if row.at >= since else []
                except MessageError:
                    unreadable += 1
            calibration.add_history(history, moment)
    finally:
        reader.close()
    return calibration, unreadable


def render_lines(report: dict[str, Any]) -> list[str]:
    """The report for people."""
    error = report["expected_calibration_error"]
    head = f"{report['claims']} claims about {report['names']} names in {report['days']:g} days"
    shown = [f"{head}: {report['confirmed']} confirmed, {report['contradicted']} contradicted; {report['undecided']} unsettled"]
    if error is None:
        return [*shown, "nothing is settled yet: a claim is, once the name is registered again or its alarm stood for a day"]
    shown += [f"expected calibration error {error:.4f}", "", "confidence       claims  confirmed  stated   found  smoothed"]
    for row in report["bins"]:
        span = f"{row['low']:g} to {row['high']:g}"
        shown.append(
            f"{span:<15}{row['claims']:>8}{row['confirmed']:>11}{row['stated']:>8.4f}{row['found']:>8.4f}{row['smoothed']:>10.4f}"
        )
    shown += ["", "method      suffix      confirmed  contradicted  smoothed"]
    for row in report["sources"]:
        counts = f"{row['confirmed']:>9}{row['contradicted']:>14}{row['smoothed']:>10.4f}"
        shown.append(f"{row['method']:<12}{row['suffix']:<12}{counts}")
    return shown


def _names(reader: Reader, since: float) -> Iterator[str]:
    after = ""
    while names := reader.ledger_names(since, after, MAX_LIMIT):
        yield from names
        after = names[-1]
