"""The description of the interface: complete, and true of what is really served and posted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from actors.control import openapi
from actors.control.routes import build_routes
from common import codec
from common.core.domains.last_look import LastLook
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.records import Canary, DeliveryRow, Detail, Evidence, LedgerRow, ProblemRow
from common.core.outbox.callback_bodies import notice_body, result_body
from common.core.telemetry.metrics import Metrics
from tests.actors.control_lab import NOW, Lab, domain_row, event_row, serving
from tests.actors.test_control_trust import status_of_trust

DOCUMENT: dict[str, Any] = json.loads(openapi.build_document(build_routes()))


def troubles(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with a value by a schema of the document."""
    validator = Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    return [f"{error.json_path}: {error.message}"[:300] for error in validator.iter_errors(value)]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation with its method and path."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def furnish(lab: Lab) -> None:
    """Something of everything there is to see."""
    free = Reading(Outcome.UNREGISTERED, "rdap_404_json", "no such object", Phase.REDEMPTION, fresh_at=NOW)
    detail = Detail(evidence={"rdap": Evidence(Observation("rdap", free, status=404), NOW, NOW, Canary(NOW + 1, green=True))})
    lab.reader.rows = [
        domain_row(),
        domain_row("xn--mller-kva.de", detail=codec.encode(detail)),
        domain_row("new.com", state="UNKNOWN", since=None, checked_at=None, next_check=0.0, drop_likely=None, detail=b""),
    ]
    lab.reader.looks = {"new.com": LastLook(NOW - 5, NOW + 3595, NOW - 5, NOW - 7205, 0, 1, "192.0.2.53:53/udp")}
    lab.reader.log = [event_row(1), event_row(2, "xn--mller-kva.de", "available")]
    lab.reader.judgements = [LedgerRow("example.com", NOW, "decision", "PENDING_DELETE", False, "1-ab", b"")]
    lab.reader.callbacks = [DeliveryRow("e1", "notice", "a.com", 1, b'{"x":1}', state="parked", last_error="500")]
    lab.reader.entries = [ProblemRow("foo bar", "bad_character", "holds a space")]
    lab.all_beat()
    metrics = Metrics(NOW)
    metrics.observe("check_seconds", 0.2, method="dns")
    lab.speak(**{**status_of_trust(), "metrics": metrics.snapshot(), "deliveries": {"pending": 1, "oldest_age": None}})


def test_every_answer_in_json_has_a_schema_of_its_own() -> None:
    """No operation answers a bare object: each names its properties, and each problem its fields."""
    for method, path, operation in operations():
        for status in operation["responses"]:
            for media, content in described(operation, int(status)).items():
                if "json" in media:
                    schema = DOCUMENT["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
                    assert schema["properties"], (method, path, status)


def test_what_is_served_is_what_is_described(tmp_path: Path) -> None:
    """Every documented GET, fetched from an instance with data and from one without, conforms to its schema and media type."""

    async def story() -> None:
        for full in (True, False):
            async with serving(Lab(tmp_path / str(full))) as lab:
                if full:
                    furnish(lab)
                for method, path, operation in operations():
                    if method != "get":
                        continue
                    for name in ("example.com", "m%C3%BCller.de", "new.com") if path == "/domain/{name}" else ("app.js",):
                        async with lab.http.get(lab.url + path.replace("{name}", name)) as answer:
                            content = described(operation, answer.status)
                            assert answer.content_type in content, (path, answer.status)
                            if "json" in answer.content_type:
                                assert (
                                    troubles(content[answer.content_type]["schema"], await answer.json(content_type=None)) == []
                                )

    asyncio.run(story())


def described(operation: dict[str, Any], status: int) -> dict[str, Any]:
    """The content that an operation may answer with a status, by media type."""
    answer = operation["responses"][str(status)]
    if "$ref" in answer:
        answer = DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    content: dict[str, Any] = answer["content"]
    return content


def test_changing_calls_answer_as_described(tmp_path: Path) -> None:
    """Each changing call, accepted and refused, conforms to its schema."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            furnish(lab)
            cases = ((202, {}), (403, {"Origin": "http://evil.example"}), (400, {"Content-Type": "application/json"}))
            paths = {"{name}": "example.com", "{id}": "e1", "{operator}": "verisign"}
            for method, path, operation in operations():
                if "202" not in operation["responses"]:
                    continue
                place = path
                for placeholder, value in paths.items():
                    place = place.replace(placeholder, value)
                for wanted, headers in cases:
                    data = b"{" if wanted == 400 else None
                    async with lab.http.request(method, lab.url + place, headers=headers, data=data) as answer:
                        assert (place, answer.status) == (place, wanted)
                        content = described(operation, wanted)[answer.content_type]
                        assert troubles(content["schema"], await answer.json(content_type=None)) == []
                lab.clock.at += 5

    asyncio.run(story())


def test_callbacks_are_what_is_described() -> None:
    """Bodies of notices and of check results, as they are posted, conform to the webhooks, and the headers are named."""
    checks = {"rdap": {"result": "unregistered", "status": 404, "canary": None, "timestamp": NOW}}
    bodies = {
        "notice": notice_body("example.com", "available", 0.95, NOW, checks, basis="sources", registrar=None),
        "checkResult": result_body("example.com", "rdap", "registered", NOW, {"registrar": "R"}, 12.5),
    }
    assert DOCUMENT["webhooks"].keys() == bodies.keys()
    for name, body in bodies.items():
        hook = DOCUMENT["webhooks"][name]["post"]
        content = hook["requestBody"]["content"]["application/json"]
        for value in (json.loads(body), content["example"]):
            assert troubles(content["schema"], value) == []
        assert troubles(content["schema"], {}) != []
        named = {parameter["name"] for parameter in hook["parameters"]}
        assert {"webhook-id", "webhook-timestamp", "webhook-signature"} <= named


def test_examples_conform() -> None:
    """Each example is what its schema asks for, in answers, problems and parameters."""
    seen = 0
    for _, path, operation in operations():
        contents = [content for answer in operation["responses"].values() for content in answer.get("content", {}).values()]
        pairs = [(content["schema"], content["example"]) for content in contents if "example" in content]
        pairs += [(each["schema"], each["example"]) for each in operation["parameters"] if "example" in each]
        for schema, example in pairs:
            seen += 1
            assert (path, troubles(schema, example)) == (path, [])
    for answer in DOCUMENT["components"]["responses"].values():
        (content,) = answer["content"].values()
        assert troubles(content["schema"], content["example"]) == []
    assert seen >= 10


def test_a_wrong_answer_would_be_noticed() -> None:
    """The schemas are no formality: a missing field and a wrong type are errors."""
    ready = DOCUMENT["paths"]["/ready"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]

    assert troubles(ready, {"ready": True, "reasons": [], "more": 1}) == []
    assert troubles(ready, {"ready": True}) != []
    assert troubles(ready, {"ready": "yes", "reasons": []}) != []


def test_the_description_says_what_a_token_is_for() -> None:
    """Open calls need nothing, reads either token, changes CONTROL_TOKEN; each says that it may be refused."""
    needed = {path: DOCUMENT["paths"][path]["get"]["security"] for path in ("/health", "/domains", "/metrics/reset")}
    assert needed["/health"] == []
    assert {"readToken": []} in needed["/domains"]
    assert {"readToken": []} not in needed["/metrics/reset"]
    for _, path, operation in operations():
        assert ({"401", "403"} <= operation["responses"].keys()) == (path not in {"/health", "/ready"})


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/domains?stat=AVAILABLE", "did you mean state?"),
        ("/domains?colour=red", "it takes state, tld, q, cursor, limit"),
        ("/metrics?include_timer=1", "did you mean include_timers?"),
        ("/health?x=1", "takes no parameters"),
        ("/ready?verbose", "takes no parameters"),
        ("/?utm=1", "takes no parameters"),
        ("/static/app.js?v=2", "takes no parameters"),
        ("/openapi.json?format=yaml", "takes no parameters"),
        ("/events?after=1&after=2", "give it once"),
        ("/metrics/reset?now=1", "takes no parameters"),
    ],
)
def test_parameters_that_a_call_does_not_have_are_an_error(path: str, hint: str, tmp_path: Path) -> None:
    """A misspelt or doubled parameter is 400 and says what was meant, instead of being passed over."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            status, problem = await lab.get(path)
            assert (status, hint in problem["detail"]) == (400, True), problem

    asyncio.run(story())
