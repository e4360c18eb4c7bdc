"""The promises, kept by the real processes: killed one after the other while names drop, read as a customer reads.

One stack serves the whole file; the last tests look back at everything that happened in it.
"""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.reader import Reader, reading
from tests.e2e.site import Site, until
from tests.lab import net, story
from tests.lab.lab import Lab
from tests.lab.scoring import score
from tests.lab.story import Alarm, Role, Scene

pytestmark = pytest.mark.timeout(120)

CADENCE = {
    "CHECK_INTERVAL": "3",
    "PRIORITY_CHECK_INTERVAL": "1",
    "CONFIRM_GAP": "2",
    "CONFIRM_GAP_CLOSE": "1",
    "CALLBACK_RESULTS": "changes",
    "FAST_CHECKERS": "2",
}
#: Seconds from a purge to its notice, a killed process included: its leases run out, or its successor has to start first.
DROP_SECONDS = 25.0
#: The process that hangs; it has a twin, so that the work goes on without it.
HUNG = "checker-fast-1"

#: Which process dies while which name drops.
DEATHS = {
    "watchdog": "guard-post.com",
    "control": "open-window.org",
    "checker-fast-0": "first-look.com",
    "checker-intermediate-0": "second-look.org",
    "checker-deep-0": "djupt-vatten.se",
    "notifier-0": "late-word.co.uk",
    "coordinator": "lost-thread.com",
}
IN_FLIGHT = {"notifier-0": "half-a-word.org", "coordinator": "half-a-thread.de"}
TWICE = "knocked-down-twice.com"
DROPS = [*DEATHS.values(), *IN_FLIGHT.values(), TWICE]
STAYING = ["granite-press.com", "harvest-moon.org", "harbour-books.co.uk", "bla-stuga.se", "blaue-stunde.de"]
CAST = [Role(name, Scene.LAST_DAY, Alarm.MUST, priority=True) for name in DROPS] + [Role(name) for name in STAYING]


def _furnish(lab: Lab) -> None:
    story.stage(lab.registry, CAST)
    lab.customer.set_watch([*DROPS, *STAYING, "no such name"], priority=DROPS)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The stack; one of its processes hangs from the second test on."""
    with Site.open(tmp_path_factory.mktemp("stack"), CADENCE, _furnish) as opened:
        names = len(DROPS) + len(STAYING)
        until(lambda: opened.call("/status").json()["coordinator"]["domains"].get("total") == names, 20, "the list", 0.1)
        until(lambda: len(opened.events()) >= len(DROPS), 20, "what was pending at the start", 0.1)
        yield opened


@pytest.fixture(scope="module")
def reader(site: Site) -> Iterator[Reader]:
    """A subscriber that comes late: the first events are over."""
    with reading(site.stack.feed, "state.", "available.", "system.") as opened:
        until(lambda: opened.heard, 10, "the first message of the feed")
        yield opened


@pytest.fixture(scope="module")
def foreign(site: Site) -> Iterator[subprocess.Popen[str] | None]:
    """A subscriber in another language, where node and its packages (found by NODE_PATH) are installed."""
    node = shutil.which("node")
    needed = "require('zeromq'); require('@msgpack/msgpack')"
    if node is None or subprocess.run([node, "-e", needed], capture_output=True, timeout=20, check=False).returncode:
        yield None
        return
    command = [node, str(Path(__file__).with_name("feed_reader.js")), site.stack.feed, site.stack.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        yield child
        child.kill()


def _drops(site: Site, name: str) -> None:
    until(lambda: site.told(name), DROP_SECONDS, f"a notice about {name}")


# what answers


def _documented(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def test_every_documented_call_answers_with_its_documented_content(site: Site) -> None:
    """Each operation of /openapi.json, the README's among them, answers with a status, a type and a body that it documents."""
    delivery = site.call("/deliveries?limit=1").json()["deliveries"][0]["id"]
    operator = site.call("/status").json()["coordinator"]["budgets"][0]["operator"]
    filled = {"/domain/{name}": STAYING[0], "/domain/{name}/check": STAYING[0], "/static/{name}": "app.js"}
    promised = {
        "/health", "/ready", "/status", "/domains", "/domain/{name}", "/refresh", "/domain/{name}/check", "/metrics",
        "/metrics/prometheus", "/metrics/reset", "/events", "/drops", "/drops.ics", "/deliveries", "/deliveries/{id}/replay",
        "/problems", "/openapi.json", "/", "/budgets/{operator}/reset",
    }  # fmt: skip
    document = site.call("/openapi.json").json()
    calls = list(_documented(document))
    assert promised <= {path for path, _, _ in calls}
    for path, method, operation in calls:
        target = path.replace("{name}", filled.get(path, "")).replace("{id}", delivery).replace("{operator}", operator)
        answer = site.call(target, method)
        documented = operation["responses"].get(str(answer.status), {})
        assert 200 <= answer.status < 300, (path, method, answer)
        assert answer.type in documented.get("content", {}), (path, method, answer.type)
        if "json" in answer.type:
            schema = {**documented["content"][answer.type]["schema"], "components": document["components"]}
            found = Draft202012Validator(schema).iter_errors(answer.json())
            assert [f"{path} {error.json_path}: {error.message}"[:300] for error in found] == []


def test_one_name_tells_its_evidence_history_and_next_check(site: Site) -> None:
    """A name in its last days shows what each method said, when it is expected to drop and what was told about it."""
    told = site.call(f"/domain/{TWICE}").json()

    assert told["state"] == "PENDING_DELETE"
    assert {"server", "time", "outcome", "finding"} <= told["evidence"]["rdap"].keys()
    assert told["history"][0]["kind"] == "pending_delete"
    assert told["forecast"]["likely"] > time.time()
    assert told["next_check"] > time.time() - 5


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("GET", "/domains?limit=many", {}, None, 400),
        ("GET", "/domains?state=ASLEEP", {}, None, 400),
        ("GET", "/domains?cursor=%00", {}, None, 400),
        ("GET", "/events?after=-1", {}, None, 400),
        ("GET", "/events", {"Accept": "text/event-stream", "Last-Event-ID": "x"}, None, 400),
        ("GET", "/domain/no%20name", {}, None, 400),
        ("POST", "/refresh", {"Content-Type": "application/json"}, b"{", 400),
        ("GET", "/domain/nobody-watches-this.com", {}, None, 404),
        ("GET", "/nothing", {}, None, 404),
        ("POST", "/deliveries/no-such-id/replay", {}, None, 404),
        ("DELETE", "/health", {}, None, 405),
        ("POST", "/status", {}, None, 405),
        ("POST", "/refresh", {"Content-Type": "application/json"}, b'"' + b"x" * 70_000 + b'"', 413),
        ("POST", "/refresh", {"Content-Type": "text/plain"}, b"please", 415),
    ],
)
def test_bad_calls_are_told_so(
    site: Site, method: str, path: str, headers: dict[str, str], body: bytes | None, status: int
) -> None:
    """What cannot be served is refused with its status and a problem that says why."""
    answer = site.call(path, method, headers=headers, body=body)

    assert answer.status == status
    assert answer.type == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]


def test_bytes_that_are_no_http_are_a_problem(site: Site) -> None:
    """Garbage on the port is answered with 400 and a problem, and the connection ends."""
    with socket.create_connection((net.HOST, site.stack.control_port), timeout=10) as raw:
        raw.sendall(b"\x16\x03\x01 what is this\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(4096), b""))

    assert b" 400 " in answer.split(b"\r\n", 1)[0]
    assert b"application/problem+json" in answer


def test_prometheus_accepts_the_metrics(site: Site) -> None:
    """The exposition passes Prometheus' own check."""
    tool = shutil.which("promtool")
    answer = site.call("/metrics", headers={"Accept": "text/plain;version=0.0.4"})
    assert answer.type == "text/plain"
    assert b"\ndomain_monitor_" in answer.body
    if tool is None:
        pytest.skip("promtool is not installed")
    checked = subprocess.run([tool, "check", "metrics"], input=answer.body, capture_output=True, timeout=20, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_event_stream_goes_on_where_it_was_left(site: Site) -> None:
    """Server-sent events after a Last-Event-ID begin with the next event, with its sequence as id."""
    first, second = [event["seq"] for event in site.events()[:2]]
    with socket.create_connection((net.HOST, site.stack.control_port), timeout=10) as raw:
        lines = ("GET /events HTTP/1.1", "Host: localhost", "Accept: text/event-stream", f"Last-Event-ID: {first}", "", "")
        raw.sendall("\r\n".join(lines).encode())
        text = b""
        while b"\ndata: " not in text:
            text += raw.recv(4096)

    assert b"text/event-stream" in text
    assert f"id: {second}\n".encode() in text


# what is killed


@pytest.mark.parametrize(("process", "name"), DEATHS.items())
def test_a_killed_process_comes_back_and_no_drop_is_lost(
    site: Site, reader: Reader, foreign: subprocess.Popen[str] | None, process: str, name: str
) -> None:
    """Kill -9 between the purge and its notice: supervisord starts the process again, the notice comes."""
    assert reader.heard
    assert foreign is None or foreign.poll() is None
    site.until_asked(name, site.purge(name))
    pid = site.kill(process)

    _drops(site, name)
    site.until_back(process, pid)
    if process == "watchdog":
        site.kill(HUNG, signal.SIGSTOP)


@pytest.mark.parametrize(("process", "name"), IN_FLIGHT.items())
def test_a_death_while_the_notice_is_posted_repeats_it(site: Site, reader: Reader, process: str, name: str) -> None:
    """Kill -9 after the receiver got the notice and before it answered: it comes again with the same id and the same body."""
    assert reader.heard
    site.do(lambda lab: lab.faults.add("callback", "silence", names=[name]))
    site.purge(name)
    until(lambda: _posts(site, name), DROP_SECONDS, "the POST that nobody answers")
    pid = site.kill(process)
    site.do(lambda lab: lab.faults.clear("callback"))

    _drops(site, name)
    site.until_back(process, pid)
    posts = _posts(site, name)
    assert len(posts) >= 2
    assert len(set(posts)) == 1


def test_two_quick_deaths_of_the_coordinator_lose_nothing(site: Site, reader: Reader) -> None:
    """Kill -9, and again as soon as its successor runs."""
    assert reader.heard
    site.until_asked(TWICE, site.purge(TWICE))
    first = site.kill("coordinator")
    until(lambda: site.pid("coordinator") != first, 20, "a successor", 0.05)
    second = site.kill("coordinator")

    _drops(site, TWICE)
    site.until_back("coordinator", second)


def _posts(site: Site, name: str) -> list[tuple[str, bytes]]:
    """(id, body) of every POST of an available notice about `name`, answered or not."""
    received = site.do(lambda lab: list(lab.customer.received))
    return [
        (item.id, item.body)
        for item in received
        if item.is_notice and item.data.get("domain") == name and item.data["status"] == "available"
    ]


# what happened


def test_names_that_are_taken_again_are_reported_too(site: Site) -> None:
    """A dropped name is registered again: a second notice, after the first."""
    for name in (TWICE, *IN_FLIGHT.values()):
        site.do(lambda lab, name=name: lab.registry.catch(name))
    for name in (TWICE, *IN_FLIGHT.values()):
        until(lambda name=name: site.told(name, "registered"), 25, f"the end of {name}")


def test_a_hung_process_is_replaced(site: Site) -> None:
    """A process that is stopped, not ended, is killed by the watchdog after its silence and started again."""
    (hung,) = [pid for _, process, pid in site.signals if process == HUNG]

    site.until_back(HUNG, hung, 60)


def test_every_drop_was_told_once_and_nothing_else(site: Site) -> None:
    """Exactly one event and one id per drop, no alarm about a name that stayed."""
    result = site.do(lambda lab: score(lab.registry.log, lab.customer.notices(), CAST))
    kinds = [(event["domain"], event["kind"]) for event in site.events()]
    ids = {(item.data["domain"], item.id) for name in DROPS for item in site.told(name)}

    assert result.clean, (result.missed, result.false)
    assert sorted(result.seen) == sorted(DROPS)
    assert sorted(name for name, kind in kinds if kind == "available") == sorted(DROPS)
    assert len(ids) == len(DROPS)
    assert not [name for name, _ in kinds if name in STAYING]


def test_every_callback_was_signed_frozen_and_in_order(site: Site) -> None:
    """Valid token and signature on each POST; one id, one body; the notices of a name by their sequence."""
    received = site.do(lambda lab: list(lab.customer.received))
    bodies: dict[str, set[bytes]] = defaultdict(set)
    orders: dict[str, list[int]] = defaultdict(list)
    for item in received:
        bodies[item.id].add(item.body)
        if item.is_notice:
            orders[str(item.data["domain"])].append(int(str(item.data["seq"])))

    assert received
    assert [item.view() for item in received if not item.valid] == []
    assert set(map(len, bodies.values())) == {1}
    assert {name: seqs for name, seqs in orders.items() if seqs != sorted(seqs)} == {}


def test_the_feed_has_no_gap_that_events_do_not_fill(site: Site, reader: Reader) -> None:
    """Sequences only grow; one is missing only where the publisher was killed; /events has all of them, with the same ids."""
    kept = {event["seq"]: event for event in site.events()}
    until(lambda: reader.events() and reader.events()[-1].content["seq"] == max(kept), 5, "the last event on the feed")
    heard = reader.events()
    deaths = [at for at, process, _ in site.signals if process == "coordinator"]
    gaps = [
        (before.content["seq"], after.content["seq"])
        for before, after in itertools.pairwise(heard)
        if after.content["seq"] != before.content["seq"] + 1 and not any(before.at - 1 <= at <= after.at for at in deaths)
    ]

    assert gaps == []
    assert [item.content["seq"] for item in heard] == sorted({item.content["seq"] for item in heard})
    assert sorted(kept) == list(range(1, max(kept) + 1))
    assert all(item.content["id"] == kept[item.content["seq"]]["id"] for item in heard)
    assert all(item.content["event"] == kept[item.content["seq"]]["body"] for item in heard)


def test_every_message_of_the_feed_has_the_promised_form(reader: Reader) -> None:
    """Version, sequence, type, time and instance in each; `available.` repeats an event of `state.`."""
    available = [item for item in reader.heard if item.topic.startswith("available.")]
    states = {item.topic.partition(".")[2] + str(item.content["seq"]): item.content for item in reader.events()}

    assert available
    for item in reader.heard:
        assert item.content["v"] == 1
        assert item.content["instance"] == "lab"
        assert {"seq", "type", "ts"} <= item.content.keys()
    for item in available:
        assert states[item.topic.partition(".")[2] + str(item.content["seq"])] == item.content


def test_a_subscriber_in_another_language_misses_nothing(site: Site, foreign: subprocess.Popen[str] | None) -> None:
    """Node.js with zeromq and @msgpack/msgpack: every event once and in order, gaps filled from /events."""
    if foreign is None:
        pytest.skip("node, zeromq and @msgpack/msgpack are not installed")
    foreign.terminate()
    said, trouble = foreign.communicate(timeout=20)
    *lines, summary = said.splitlines()
    told = json.loads(summary)

    assert trouble == ""
    assert not told["gap"]
    assert told["malformed"] == 0
    assert [int(line.split()[0]) for line in lines] == [event["seq"] for event in site.events()]
    assert sum("(feed)" in line for line in lines) >= len(DROPS)


def test_nothing_crashed_and_it_stops_cleanly(site: Site) -> None:
    """No crash dump but our kills; healthy to the end; SIGTERM ends everything with status 0 and leaves no process behind."""
    until(lambda: site.call("/health").status == 200, 20, "health after all that", 0.2)

    assert site.stack.crashes() == []
    assert site.stop() == []
