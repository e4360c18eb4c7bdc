"""What `check` found out about one name, as a plain map: the content of `--json`, and what the text is made of.

Every report has the same keys. `checks` has one entry per method that was asked, `not_asked` a reason for each of the others,
`limits` one sentence for each thing that keeps the verdict from being stronger, `registrars` and `cheapest` are those of
`registrar_report`. Times in epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs

from actors.cli.deciding_line import deciding_line
from actors.cli.missing_server import explain_missing_server
from actors.cli.registrar_report import no_offers
from common.codec import plain
from common.core.builtin.suffix_rules import rules_for
from common.core.builtin.whois_servers import query_format_of, whois_server
from common.core.coordinator.wiring import Rooms
from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.evidence import Reading
from common.core.model.methods import is_registrar, is_registry
from common.core.model.records import Detail, Evidence
from common.core.model.states import State
from common.core.registries.directory import host_of
from common.core.registries.registrable_names import to_unicode
from common.core.telemetry.error_kinds import UNASKED, explain_unknown
from common.core.trust.lies import trust_key
from common.core.verdict.assessor import Assessment
from common.core.verdict.verdicts import REGISTRABLE, SURE, log_odds_shares, weigh_answer
from common.messages import Task

#: Where more evidence, or a better suffix, could lead on to "available".
_COULD_BE_STRONGER = frozenset({State.UNKNOWN, State.UNREGISTERED, State.AVAILABLE, State.DROPPING})
_HEAD: dict[str, Any] = {
    "domain": "",
    "unicode": "",
    "suffix": None,
    "state": State.INVALID.value,
    "decided": False,
    "code": None,
    "reason": "",
    "confidence": 0.0,
    "p_unregistered": None,
    "rho": None,
    "log_odds": {},
    "passes": 0,
    "gates": [],
    "limits": [],
    "phase": None,
    "fields": {},
    "forecast": None,
    "checks": {},
    "not_asked": {},
    **no_offers(),
    "seconds": 0.0,
}


@dataclass(frozen=True)
class CanaryAsked:
    """One canary question and what was read of its answer."""

    domain: str
    registered: bool
    reading: Reading


#: Methods that are shown of every name, asked or not.
_ALWAYS = ("dns", "http", "rdap", "whois")


@dataclass
class Scene:
    """Everything a report is made of: the core's memory, the methods in use, and what was asked."""

    rooms: Rooms
    methods: frozenset[str]
    iana_host: str
    named: frozenset[str] = frozenset()  # those that --methods names
    tasks: dict[tuple[str, str], Task] = field(default_factory=dict)  # the last question, by (domain, method)
    canaries: dict[ChannelKey, list[CanaryAsked]] = field(default_factory=dict)


def explain_invalid(entry: str, code: str, reason: str) -> dict[str, Any]:
    """The report on something that is no name we could watch."""
    return {**_HEAD, "domain": entry, "unicode": entry, "code": code, "reason": reason}


def explain_name(scene: Scene, name: str, now: float, seconds: float) -> dict[str, Any]:
    """The report on a name as its evidence stands. `seconds`: how long it took."""
    domains = scene.rooms.domains
    entry = domains.find_loaded(name)
    if entry is None:  # its check may never have begun
        entry = domains.working_set.build_entry(domains.table.find_id(name), Detail())
    made = scene.rooms.assessor.assess_evidence(entry, now)
    verdict, detail = made.verdict, entry.detail
    parts = log_odds_shares(detail.evidence, made.situation, now)
    waiting = sorted(entry.check.awaiting) if entry.check is not None else []
    reason = f"the time was up while {', '.join(waiting)} had not answered" if waiting else verdict.reason
    shut = _open_gates(entry, made)
    methods = _methods_of(scene, entry)
    return {
        **_HEAD,
        "domain": entry.name,
        "unicode": to_unicode(entry.name),
        "suffix": entry.suffix,
        "state": verdict.state.value,
        "decided": verdict.state is not State.UNKNOWN,
        "reason": reason,
        "confidence": verdict.confidence,
        "p_unregistered": verdict.p_unregistered,
        "rho": verdict.p_registrable,
        "log_odds": {"total": round(sum(parts.values()), 3), **{part: round(value, 3) for part, value in parts.items()}},
        "passes": len(detail.passes),
        "gates": shut,
        "limits": list(_limits(scene, entry, made)),
        "phase": detail.phase,
        "fields": plain(detail.fields),
        "forecast": _forecast(entry),
        "checks": {method: _explain_check(scene, entry, method, made, now) for method in methods if _item(entry, method)},
        "not_asked": {method: _why_unasked(scene, entry, method, now) for method in methods if not _item(entry, method)},
        "seconds": round(seconds, 2),
    }


def _methods_of(scene: Scene, entry: Entry) -> list[str]:
    """The methods that a report shows: those that every suffix could have, what this one has besides, and what was named."""
    registries = scene.rooms.registries
    further = ["das", "epp", *registries.sources.registrar_methods(entry.suffix, proof=False)]
    there = [method for method in further if method in scene.named or registries.server_of(method, entry.suffix) is not None]
    return [*_ALWAYS, *there]


def _item(entry: Entry, method: str) -> Evidence | None:
    trouble = entry.detail.trouble.get(method)
    asked = trouble if trouble is not None and trouble.observation.reading.finding not in UNASKED else None
    return entry.detail.evidence.get(method) or asked


def _explain_check(scene: Scene, entry: Entry, method: str, made: Assessment, now: float) -> dict[str, Any]:
    detail = entry.detail
    item = _item(entry, method)
    assert item is not None  # noqa: S101  # the caller has just looked
    observation, reading = item.observation, item.observation.reading
    weighed = weigh_answer(method, item, made.situation, now) if method in detail.evidence else None
    later = detail.trouble.get(method) if method in detail.evidence else None
    return {
        "server": observation.server,
        "address": observation.address,
        "query": _query_text(scene, entry, method),
        "timestamp": item.at,
        "duration_ms": round(observation.duration_ms, 1),
        "status": observation.status,
        "answer": deciding_line(observation),
        "digest": observation.digest,
        "outcome": reading.outcome.value,
        "finding": reading.finding,
        "reason": reading.reason,
        "group": weighed[0] if weighed else None,
        "weight": round(weighed[1], 2) if weighed else 0.0,
        "trouble": later.observation.reading.reason if later is not None else None,
        "canary": item.canary_map(),
        "canaries": [
            {"domain": asked.domain, "registered": asked.registered, "outcome": asked.reading.outcome.value}
            for asked in scene.canaries.get(trust_key(entry, method, item), [])
        ],
    }


def _query_text(scene: Scene, entry: Entry, method: str) -> str:
    """The question as it went out."""
    task = scene.tasks.get((entry.name, method))
    server = task.server if task is not None else ""
    if method == "dns":
        return f"NS {entry.name}"
    if method == "rdap":
        return f"GET {server.rstrip('/')}/domain/{entry.name}"
    if method == "http":
        return f"HEAD http://{entry.name}/"
    if method != "whois":
        return f"check {entry.name}"
    if not server:
        return f"{entry.suffix.rpartition('.')[2]} at {scene.iana_host}: who speaks for the suffix?"
    manner = whois_server(entry.suffix) or query_format_of(server.partition(":")[0].lower())
    return manner.query.format(fqdn=entry.name).strip()


def _why_unasked(scene: Scene, entry: Entry, method: str, now: float) -> str:
    """Why a method was not asked."""
    rooms, suffix = scene.rooms, entry.suffix
    zone = method in ("dns", "http")
    missing = explain_missing_server(rooms.registries, method, suffix)
    quarantined = [
        key for key in scene.canaries if (key.method, key.suffix) == (method, suffix) and rooms.trust.is_quarantined(key, now)
    ]
    reasons = (
        (is_registrar(method) and method not in scene.methods, "only where named by --methods"),
        (method not in scene.methods, "left out by --methods"),
        (bool(missing), missing),
        (is_registrar(method), "answered among the offers, not needed for the verdict"),
        (
            zone and rooms.registries.wildcards.is_wildcard(suffix),
            f".{suffix} answers for names nobody registered, so it proves nothing",
        ),
        (method == "http" and "dns" in entry.detail.evidence, "DNS answered, a web server would add nothing"),
        (bool(quarantined), "its server failed a canary and is in quarantine"),
        (bool(_left_alone(rooms, method, suffix, now)), _left_alone(rooms, method, suffix, now)),
        (entry.state is State.UNKNOWN, "not reached"),
    )
    return next((reason for holds, reason in reasons if holds), "not needed, the others decide")


def _left_alone(rooms: Rooms, method: str, suffix: str, now: float) -> str:
    """Until when, and why, the operator of a server is not asked any more; "" where it is."""
    server = rooms.registries.server_of(method, suffix)
    operator = rooms.registries.limit_of(method, host_of(server) if server else suffix, suffix).operator
    for row in rooms.rate_limits.budgets.snapshot(now):
        if row["operator"] == operator and isinstance(row["blocked_until"], float):
            return f"left alone for {row['blocked_until'] - now:.0f} s, because {row['reason']}"
    return ""


def _open_gates(entry: Entry, made: Assessment) -> list[str]:
    """The gates that matter: those of a name that the registry says is not there."""
    concerned = made.verdict.state is State.UNKNOWN and any(is_registry(method) for method in made.positive)
    return list(entry.detail.gates) if concerned else []


def _limits(scene: Scene, entry: Entry, made: Assessment) -> Iterator[str]:
    """What keeps the verdict from being stronger, one sentence each."""
    verdict, situation, detail = made.verdict, made.situation, entry.detail
    if verdict.state is State.UNKNOWN and (trouble := {m: item for m, item in detail.trouble.items() if m in scene.methods}):
        yield explain_unknown(structs.replace(detail, trouble=trouble))  # what --methods left out has no worker
    shut = _open_gates(entry, made)
    yield from (f"open gate: {gate}" for gate in shut)
    if any("canaries" in gate for gate in shut):
        yield f"a name surely registered under .{entry.suffix} helps: list one in CANARIES_FILE"
    if verdict.state not in _COULD_BE_STRONGER or not made.positive:
        return
    if verdict.p_unregistered < SURE:
        yield f"P(unregistered) {verdict.p_unregistered:.3f} is below {SURE}"
    if situation.prior < 0:
        yield f"prior {situation.prior:+.1f}: {_why_prior(entry)}"
    if 0 < verdict.p_registrable < REGISTRABLE:
        yield f"rho {verdict.p_registrable:.2f} is below {REGISTRABLE}: {_why_registrable(entry)}"
    if situation.release is not None:
        yield f"calendar: purged names of .{entry.suffix} go through the registry's own procedure ({situation.release})"


def _why_prior(entry: Entry) -> str:
    phase = entry.detail.phase
    return f"its last record says {phase.replace('_', ' ')}" if phase else "nothing is known of it"


def _why_registrable(entry: Entry) -> str:
    rules = rules_for(entry.suffix)
    if "whois" not in entry.detail.evidence:
        return "WHOIS, which tells a reserved name from a free one, has not spoken"
    if rules.p_registrable_short_label is not None and len(entry.label) < 5:
        return "short names of new suffixes are mostly reserved or premium"
    return f"a part of the unregistered names of .{entry.suffix} is reserved or sold at another price"


def _forecast(entry: Entry) -> dict[str, Any] | None:
    if entry.drop is None:
        return None
    basis, p = entry.detail.forecast_reason, entry.drop.probability
    names = ("earliest", "likely", "latest", "probability")
    return {**dict(zip(names, entry.drop, strict=True)), "basis": basis, "p": p, "reason": basis}
