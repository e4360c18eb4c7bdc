"""`domain-monitor tail` over a real feed: lines, JSON lines, gaps, and how it ends."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from actors.cli.tail import FeedPrinter, escape_unprintable, print_feed, render_line
from common.bus import Feed

PROGRAM = "import sys; from actors.cli.tail import run; from common.config import load; sys.exit(run('', False, load()))"


def event(seq: int, instance: str = "here", **more: Any) -> dict[str, Any]:
    """An event as the coordinator publishes it."""
    head = {"v": 1, "seq": seq, "type": "event", "ts": 1_800_000_000.0, "instance": instance}
    return {**head, "kind": "available", "domain": "a.com", "event": {"confidence": 0.97}, **more}


def outputs(topic: str, messages: list[dict[str, Any]], *, as_json: bool = False) -> tuple[list[str], list[str]]:
    """Lines on both streams for messages received under the topic of that event."""
    out, err = io.StringIO(), io.StringIO()

    async def story() -> None:
        tail = FeedPrinter(topic, as_json=as_json, out=out, err=err)
        for message in messages:
            tail.receive("state.a.com", message)

    asyncio.run(story())
    return out.getvalue().splitlines(), err.getvalue().splitlines()


def test_it_prints_what_a_real_feed_sends() -> None:
    """It says at once what it waits for, and then prints each message under its topic."""

    async def story() -> None:
        feed = Feed()
        feed.bind("tcp://127.0.0.1:*")
        feed.attach()
        out, err = io.StringIO(), io.StringIO()
        tail = FeedPrinter("state.", as_json=False, out=out, err=err)
        running = asyncio.create_task(print_feed(tail, feed.endpoint))
        while not tail.heard:  # a subscription takes a moment to arrive, and nothing is kept for it
            feed.publish("state.a.com", event(7))
            feed.publish("system.coordinator.here", {"type": "status"})
            await asyncio.wait([running], timeout=0.02)
        running.cancel()
        await asyncio.wait([running])
        feed.close()

        assert f"subscribed at {feed.endpoint} to topics beginning with 'state.', waiting" in err.getvalue()
        assert set(out.getvalue().splitlines()) == {"08:00:00 state.a.com seq=7 kind=available confidence=0.97"}

    asyncio.run(asyncio.wait_for(story(), 20))


def test_missing_events_are_noticed() -> None:
    """A gap in the sequence names the request that fills it; the same event under two topics is no gap."""
    lines, notices = outputs("", [event(5), event(5), event(6), event(9), event(1, "there"), event(2)])

    assert len(lines) == 6
    assert notices == [
        "domain-monitor: 2 events of here were missed; GET /events?after=6 has them",
        "domain-monitor: here began again at event 2",
    ]


def test_events_of_shards_are_missed_where_they_stay_away() -> None:
    """They are printed as they come; any later message says so."""
    out, err, at = io.StringIO(), io.StringIO(), [0.0]
    tail = FeedPrinter("", as_json=False, out=out, err=err, monotonic=lambda: at[0])
    for seconds, shard, seq in ((0.0, 0, 5), (1.0, 1, 8), (2.0, 0, 6)):
        at[0] = seconds
        tail.receive("state.a.com", event(seq, shard=shard))
    at[0] = 9.0
    assert err.getvalue() == ""
    tail.receive("system.coordinator.here", {"type": "status", "shard": 1, "status": {"shard": 1, "ready": True}})
    assert err.getvalue() == "domain-monitor: 1 events were missed; GET /events?after=6 has them\n"
    assert out.getvalue().splitlines()[-1] == "--:--:-- system.coordinator.here shard=1 ready=true"


def test_a_narrow_topic_has_gaps_of_its_own() -> None:
    """Where only some events were asked for, the others are not missing."""
    assert outputs("available.", [event(5), event(9)])[1] == []


def test_json_lines_hold_everything() -> None:
    """With --json each line is one object with its topic, in ASCII, and notices stay off it."""
    lines, notices = outputs("", [event(1, domain="münchen.de\x1b[2J"), event(3)], as_json=True)

    assert [json.loads(line)["seq"] for line in lines] == [1, 3]
    assert json.loads(lines[0])["topic"] == "state.a.com"
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert len(notices) == 1


def test_lines_fit_their_type_and_cannot_steer_a_terminal() -> None:
    """Results and statuses show what matters; strange messages and control characters do no harm."""
    status = {"type": "status", "ts": 0, "status": {"ready": True, "domains": {"total": 3}, "queue": {"due": 1, "leased": 0}}}

    assert render_line("result.dns.a.com", {"type": "result", "ts": 61, "result": "unknown", "duration_ms": 1.5}) == (
        "00:01:01 result.dns.a.com result=unknown duration_ms=1.5"
    )
    assert (
        render_line("system.coordinator.here", status) == "00:00:00 system.coordinator.here ready=true total=3 due=1 leased=0"
    )
    assert render_line("x", {"type": "event", "event": "no map", "ts": 1e300}) == "--:--:-- x"
    assert render_line("x", {"other": "a b\x1b[31m", "ts": "no time"}) == '--:--:-- x other="a b\\u001b[31m"'
    assert escape_unprintable("a\x9b\ud800") == "a\\x9b\\ud800"


def test_ctrl_c_ends_it_with_0(tmp_path: Path) -> None:
    """SIGINT is the normal way out, without a traceback."""
    environ = {**os.environ, "STATE_DIR": str(tmp_path), "FEED_ENDPOINT": f"ipc://{tmp_path}/feed"}
    # A shell that runs the tests in the background has SIGINT ignored, and children inherit that.
    program = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {PROGRAM}"
    with subprocess.Popen([sys.executable, "-c", program], env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            first = process.stderr.readline()
            process.send_signal(signal.SIGINT)
            _, rest = process.communicate(timeout=30)
        finally:
            process.kill()

    assert "to every topic, waiting; Ctrl-C ends" in first
    assert (process.returncode, rest) == (0, "")


def test_a_closed_pipe_ends_it_with_0(tmp_path: Path) -> None:
    """The program that reads the output may stop reading."""

    async def story() -> int:
        feed = Feed()
        feed.bind("tcp://127.0.0.1:*")
        feed.attach()
        reading, writing = os.pipe()
        environ = {**os.environ, "STATE_DIR": str(tmp_path), "FEED_ENDPOINT": feed.endpoint}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, env=environ, stdout=writing, stderr=subprocess.DEVNULL
        )
        os.close(writing)
        os.close(reading)
        ended = asyncio.create_task(process.wait())
        while not ended.done():
            feed.publish("state.a.com", event(1))
            await asyncio.wait([ended], timeout=0.02)
        feed.close()
        return await ended

    assert asyncio.run(asyncio.wait_for(story(), 20)) == 0
