"""RDAP answers: two of them prove something, all the others prove nothing."""

import gzip
import json
import random
from pathlib import Path

import pytest

from common.core.model.evidence import Outcome, Phase
from common.core.parsers.rdap import BODY_LIMIT, parse_rdap_answer
from common.core.verdict.offline import read_answer
from common.suffixes import load_suffixes

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "rdap.jsonl.gz"
TYPE = {"Content-Type": "application/rdap+json; charset=utf-8"}


def found(**more):
    """A domain object of example.com."""
    return {"objectClassName": "domain", "ldhName": "example.com", "status": ["active"]} | more


def missing(**more):
    """An RDAP error."""
    return {"rdapConformance": ["rdap_level_0"], "errorCode": 404, "title": "Not Found"} | more


def judge(status, value, *, headers=None, **more):
    """The reading of one answer about example.com."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return parse_rdap_answer(status, TYPE if headers is None else headers, body, "example.com", **more)


def test_a_record_gives_dates_registrar_statuses_and_servers():
    """Everything a lifecycle needs, and no contact data."""
    reading = judge(
        200,
        found(
            ldhName="EXAMPLE.COM.",
            handle="123_DOMAIN_COM-VRSN",
            status=["clientHold", "active"],
            events=[
                {"eventAction": "Registration", "eventDate": "1999-01-02T03:04:05.678Z"},
                {"eventAction": "expiration", "eventDate": "2030-01-02T03:04:05+02:00"},
                {"eventAction": "last changed", "eventDate": "2025-01-02 03:04:05"},
                {"eventAction": "registrar expiration", "eventDate": "2029-01-02T03:04:05Z"},
                {"eventAction": "last update of RDAP database", "eventDate": "2025-06-15T00:00:00Z"},
                {"eventAction": "expiration", "eventDate": "294247-01-10T04:00:54Z"},
            ],
            entities=[
                {"roles": ["registrant"], "vcardArray": ["vcard", [["fn", {}, "text", "Jane Doe"]]]},
                {"roles": ["registrar"], "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Acme"]]]},
            ],
            nameservers=[{"ldhName": "NS1.Example.NET."}, {"ldhName": "ns1.example.net"}],
        ),
        now=1_750_000_000.0,
    )

    assert (reading.outcome, reading.finding, reading.phase) == (Outcome.REGISTERED, "rdap_200_match", Phase.UNDELEGATED)
    assert reading.fields.created_at == "1999-01-02T03:04:05Z"
    assert reading.fields.expires_at == "2030-01-02T01:04:05Z"
    assert reading.fields.updated_at == "2025-01-02T03:04:05Z"
    assert reading.fields.registrar == "Acme"
    assert reading.fields.statuses == ("client hold", "active")
    assert reading.fields.nameservers == ("ns1.example.net",)
    assert reading.fields.handle == "123_DOMAIN_COM-VRSN"
    assert reading.fresh_at == 1_749_945_600.0
    assert "2029-01-02" in reading.reason


def test_a_registrar_without_a_card_is_known_by_its_number():
    """The IANA id stands in for the name."""
    entity = {"roles": "registrar", "publicIds": [{"type": "IANA Registrar ID", "identifier": "292"}]}

    assert judge(200, found(entities=[entity])).fields.registrar == "IANA 292"


def test_a_database_time_in_the_future_is_no_stamp():
    """A wrong clock at the server must not look fresh."""
    events = [{"eventAction": "last update of RDAP database", "eventDate": "2040-01-01T00:00:00Z"}]

    assert judge(200, found(events=events), now=1_750_000_000.0).fresh_at is None


@pytest.mark.parametrize(
    ("value", "finding"),
    [
        (found(ldhName="example.org"), "rdap_wrong_name"),
        (found(ldhName="www.example.com"), "rdap_wrong_name"),
        (found(ldhName=None), "rdap_wrong_name"),
        (found(ldhName=["example.com"]), "rdap_wrong_name"),
        ({"objectClassName": "entity", "handle": "X"}, "rdap_no_domain"),
        ({"domainSearchResults": [found()]}, "rdap_no_domain"),
        ({"errorCode": 404, "title": "Not Found"}, "rdap_no_domain"),
        (found(errorCode=404), "rdap_no_domain"),
        ([found()], "rdap_bad_json"),
        (b"", "rdap_bad_json"),
        (b"null", "rdap_bad_json"),
        (b'{"objectClassName":"domain","ldhName":"example.com","x":NaN}', "rdap_bad_json"),
        (b'{"objectClassName":"domain","ldhName":"example.com","x":1' + b"0" * 5000 + b"}", "rdap_bad_json"),
        (b'{"objectClassName":"domain","ldhName":"example.org","ldhName":"example.com"}', "rdap_bad_json"),
        (b"[" * 200_000, "rdap_bad_json"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "rdap_bad_json"),
        (b'{"objectClassName":"domain","ldhName":"example.com"', "rdap_bad_json"),
        (json.dumps(found()).encode("utf-16"), "rdap_bad_json"),
        (b" " * (BODY_LIMIT + 1), "rdap_too_large"),
        (b"<!doctype html><title>for sale</title>", "rdap_html"),
    ],
)
def test_200_without_exactly_this_object_proves_nothing(value, finding):
    """Other names, other objects, errors in disguise, captive pages and broken JSON."""
    reading = judge(200, value)

    assert (reading.outcome, reading.finding) == (Outcome.UNKNOWN, finding)


def test_an_idn_is_recognised_in_either_form():
    """The ldhName in U-labels, or unicodeName alone, is the same name."""
    for record in ({"ldhName": "münchen.com"}, {"unicodeName": "MÜNCHEN.com"}, {"ldhName": "XN--MNCHEN-3YA.COM"}):
        value = {"objectClassName": "domain", "status": ["ok"]} | record
        reading = parse_rdap_answer(200, TYPE, json.dumps(value).encode(), "xn--mnchen-3ya.com")
        assert reading.outcome is Outcome.REGISTERED


@pytest.mark.parametrize(
    "value",
    [
        missing(),
        missing(errorCode="404"),
        {"errorCode": 404},
        {"rdapConformance": ["rdap_level_0"]},
        missing(description=["example.com is available for registration"]),
        missing(
            description="Object not found", notices={"title": "Terms of Use", "description": "Use is restricted, prohibited."}
        ),
        missing(title="reserved-example.com not found", description=["example.com not found. All rights reserved."]),
    ],
)
def test_404_with_an_rdap_error_is_unregistered(value):
    """Whatever a registry calls it, and whatever its terms of use forbid."""
    if value.get("title", "").startswith("reserved"):
        reading = parse_rdap_answer(404, TYPE, json.dumps(value).encode(), "reserved-example.com")
    else:
        reading = judge(404, value)

    assert (reading.outcome, reading.finding) == (Outcome.UNREGISTERED, "rdap_404_json")


def test_404_without_a_body_is_unregistered():
    """RFC 7480 leaves the body to the server."""
    assert judge(404, b"", headers={}).finding == "rdap_404_empty"


@pytest.mark.parametrize(
    ("value", "headers", "finding"),
    [
        (b"<html>Not Found</html>", {"Content-Type": "text/html"}, "rdap_html"),
        (b"", {"Content-Type": "text/html"}, "rdap_html"),
        (b"404 page not found", {"Content-Type": "text/plain"}, "rdap_bad_json"),
        (missing(), {"Content-Type": "text/html"}, "rdap_content_type"),
        ({"errorCode": 404}, {"Content-Type": "text/plain"}, "rdap_content_type"),
        ({"message": "no route matched"}, TYPE, "rdap_404_odd"),
        ({"detail": "Not Found"}, TYPE, "rdap_404_odd"),
        (missing(errorCode=500), TYPE, "rdap_404_odd"),
        (missing(errorCode=True), TYPE, "rdap_404_json"),
        (found(errorCode=404), TYPE, "rdap_404_odd"),
        (missing(description=["no information about the requested zone"]), TYPE, "rdap_404_zone"),
        (missing(description=["This server does not serve that TLD"]), TYPE, "rdap_404_zone"),
        (missing(title="Invalid domain name"), TYPE, "rdap_404_doubtful"),
        (missing(description=["Access denied by policy"]), TYPE, "rdap_404_doubtful"),
    ],
)
def test_404_of_something_else_is_not_the_registry_s_word(value, headers, finding):
    """Proxies, frameworks, wrong servers and doubtful texts."""
    reading = judge(404, value, headers=headers)

    assert reading.finding == finding
    assert (reading.outcome is Outcome.UNREGISTERED) == (finding == "rdap_404_json")


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (missing(description=["This name is not available for registration:", "Registry Reserved"]), Outcome.RESERVED),
        (missing(notices=[{"title": "Blocked Domain", "description": ["see GlobalBlock"]}]), Outcome.RESERVED),
        (missing(description="The name has usage restrictions applied"), Outcome.RESERVED),
        (missing(description="conflicts with another registered variant"), Outcome.RESERVED),
        (missing(description="This platinum domain can be bought"), Outcome.PREMIUM),
        (missing(description="available for application via a Dropzone service"), Outcome.DROPPING),
        (missing(description=["Too many requests"]), Outcome.THROTTLED),
        ({"errorCode": 429, "title": "slow"}, Outcome.THROTTLED),
    ],
)
def test_404_may_say_more_than_not_found(value, outcome):
    """Reserved, blocked, premium, in release, throttled: none of them is free."""
    assert judge(404, value).outcome is outcome


def test_an_object_without_a_registrant_is_a_placeholder():
    """Some registries answer 200 for names that they sell or reserve."""
    premium = {"notices": [{"title": "Premium String", "description": ["available as a premium name"]}], "status": []}

    assert judge(200, found(**premium)).outcome is Outcome.PREMIUM
    assert judge(200, found(status=["reserved"])).outcome is Outcome.RESERVED
    assert judge(200, found(status=["available"])).outcome is Outcome.UNKNOWN
    assert judge(200, found(**premium | {"status": ["active"]})).outcome is Outcome.REGISTERED


@pytest.mark.parametrize(
    ("status", "value", "outcome", "finding"),
    [
        (301, b"", Outcome.UNKNOWN, "rdap_redirect"),
        (304, b"", Outcome.UNKNOWN, "rdap_redirect"),
        (400, {"errorCode": 400, "title": "Bad Request"}, Outcome.INVALID, "rdap_400"),
        (400, b"<html>", Outcome.UNKNOWN, "rdap_400_odd"),
        (401, b"", Outcome.UNKNOWN, "rdap_403"),
        (403, missing(errorCode=403, title="Forbidden"), Outcome.UNKNOWN, "rdap_403"),
        (403, b"<h3>Number of allowed queries exceeded.</h3>", Outcome.THROTTLED, "rdap_throttled"),
        (405, b"", Outcome.UNKNOWN, "rdap_status"),
        (422, missing(errorCode=422, description=["Your access is too fast"]), Outcome.THROTTLED, "rdap_throttled"),
        (429, b"<html>", Outcome.THROTTLED, "rdap_429"),
        (500, missing(), Outcome.UNKNOWN, "rdap_5xx"),
        (501, missing(errorCode=501), Outcome.UNKNOWN, "rdap_5xx"),
        (502, b"", Outcome.UNKNOWN, "rdap_5xx"),
        (503, b"", Outcome.THROTTLED, "rdap_503"),
        (0, b"", Outcome.UNKNOWN, "rdap_status"),
        (204, b"", Outcome.UNKNOWN, "rdap_status"),
    ],
)
def test_every_other_status_has_its_finding(status, value, outcome, finding):
    """Rate limits are told from refusals and from server errors."""
    reading = judge(status, value)

    assert (reading.outcome, reading.finding) == (outcome, finding)


def test_retry_after_is_read_in_both_forms():
    """Seconds and dates, whatever the case of the header's name."""
    date = {"retry-AFTER": "Sun, 06 Nov 1994 08:50:37 GMT"}

    assert judge(429, b"", headers={"Retry-After": "17"}).retry_after == 17.0
    assert judge(429, b"", headers=date, now=784_111_777.0).retry_after == 60.0


def test_only_the_registry_s_own_host_counts():
    """An aggregator's 404 and another host's answer prove nothing; a host of the same back end is the registry."""
    assert judge(404, missing(), final_host="rdap.org").finding == "rdap_aggregator"
    assert judge(404, missing(), final_host="a.example", expected_host="b.example").finding == "rdap_other_host"
    assert judge(200, found(), final_host="a.example", expected_host="b.example").finding == "rdap_other_host"
    hosts = {"final_host": "www.registry.google", "expected_host": "pubapi.registry.google"}
    assert judge(404, missing(), **hosts).outcome is Outcome.UNREGISTERED
    assert judge(404, missing(), final_host="A.example", expected_host="a.example").outcome is Outcome.UNREGISTERED


def test_texts_that_nothing_can_carry_are_replaced():
    """A lone surrogate in JSON must not reach the bus."""
    body = b'{"objectClassName":"domain","ldhName":"example.com","handle":"\\ud800x","status":["\\udfffok"]}'
    reading = judge(200, body)

    reading.fields.handle.encode()
    "".join(reading.fields.statuses).encode()


def test_any_bytes_give_a_reading():
    """Mutations of real answers, and noise, never raise and never turn into a free name by accident."""
    rng = random.Random(7)
    whole = json.dumps(found(events=[{"eventAction": "registration", "eventDate": "2020-01-01T00:00:00Z"}])).encode()
    for _ in range(1500):
        body = bytearray(whole)
        for _ in range(rng.randint(1, 12)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        status = rng.choice([200, 200, 404, 403, 429, 500, rng.randrange(1000)])
        reading = parse_rdap_answer(
            status, {"Content-Type": "application/rdap+json"}, bytes(body[: rng.randint(1, len(body))]), "example.com"
        )
        assert len(reading.reason) <= 300
        assert reading.outcome is not Outcome.UNREGISTERED


@pytest.mark.parametrize("wrong", [5, "x", [], {}, [[]], [{}], [5], None, [{"eventAction": 5, "eventDate": []}], {"a": [1]}])
@pytest.mark.parametrize(
    "key",
    ["events", "entities", "status", "nameservers", "notices", "remarks", "handle", "variants", "secureDNS", "rdapConformance"],
)
def test_members_of_the_wrong_type_are_left_out(key, wrong):
    """A record with one broken member is still a record."""
    assert judge(200, found(**{"status": ["ok"]} | {key: wrong})).outcome is Outcome.REGISTERED


@pytest.mark.parametrize(
    "card", [5, [], ["vcard"], ["vcard", 5], ["vcard", [5]], ["vcard", [["fn"]]], ["vcard", [["fn", {}, "text", []]]]]
)
def test_malformed_vcards_give_no_registrar(card):
    """Cards of every wrong shape."""
    assert judge(200, found(entities=[{"roles": ["registrar"], "vcardArray": card}])).fields.registrar is None


def test_the_corpus_is_parsed_without_a_mistake():
    """Recorded answers of real servers: no false available name, every answer as accepted."""
    if not CORPUS.is_file():
        pytest.skip("no corpus beside this checkout")
    outcomes = {Outcome.UNREGISTERED: "available", Outcome.REGISTERED: "registered"}
    outcomes |= dict.fromkeys((Outcome.RESERVED, Outcome.PREMIUM, Outcome.DROPPING), "reserved")
    wrong = []
    with gzip.open(CORPUS, "rt", encoding="utf-8") as stream:
        for row in map(json.loads, stream):
            domain = row["domain"] or ""
            suffix = load_suffixes()(domain) or domain.partition(".")[2]
            answer = {"status": row["http_status"], "headers": {"content-type": row["content_type"]}, "body": row["body"]}
            reading = read_answer("rdap", row["server"], domain, suffix, answer)
            if outcomes.get(reading.outcome, "unknown") not in row["accept"]:
                wrong.append((row["id"], row["server"], reading.outcome.value, reading.reason))
    assert wrong == []
