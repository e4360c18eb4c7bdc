"""`domain-monitor sources`: every source of answers, what it can prove, whether it is configured, serves us and is believed.

Works without a running stack, from the settings. What is known of a source comes from the running instance where its control
process answers, else from the store, and each row says from where and how old it is. No key is ever shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import structs

from actors.cli.health import control_address
from actors.cli.sources_text import render_sources
from common.clients.local_http import fetch_local
from common.clock import now
from common.codec import convert, plain
from common.config import Settings
from common.core.builtin.registrars import REGISTRARS
from common.core.channels.channel_health import ChannelHealths
from common.core.coordinator.source_report import Setup, list_sources
from common.core.coordinator.source_state import SourceState, read_saved_budgets
from common.core.model.methods import is_registrar
from common.core.model.source_row import Configured, SourceRow
from common.core.trust.server_trust import Trust
from common.core_settings import build_policy
from common.errors import ClientError, MessageError, StoreError
from common.registry_directory import load_directory
from common.secret_scrubber import shown_url
from common.sources import missing_settings
from common.store.database_file import current_path
from common.store.reader import open_reader

#: Seconds to wait for each part of the status, and most bytes of it.
TIMEOUT, LARGEST = 5.0, 8 << 20
_RESTART = "the running instance does not have it: restart it"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the state of a row is from: "instance", "store" or "settings"; its place, and its age in seconds."""

    kind: str
    place: str = ""
    age: float | None = None


def run(as_json: bool, settings: Settings) -> int:  # noqa: FBT001  # a flag
    """Print all sources. Returns the exit code; raises ConfigError for a file that a setting names and that is wrong."""
    report = collect_sources(settings)
    print(json.dumps(report) if as_json else "\n".join(render_sources(report)))
    return 0


def collect_sources(settings: Settings) -> dict[str, Any]:
    """The report: `sources` has a row for each, with the keys of `SourceRow` and its `origin`; `next` says what to do."""
    moment, notes = now(), list[str]()
    running = _ask_instance(settings, notes)
    stored = None if running is not None else _read_store(settings, moment, notes)
    state, origin = stored or (SourceState(moment), Origin("settings"))
    rows = [(row, origin) for row in list_sources(_read_setup(settings), state)]
    if running is not None:
        rows = _merge_rows([row for row, _ in rows], *running)
    return {
        "timestamp": moment,
        "notes": notes,
        "next": _next_steps([row for row, _ in rows], asked=running is not None or stored is not None),
        "sources": [{**plain(row), "origin": {"from": at.kind, "place": at.place, "age": at.age}} for row, at in rows],
    }


def _read_setup(settings: Settings) -> Setup:
    policy = build_policy(settings)
    lacking = {row.method: missing_settings(settings, row) for row in REGISTRARS}
    return Setup(
        directory=load_directory(settings),
        sources=policy.sources,
        overrides=policy.limits,
        missing={method: names for method, names in lacking.items() if names},
        absent=True,
    )


def _ask_instance(settings: Settings, notes: list[str]) -> tuple[list[SourceRow], Origin] | None:
    """The rows of the running instance; None, with a note unless nothing listens, where there is none to be had."""
    host, port = control_address(settings)
    place = f"{host}:{port}"
    try:
        status, body = fetch_local(host, port, "/status", TIMEOUT, LARGEST)
        if status != 200:
            notes.append(f"the control process at {place} refuses to tell its status (HTTP {status})")
            return None
        answer = json.loads(body)
        if answer["instance"] != settings.instance_id:
            notes.append(f"the control process at {place} belongs to another instance")
            return None
        coordinator = answer["coordinator"]
        rows = convert(coordinator["sources"], list[SourceRow])
        return rows, Origin("instance", place, round(float(coordinator["age"]), 1))
    except ClientError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError, MessageError):
        notes.append(f"what answers at {place} says nothing of sources")
        return None


def _read_store(settings: Settings, moment: float, notes: list[str]) -> tuple[SourceState, Origin] | None:
    """What the store keeps; None, with a note unless there is none yet, where it cannot be read."""
    origin = Origin("store", shown_url(settings.store_url))
    try:
        if settings.store_in_file:
            path = current_path(settings.store_path)
            if not path.is_file():
                return None
            origin = Origin("store", str(path), _age_of_store(path, moment))
        reader = open_reader(settings)
        try:
            trust_rows, budgets, channels = reader.trust(), reader.meta("budgets") or "", reader.meta("channels") or ""
        finally:
            reader.close()
    except StoreError as error:
        notes.append(str(error))
        return None
    trust, healths = Trust(), ChannelHealths()
    trust.restore_rows(trust_rows, moment)
    healths.restore_text(channels, moment)
    rows = read_saved_budgets(budgets, moment)
    state = SourceState(moment, budgets=rows, trust=trust.all_rows(), proved=healths.proved_times())
    return state, origin


def _age_of_store(path: Path, moment: float) -> float:
    """Seconds since the database or its log was written; a reader leaves an empty log behind."""
    log = path.with_name(f"{path.name}-wal")
    found = [file.stat() for file in (path, log) if file.exists()]
    written = max((stat.st_mtime for stat in found if stat.st_size), default=moment)
    return round(max(0.0, moment - written), 1)


def _merge_rows(own: list[SourceRow], running: list[SourceRow], origin: Origin) -> list[tuple[SourceRow, Origin]]:
    """The rows of the instance in the places of ours; what it does not have, though configured here, says so."""
    heard = {_key(row): row for row in running}
    merged = []
    for row in own:
        live = heard.pop(_key(row), None)
        if live is None and row.configured is not Configured.NO:
            row = structs.replace(row, trouble=_RESTART)  # noqa: PLW2901  # the same row, marked
        merged.append((live, origin) if live is not None else (row, Origin("settings")))
    return merged + [(row, origin) for row in heard.values()]


def _key(row: SourceRow) -> tuple[str, str]:
    return (row.method, "" if is_registrar(row.method) else row.server)


def _next_steps(rows: list[SourceRow], *, asked: bool) -> list[str]:
    """What to do so that more sources speak, one sentence each."""
    steps = []
    registrars = [row for row in rows if is_registrar(row.method)]
    if all(row.configured is Configured.NO and row.missing for row in registrars):
        steps.append("No registrar is configured: set what one of them needs in .env, then see its prices with check NAME.")
    else:
        steps.append("`domain-monitor check NAME --methods registrar` asks every configured registrar and shows its price.")
    if not asked:
        steps.append("Nothing runs here and nothing is stored: whether a source serves us is known once it was asked.")
    return steps
