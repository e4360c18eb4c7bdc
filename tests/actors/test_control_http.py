"""The HTTP interface as a client sees it: names, callbacks, problems, and which clients may change what."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from actors.control import dashboard, openapi
from actors.control.app import build_app
from actors.control.routes import build_routes
from common.core.domains.last_look import LastLook
from common.core.model.records import DeliveryRow, LedgerRow, ProblemRow
from common.core.parsers.dns_fast import DELEGATED
from common.reachable_endpoint import connectable_endpoint
from tests.actors.control_lab import NOW, Lab, domain_row, event_row, serving

BAD_REQUESTS = [
    "/domains?limit=0",
    "/domains?limit=1001",
    "/domains?limit=abc",
    "/domains?limit=5&limit=6",
    "/domains?limit=%C2%B2",
    "/domains?state=NOPE",
    "/domains?cursor=!!!",
    "/domains?cursor=bm90LW91cnM",
    "/domains?tld=a..b%20",
    "/domains?q=" + "x" * 101,
    "/domains?q=%00",
    "/domain/localhost",
    "/domain/com",
    "/domain/" + "x" * 300 + ".com",
    "/domain/%00",
    "/domain/%2e%2e%2fadmin",
    "/events?after=-1",
    "/events?after=99999999999999999999",
    "/drops?within=0",
    "/drops?within=nan",
    "/drops?within=1e99",
    "/deliveries?state=lost",
    "/metrics?include_timers=maybe",
    "/problems?limit=x",
]


@pytest.mark.parametrize("suffix", ["0" * 64, "0." + "0" * 200, "%C3%BC" * 63, "%E2%98%83", "%CD%B8", "xn--a"])
@pytest.mark.parametrize("path", ["/domains", "/drops", "/drops.ics"])
def test_a_suffix_that_cannot_be_is_no_error(path: str, suffix: str, tmp_path: Path) -> None:
    """The description allows it, for no pattern can say which texts are labels; nothing is under it."""
    lab = Lab(tmp_path)

    async def story() -> int:
        async with serving(lab), lab.http.get(f"{lab.url}{path}?tld={suffix}") as answer:
            return answer.status

    assert asyncio.run(story()) == 200


def test_names_are_listed_page_by_page(tmp_path: Path) -> None:
    """A page names the next one by an opaque cursor, and filters reach the store in its own form."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = [domain_row(f"name{n}.com") for n in range(3)]
            status, first = await lab.get("/domains?limit=2&state=pending_delete&tld=.COM&q=M%C3%BCller")
            again, second = await lab.get(f"/domains?limit=2&cursor={first['cursor']}")

            assert (status, again) == (200, 200)
            assert [row["domain"] for row in first["domains"] + second["domains"]] == ["name0.com", "name1.com", "name2.com"]
            assert second["cursor"] is None
            assert lab.reader.asked[0] == {
                "state": "PENDING_DELETE",
                "tld": "com",
                "q": "xn--mller-kva",
                "cursor": None,
                "limit": 2,
            }

    asyncio.run(story())


def test_a_name_shows_its_evidence_forecast_and_history(tmp_path: Path) -> None:
    """The detail of a name holds everything that the verdict rests on, and is found by its Unicode form too."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = [domain_row("xn--mller-kva.de")]
            lab.reader.log = [event_row(1, "xn--mller-kva.de"), event_row(2, "other.com")]
            lab.reader.judgements = [LedgerRow("xn--mller-kva.de", NOW, "decision", "PENDING_DELETE", False, "1-ab", b"")]
            status, name = await lab.get("/domain/M%C3%BCller.de")

            assert status == 200
            assert (name["domain"], name["unicode"], name["state"]) == ("xn--mller-kva.de", "müller.de", "PENDING_DELETE")
            assert name["gates"] == ["a second positive is missing"]
            assert name["forecast"]["likely"] == NOW + 7200
            assert name["forecast"]["reason"] == "five days after pending delete began"
            evidence = name["evidence"]["rdap"]
            assert (evidence["server"], evidence["address"], evidence["outcome"]) == (
                "rdap.example",
                "192.0.2.1:443",
                "registered",
            )
            assert (evidence["time"], evidence["status"], evidence["excerpt"]) == (NOW - 60, 200, "<b>raw</b>")
            assert [entry["body"]["status"] for entry in name["history"]] == ["pending_delete"]
            assert name["judged"] == {"time": NOW, "kind": "decision", "state": "PENDING_DELETE", "rules": "1-ab"}

    asyncio.run(story())


def test_a_swept_name_shows_what_the_sweep_saw(tmp_path: Path) -> None:
    """The younger DNS answer counts, with its server, address and time; other evidence stays."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = [domain_row(), domain_row("never.com", detail=b"")]
            look = LastLook(NOW - 5, NOW + 3595, NOW - 5, NOW - 7205, 0, DELEGATED, "192.0.2.53:53/udp")
            lab.reader.looks = {"example.com": look, "never.com": look}
            for name, methods in (("example.com", ["dns", "rdap"]), ("never.com", ["dns"])):
                status, shown = await lab.get(f"/domain/{name}")
                evidence = shown["evidence"]

                assert (status, list(evidence)) == (200, methods)
                assert (evidence["dns"]["server"], evidence["dns"]["address"]) == ("com", "192.0.2.53:53/udp")
                assert (evidence["dns"]["time"], evidence["dns"]["first_time"]) == (NOW - 5, NOW - 7205)
                assert evidence["dns"]["outcome"] == "registered"

    asyncio.run(story())


def test_a_new_name_has_no_time_for_its_first_look(tmp_path: Path) -> None:
    """It is null rather than a moment in 1970."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = [domain_row("new.com", state="UNKNOWN", checked_at=None, next_check=0.0, detail=b"")]
            _, shown = await lab.get("/domains")

            assert (shown["domains"][0]["checked_at"], shown["domains"][0]["next_check"]) == (None, None)

    asyncio.run(story())


def test_unreadable_detail_does_not_hide_the_name(tmp_path: Path) -> None:
    """A row whose detail is damaged is shown without it."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = [domain_row(detail=b"\xc1 no msgpack")]
            status, name = await lab.get("/domain/example.com")

            assert (status, name["state"], name["evidence"]) == (200, "PENDING_DELETE", {})

    asyncio.run(story())


@pytest.mark.parametrize("path", BAD_REQUESTS)
def test_bad_input_is_a_problem_of_the_caller(path: str, tmp_path: Path) -> None:
    """Each bad value answers 400 as problem+json and says what would be right."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab, lab.http.get(lab.url + path) as answer:
            problem = await answer.json(content_type="application/problem+json")

            assert answer.status == 400
            assert {"type", "title", "status", "detail", "instance"} <= problem.keys()
            assert problem["status"] == 400

    asyncio.run(story())


def test_what_is_not_there_is_a_problem_too(tmp_path: Path) -> None:
    """Unknown names, paths, files, ids and wrong methods are problems with the right status."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            assert (await lab.get("/domain/unknown.com"))[1]["code"] == "not_watched"
            assert (await lab.get("/domain/www.example.com"))[1]["code"] == "subdomain"
            for path in (
                "/domain/unknown.com",
                "/domain/www.example.com",
                "/domain/xn--0.com",
                "/nowhere",
                "/static/main.py",
                "/static/..%2fmain.py",
            ):
                status, problem = await lab.get(path)
                assert (path, status, problem["status"]) == (path, 404, 404)
            assert (await lab.post("/deliveries/none/replay"))[0] == 404
            assert (await lab.post("/domain/unknown.com/check"))[0] == 404
            async with lab.http.delete(lab.url + "/domains") as answer:
                assert answer.status == 405
                assert "GET" in answer.headers["Allow"]
                assert answer.content_type == "application/problem+json"

    asyncio.run(story())


def test_an_unexpected_failure_is_500_without_its_cause(tmp_path: Path) -> None:
    """An unforeseen error answers 500 and gives nothing away."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = [object()]  # type: ignore[list-item]
            status, problem = await lab.get("/domains")

            assert (status, problem["title"]) == (500, "Internal Server Error")
            assert "object" not in json.dumps(problem)

    asyncio.run(story())


def test_without_a_store_it_waits_and_recovers(tmp_path: Path) -> None:
    """No store yet, or a damaged one, is 503 with Retry-After; the next request after it came back succeeds."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.missing = True
            for path in ("/domains", "/domain/example.com", "/events", "/drops", "/drops.ics", "/deliveries", "/problems"):
                status, problem = await lab.get(path)
                assert (path, status) == (path, 503)
                assert "not there yet" in problem["detail"]
            assert (await lab.get("/status"))[1]["store"]["available"] is False
            lab.missing = False
            assert (await lab.get("/domains"))[0] == 200
            lab.reader.broken = True
            assert (await lab.get("/domains"))[0] == 503
            lab.reader.broken = False
            assert (await lab.get("/domains"))[0] == 200

            assert lab.reader.closed == 1

    asyncio.run(story())


def test_the_dashboard_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    """The page and its files are served, refer to nothing outside, and never write markup from data."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            texts = {}
            for path in ("/", *(f"/static/{name}" for name in dashboard.static_files())):
                async with lab.http.get(lab.url + path) as answer:
                    assert answer.status == 200
                    texts[path] = await answer.text()
            for path, text in texts.items():
                outside = text.replace("http://www.w3.org/2000/svg", "")
                assert "://" not in outside, path
                assert "innerHTML" not in text, path
            assert "<script>" not in texts["/"]
            assert "style=" not in texts["/"]

    asyncio.run(story())


def test_callbacks_and_list_problems_are_listed(tmp_path: Path) -> None:
    """Deliveries by state with their last error; entries that cannot be monitored with their reason."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.callbacks = [
                DeliveryRow(
                    "e1", "notice", "a.com", 1, b'{"x":1}', state="parked", attempts=9, last_status=500, last_error="500"
                ),
                DeliveryRow("e2", "notice", "b.com", 1, b"\xff"),
            ]
            lab.reader.entries = [ProblemRow("foo bar", "bad_character", "holds a space")]
            parked = (await lab.get("/deliveries?state=parked"))[1]
            assert [(row["id"], row["attempts"], row["body"]) for row in parked["deliveries"]] == [("e1", 9, {"x": 1})]
            assert len((await lab.get("/deliveries"))[1]["deliveries"]) == 2
            assert (await lab.get("/problems"))[1]["problems"] == [
                {"entry": "foo bar", "code": "bad_character", "reason": "holds a space"}
            ]

    asyncio.run(story())


def test_the_description_matches_the_application(tmp_path: Path) -> None:
    """/openapi.json describes exactly the operations that the application answers."""

    async def story() -> None:
        lab = Lab(tmp_path)
        routed = {
            (route.method, route.resource.canonical)
            for route in build_app(lab.control).router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
        async with serving(lab):
            document = (await lab.get("/openapi.json"))[1]
        described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}

        assert document["openapi"] == "3.1.0"
        assert described == routed
        operations = [operation for item in document["paths"].values() for operation in item.values()]
        assert len({operation["operationId"] for operation in operations}) == len(operations)
        limit = next(p for p in document["paths"]["/domains"]["get"]["parameters"] if p["name"] == "limit")
        assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}

    asyncio.run(story())


def test_the_document_is_made_from_the_table_alone() -> None:
    """The same table gives the same bytes."""
    assert openapi.build_document(build_routes()) == openapi.build_document(build_routes())


@pytest.mark.parametrize(
    ("written", "connected"),
    [
        ("tcp://*:5560", "tcp://127.0.0.1:5560"),
        ("tcp://0.0.0.0:5560", "tcp://127.0.0.1:5560"),
        ("tcp://[::]:5560", "tcp://[::1]:5560"),
        ("tcp://10.0.0.1:5560", "tcp://10.0.0.1:5560"),
        ("ipc:///run/feed", "ipc:///run/feed"),
    ],
)
def test_an_endpoint_to_bind_can_be_connected_to(written: str, connected: str) -> None:
    """FEED_ENDPOINT may name every address; a reader then connects to this machine."""
    assert connectable_endpoint(written) == connected
