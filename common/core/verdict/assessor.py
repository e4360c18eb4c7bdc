"""From the evidence of one name to its verdict: builds the situation that `verdicts` decides in."""

from __future__ import annotations

from typing import NamedTuple

from common.core.builtin.suffix_rules import p_registrable_for
from common.core.channels.channels import Channels, zone_of
from common.core.lifecycle.calendar import LearnedCalendar
from common.core.lifecycle.entry_forecast import forecast_of, refresh_forecast
from common.core.lifecycle.forecast import Release, prior_log_odds, release_procedure
from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.evidence import Outcome, Phase
from common.core.model.methods import REGISTRY_METHODS, is_registry
from common.core.model.records import Evidence
from common.core.model.states import ANNOUNCED, OUT_OF_ZONE, State
from common.core.model.verdict import Basis, Situation, Verdict
from common.core.registries.registries import Registries
from common.core.schedule.cadence import Cadence, pass_gap_of
from common.core.trust.conditions import Conditions
from common.core.trust.lies import trust_key
from common.core.trust.server_trust import Trust, canary_window
from common.core.verdict import gates, verdicts
from common.core.verdict.definitive import date_offer, find_offers, recall_offer
from common.core.verdict.learning import hiding_channels, note_pass, verify_pass
from common.core.verdict.likelihoods import P_REGISTRABLE

#: P(registrable | unregistered) of a name never seen registered, while no channel spoke that would say "reserved".
P_UNPROVEN = 0.9
#: How long such a channel is waited for while it is only rate limited, in seconds.
RESERVED_PATIENCE = 900.0
#: Findings that say that the top-level domain itself is gone: only another answer takes their place.
SUFFIX_GONE = frozenset({"dns_suffix_gone", "dns_tld_gone"})


class Assessment(NamedTuple):
    """A verdict and all that it was decided from besides the evidence and the state before."""

    verdict: Verdict
    situation: Situation
    needs: gates.Requirements
    positive: tuple[str, ...]  # methods that say "no object"


class Assessor:
    """Assesses names, with registries, channels and trust as they stand at that moment."""

    def __init__(
        self,
        registries: Registries,
        channels: Channels,
        trust: Trust,
        conditions: Conditions,
        cadence: Cadence,
        calendar: LearnedCalendar | None = None,
    ) -> None:
        self._registries = registries
        self._channels = channels
        self._trust = trust
        self._conditions = conditions
        self._cadence = cadence
        self._calendar = LearnedCalendar() if calendar is None else calendar

    def assess_evidence(self, entry: Entry, now: float) -> Assessment:
        """The verdict on a name as its evidence stands; also refreshes the forecast and the open gates."""
        detail = entry.detail
        refresh_forecast(entry, now, self._calendar)
        needs = self.requirements_of(entry, now)

        def is_verified(method: str, item: Evidence) -> bool:
            row = self._trust.find_row(trust_key(entry, method, item))
            return row is not None and gates.is_server_proven(row, item.at, needs, now)

        verify_pass(entry, needs, is_verified, now)
        run = gates.Run(detail.passes, detail.verified, detail.contradicted_at)
        stands = gates.find_standing(detail.evidence, needs, run, is_verified, now)
        detail.gates, detail.offered = stands.open, stands.offers.kind()
        detail.offered_at = date_offer(detail.evidence, stands.offers) or detail.offered_at
        if not stands.open and detail.basis != Basis.SOURCES:
            detail.basis = stands.basis
        for method in stands.positive:
            item = detail.evidence[method]
            item.canary = self._trust.canary_of(trust_key(entry, method, item), now)
        release = _release_of(entry, now)
        entry.held_until = release.until if release is not None else None
        situation = self._situation_of(entry, stands, release, needs, now)
        return Assessment(
            verdicts.decide_verdict(detail.evidence, situation, entry.state, now), situation, needs, stands.positive
        )

    def note_check(self, entry: Entry, started: float, now: float) -> None:
        """Note a check that began at `started` (epoch seconds) as a pass of an alarm, if it is one."""
        if gates.is_denied(entry.detail.evidence):
            note_pass(entry, self.requirements_of(entry, now), started, now)

    def requirements_of(self, entry: Entry, now: float) -> gates.Requirements:
        """What an alarm about this name needs."""
        wildcard = self._registries.wildcards.is_wildcard(entry.suffix)
        gap = pass_gap_of(entry, self._cadence, now)
        blind = hiding_channels(entry, now)
        found, fresh = self._conditions.find_conditions(entry.suffix, now)
        conditions = [condition for condition in found if condition.method not in blind]
        dns_counts = not wildcard and entry.phase not in OUT_OF_ZONE
        zone_speaks = dns_counts and not self._channels.healths.is_dead(zone_of(entry.suffix), now)
        deleting = entry.phase in (Phase.PENDING_DELETE, Phase.REDEMPTION)
        announced = entry.state in ANNOUNCED and entry.detail.basis != ""
        return gates.Requirements(
            gap=gap,
            dns_counts=dns_counts,
            second_channel=len(conditions) + zone_speaks >= 2,
            quiet=gap if deleting else gates.QUIET,
            suffix_gone=_is_suffix_gone(entry),
            fresh=gates.CONFIRMED if announced else fresh,
            awaited=self._awaited_channels(entry, now),
            wildcard=wildcard,
            announced=announced,
            registered_seen=entry.detail.registered_seen or 0.0,
            blind=blind,
            purged_at=entry.detail.purged_at or 0.0,
            offered_at=entry.detail.offered_at,
            offered=recall_offer(entry.detail.offered, entry.detail.offered_at, now, available=entry.state is State.AVAILABLE),
        )

    def unverified_servers(self, entry: Entry, now: float) -> list[tuple[ChannelKey, float]]:
        """The servers whose canaries an alarm waits for, each with the time of the answer to verify.

        Where two sources agree a verified server will do while passes are missing (time 0): queries are scarce, and only the
        last pass has to be verified afterwards. Of a source alone each pass has to be. Registrars are waited for where no
        channel of the registry denies the name. An announced name whose run was taken away, for a server lied, needs a new one.
        None while a release procedure holds the name back.
        """
        settled = (entry.state is State.AVAILABLE and entry.detail.basis) or entry.is_held(now)
        if settled or not gates.is_denied(entry.detail.evidence):
            return []
        needs = self.requirements_of(entry, now)
        found = gates.positive_methods(entry.detail.evidence, needs, now)
        if not any(is_registry(method) for method in found):
            return []
        conditions, _ = self._conditions.find_conditions(entry.suffix, now)
        waited_for = {"dns", *(condition.method for condition in conditions), *needs.awaited}
        if not any(method in REGISTRY_METHODS for method in found):
            waited_for.update(found)
        items = [(method, entry.detail.evidence[method]) for method in found if method in waited_for]
        last = len(found) < 2 or len(entry.detail.passes) >= gates.AGREEING_PASSES
        return self._find_unverified(entry, [(method, item, item.at if last else 0.0) for method, item in items], needs, now)

    def unverified_others(self, entry: Entry, now: float) -> list[tuple[ChannelKey, float]]:
        """The registry servers that deny a name and that no alarm waits for: once verified they are sources all the same."""
        if entry.state in ANNOUNCED or entry.is_held(now) or not gates.is_denied(entry.detail.evidence):
            return []
        needs = self.requirements_of(entry, now)
        conditions, _ = self._conditions.find_conditions(entry.suffix, now)
        waited_for = {*(condition.method for condition in conditions), *needs.awaited}
        found = [method for method in gates.positive_methods(entry.detail.evidence, needs, now) if method in REGISTRY_METHODS]
        items = [(method, entry.detail.evidence[method]) for method in found if method not in waited_for]
        return self._find_unverified(entry, [(method, item, item.at) for method, item in items], needs, now)

    def unverified_offers(self, entry: Entry, now: float) -> list[tuple[ChannelKey, float]]:
        """The servers of definitive sources whose answer counts once they are verified, each with the time of the answer."""
        if entry.detail.purged_at is None:
            return []
        needs = self.requirements_of(entry, now)
        offers = find_offers(entry.detail.evidence, needs.purged_at, lambda _method, _item: True, now)
        items = [(method, entry.detail.evidence[method]) for method in (*offers.ordinary, *offers.premium, *offers.refused)]
        return self._find_unverified(entry, [(method, item, item.at) for method, item in items], needs, now)

    def _find_unverified(
        self, entry: Entry, items: list[tuple[str, Evidence, float]], needs: gates.Requirements, now: float
    ) -> list[tuple[ChannelKey, float]]:
        """Those of the servers that are not verified after the time that stands with each, and could be."""
        keys = [(trust_key(entry, method, item), at) for method, item, at in items]
        window = canary_window(needs.fresh)
        return [(key, at) for key, at in keys if self._trust.lacks_canary(key, at, now, window)]

    def _situation_of(
        self, entry: Entry, stands: gates.Standing, release: Release | None, needs: gates.Requirements, now: float
    ) -> Situation:
        detail = entry.detail
        return Situation(
            prior=prior_log_odds(entry.phase, detail.expires_epoch, forecast_of(entry, now, self._calendar), now),
            p_registrable=_p_registrable(entry, stands.verified_after),
            phase=entry.phase,
            wildcard=needs.wildcard,
            verified_after=stands.verified_after,
            passes=detail.passes,
            release=release.kind if release is not None else None,
            gates=stands.open,
            expired=detail.expires_epoch is not None and detail.expires_epoch < now,
            verified=detail.verified,
            basis=Basis(detail.basis),
            never_seen=detail.registered_seen is None,
            announced=needs.announced,
            confirmed_by=stands.offers.ordinary,
            premium_by=stands.offers.premium,
            refused_by=stands.offers.refused,
            blind=needs.blind,
        )

    def _awaited_channels(self, entry: Entry, now: float) -> tuple[str, ...]:
        """The channels waited for about a name never seen registered because they would say "reserved"; none after a while."""
        detail = entry.detail
        waited = now - detail.passes[0] if detail.passes else 0.0
        if detail.registered_seen is not None or waited >= RESERVED_PATIENCE:
            return ()
        return tuple(
            key.method
            for key in self._registries.channels_of(entry.suffix)
            if key.method == "whois"
            and not self._trust.is_distrusted(key, now)
            and not self._channels.healths.is_dead(key, now)
        )


def _is_suffix_gone(entry: Entry) -> bool:
    """Whether the root zone has no such top-level domain (any more): whatever its registry answers, no name is registrable."""
    item = entry.detail.trouble.get("dns")
    return item is not None and item.observation.reading.finding in SUFFIX_GONE


def _release_of(entry: Entry, now: float) -> Release | None:
    """The registry's release procedure that a name is in by the calendar, if any."""
    detail = entry.detail
    seen = detail.registered_seen or 0.0
    denied = [
        method
        for method, item in detail.evidence.items()
        if item.at >= seen and item.observation.reading.outcome is Outcome.UNREGISTERED
    ]
    return release_procedure(
        entry.suffix,
        registered_seen=detail.registered_seen,
        purged_at=detail.purged_at,
        denied_by=denied,
        shown_by=detail.shown_by,
        now=now,
        expires=detail.expires_epoch,
    )


def _p_registrable(entry: Entry, proven: frozenset[str]) -> float:
    """P(registrable | unregistered) before the answers are looked at one by one.

    A name that had a holder is registrable by anyone, unless its suffix is not, or its label is of a kind that is sold at
    another price. About others many registries answer "no such object" although they are reserved or premium: there a channel
    that would say so has to have answered, from a verified server (`proven` are the methods of those).
    """
    known, evidence = p_registrable_for(entry.label, entry.suffix), entry.detail.evidence
    if entry.detail.registered_seen is not None:
        return max(known, verdicts.REGISTRABLE) if known >= P_UNPROVEN else known
    stated = any(item.observation.reading.finding in P_REGISTRABLE and method in proven for method, item in evidence.items())
    return known if stated else min(known, P_UNPROVEN)
