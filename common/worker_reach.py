"""Tells people that a worker does not reach its coordinator: in its log, now and then, and in its heartbeat."""

from __future__ import annotations

from common.clock import monotonic, now
from common.process import Runtime

#: Seconds without a coordinator before that is told: over a network, and on one host, where it may still read its names.
REMOTE_PATIENCE, LOCAL_PATIENCE = 15.0, 120.0
#: Seconds between two lines about it: at first, and at most.
REPEAT_AFTER, REPEAT_AT_MOST = 30.0, 1800.0


class ReachLog:
    """Remembers since when the coordinator is not reached, and what was told of it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._since: float | None = None
        self._next_line = 0.0  # 0 where nothing was told
        self._gap = REPEAT_AFTER

    def note(self, trouble: str, *, remote: bool) -> None:
        """Note the present trouble, "" for none; call it often. `remote`: whether the coordinator is on another host."""
        moment = monotonic()
        if not trouble:
            self._note_reached(moment)
            return
        if self._since is None:
            self._since = moment
        silent = moment - self._since
        if silent < (REMOTE_PATIENCE if remote else LOCAL_PATIENCE):
            return
        self._runtime.trouble, self._runtime.trouble_since = trouble, now() - silent
        if moment >= self._next_line:
            self._runtime.log.error("coordinator_unreachable", seconds=round(silent), reason=trouble)
            self._next_line, self._gap = moment + self._gap, min(2 * self._gap, REPEAT_AT_MOST)

    def _note_reached(self, moment: float) -> None:
        if self._next_line and self._since is not None:
            self._runtime.log.info("coordinator_reached", after=round(moment - self._since))
        self._since, self._next_line, self._gap = None, 0.0, REPEAT_AFTER
        self._runtime.trouble = ""
