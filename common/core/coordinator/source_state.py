"""What is known of sources from budgets, canaries and answers: taken from the running rooms, or from the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from common.core.model.channel import ChannelKey
from common.core.model.limit import Limit
from common.core.model.records import TrustRow
from common.core.model.source_row import Entitled, SourceBudget, SourceTrust, Trusted
from common.core.rate_limits.bucket import DAY
from common.core.rate_limits.policy import Kind
from common.core.rate_limits.saved import decode_saved
from common.core.registries.directory import host_of
from common.core.trust.server_trust import ALL_SUFFIXES, is_verified

#: Longest text of a row, in characters.
_LONGEST = 300
_FORBIDDEN = f"{Kind.BANNED}: "
_NOT_ASKED = "not asked yet since the start, or since its budget was reset"


class SourceState:
    """`budgets` are rows of `Budgets.snapshot`, `proved` says when a channel last proved something.

    `started` is when this run began, `resets` when the budgets of operators were reset in it: an answer of before says nothing
    about whether the key of now is let in. Times in epoch seconds.
    """

    def __init__(
        self,
        now: float,
        *,
        budgets: Iterable[Mapping[str, Any]] = (),
        trust: Iterable[TrustRow] = (),
        proved: Mapping[ChannelKey, float] | None = None,
        started: float = 0.0,
        resets: Mapping[str, float] | None = None,
    ) -> None:
        self._now = now
        self._started = started
        self._resets = resets or {}
        self._budgets = list(budgets)
        self._trust: dict[str, list[TrustRow]] = {}
        for row in trust:
            self._trust.setdefault(row.method, []).append(row)
        self._proved: dict[str, list[tuple[str, float]]] = {}
        for key, at in (proved or {}).items():
            self._proved.setdefault(key.method, []).append((key.server, at))

    def budget_of(self, operator: str, limit: Limit | None = None) -> SourceBudget:
        """What is left for one operator with a limit; without one for all operators whose names begin with `operator`."""
        rows = self._rows_of(operator)
        blocked = [row for row in rows if row["blocked_until"] is not None]
        until = min((row["blocked_until"] for row in blocked), default=None) if len(blocked) == len(rows) else None
        used = sum(row["used_today"] for row in rows)
        reason = _cut(blocked[0]["reason"]) if blocked else ""
        operators, limiting = ({row["operator"] for row in some} for some in (rows, blocked))
        shared = SourceBudget(
            used_today=used, operators=len(operators), blocked=len(limiting), blocked_until=until, reason=reason
        )
        if limit is None:
            return shared
        tokens = [row["tokens"] for row in rows if row["tokens"] is not None]
        return SourceBudget(
            rate=sum(row["rate"] for row in rows) if rows else limit.rate,
            tokens=sum(tokens) if tokens else None,
            used_today=used,
            per_day=limit.per_day,
            operators=shared.operators,
            blocked=shared.blocked,
            blocked_until=until,
            reason=reason,
        )

    def trust_of(self, method: str, server: str) -> SourceTrust:
        """What canaries found at all servers of a method, or at one ("host[:port]")."""
        found = [row for row in self._trust.get(method, ()) if not server or row.server == host_of(server)]
        rows = [row for row in found if row.suffix != ALL_SUFFIXES]
        verified = sum(is_verified(row, self._now) for row in rows)
        cached = next((row.reason for row in found if row.suffix == ALL_SUFFIXES and row.failed_at > row.registered_ok), "")
        caught = max(rows, key=lambda row: row.quarantined_until, default=None)
        if caught is not None and caught.quarantined_until > self._now:
            state, until, reason = Trusted.QUARANTINED, caught.quarantined_until, _cut(caught.reason)
        elif cached:
            state, until, reason = Trusted.QUARANTINED, None, _cut(cached)
        else:
            state, until, reason = Trusted.VERIFIED if verified else Trusted.UNVERIFIED, None, ""
        return SourceTrust(state=state, verified=verified, channels=len(rows), quarantined_until=until, reason=reason)

    def last_success(self, method: str, server: str) -> float | None:
        """When all servers of a method, or one ("host[:port]"), last proved something or passed a canary, in epoch seconds."""
        times = [at for host, at in self._proved.get(method, ()) if not server or host == host_of(server)]
        passed = [row for row in self._trust.get(method, ()) if not server or row.server == host_of(server)]
        times += [max(row.registered_ok, row.free_ok) for row in passed]
        return max(times, default=0.0) or None

    def entitlement(self, operator: str, success: float | None) -> tuple[Entitled, str]:
        """Whether a source serves us, and why not: its last word on that, from every egress.

        `success`: when it last proved something. A name of an operator that ends with "/" stands for all that begin so.
        """
        words = [row["complaint"] for row in self._rows_of(operator)]
        if words and not operator.endswith("/") and all(word.startswith(_FORBIDDEN) for word in words):
            return Entitled.NO, _cut(words[0].removeprefix(_FORBIDDEN))
        if success is None:
            return Entitled.UNKNOWN, ""
        return (Entitled.YES, "") if success >= self._asked_since(operator) else (Entitled.UNKNOWN, _NOT_ASKED)

    def trouble_of(self, operator: str, budget: SourceBudget, entitled: Entitled, reason: str) -> str:
        """What is wrong with a source now, in one sentence; "" where nothing is."""
        if budget.blocked_until is not None:
            said, remedy = budget.reason, ""
            if entitled is Entitled.NO:
                said, remedy = reason, _explain_remedy(operator)
            span = show_span(budget.blocked_until - self._now)
            return _cut(f"{said[:200]}, next try in {span}{remedy}")
        if budget.blocked:
            return _cut(f"{budget.blocked} of {budget.operators} operators limit us, one of them: {budget.reason}")
        return _cut(f"{reason[:200]}, next try with the next query") if entitled is Entitled.NO else ""

    def _asked_since(self, operator: str) -> float:
        return max(self._started, self._resets.get(operator, 0.0))

    def _rows_of(self, operator: str) -> Sequence[Mapping[str, Any]]:
        if operator.endswith("/"):
            return [row for row in self._budgets if row["operator"].startswith(operator)]
        return [row for row in self._budgets if row["operator"] == operator]


def read_saved_budgets(text: str, now: float) -> list[dict[str, Any]]:
    """What the store keeps of budgets, as rows of `Budgets.snapshot`; tokens are not stored. `now` in epoch seconds."""
    rows = []
    for key, saved in decode_saved(text).items():
        operator, _, egress = key.partition("|")
        blocked = now < saved.blocked_until <= now + DAY
        rows.append(
            {
                "operator": operator,
                "egress": egress,
                "rate": saved.rate,
                "tokens": None,
                "blocked_until": saved.blocked_until if blocked else None,
                "reason": saved.reason if blocked else "",
                "complaint": saved.reason if saved.complaints else "",
                "used_today": saved.used if saved.day == now // DAY else 0,
            }
        )
    return rows


def _explain_remedy(operator: str) -> str:
    """How the pause after a refusal ends sooner. Sessions of EPP keep one of their own, which ends with their process."""
    if operator.startswith("epp/"):
        return ", or at once after a restart with other credentials"
    return f", or at once after POST /budgets/{operator}/reset"


def show_span(seconds: float) -> str:
    """Seconds as people say them, such as "14 min"; never "0 s"."""
    for unit, size, most in (("s", 1, 90), ("min", 60, 5400), ("h", 3600, 172_800)):
        if seconds < most:
            return f"{max(1, round(seconds / size))} {unit}"
    return f"{round(seconds / 86_400)} days"


def _cut(text: str) -> str:
    return text[:_LONGEST]
