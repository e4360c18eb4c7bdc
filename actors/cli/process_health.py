"""`domain-monitor health --processes`: reads the heartbeats of this instance, on a host that has checkers alone."""

from __future__ import annotations

from common import heartbeat
from common.clock import iso, now
from common.config import Settings


def run(settings: Settings) -> int:
    """Print how the processes are; 0 where all of them work, 1 where a restart can help.

    One that does not reach its coordinator works all the same: it is there for it.
    """
    moment = now()
    beats = heartbeat.read_heartbeats(settings.instance_dir).values()
    silent = [beat.process for beat in beats if beat.silent(moment)]
    if silent or not beats:
        print(f"unhealthy: {'silent: ' + ', '.join(silent) if silent else 'no process is there'}")
        return 1
    troubles = [f"- {beat.process}: {beat.trouble} Since {iso(beat.trouble_since)}." for beat in beats if beat.trouble]
    print("\n".join([f"healthy: {', '.join(beat.process for beat in beats)}", *troubles]))
    return 0
