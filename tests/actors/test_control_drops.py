"""Names expected to drop: every one of them, as pages and as a calendar."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import icalendar
import pytest

from actors.control.icalendar import escape_text, fold_line
from actors.control.query_params import TIMED_CURSOR, encode_cursor
from tests.actors.control_lab import NOW, Lab, domain_row, serving

TOKEN = "r" * 32


def many(number: int) -> list[Any]:
    """So many names, three at each time."""
    return [domain_row(f"n{n:04d}.com", id=n, drop_likely=NOW + 60.0 * (n // 3), priority=n % 2 == 0) for n in range(number)]


async def pages(lab: Lab, query: str) -> list[dict[str, Any]]:
    """Every page of the drops."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        status, page = await lab.get(f"/drops?{query}&cursor={cursor}")
        assert status == 200
        found.append(page)
        cursor = page["cursor"]
        if cursor is None:
            return found


def test_pages_hold_every_drop_once_and_say_how_many_there_are(tmp_path: Path) -> None:
    """3,273 of 3,273, by likely time and then by name; the first page has the number."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = many(3273)
            found = await pages(lab, "limit=1000")

            assert [row["domain"] for page in found for row in page["drops"]] == [row.name for row in lab.reader.rows]
            assert [page["total"] for page in found] == [3273, None, None, None]

    asyncio.run(story())


def test_drops_are_filtered_by_suffix_state_and_priority(tmp_path: Path) -> None:
    """Each condition reaches the state, in the form in which names are stored."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = many(10)
            status, page = await lab.get("/drops?tld=M%C3%9CLLER&state=pending_delete&priority=true&within=3600")
            asked = lab.reader.asked[-1]

            assert (status, page["total"]) == (200, 5)
            assert (asked["tld"], asked["state"], asked["priority"]) == ("xn--mller-kva", "PENDING_DELETE", True)
            assert (asked["open_at"], asked["end"]) == (NOW, NOW + 3600)
            assert [row["priority"] for row in page["drops"]] == [True] * 5
            assert (await lab.get("/drops?priority=false"))[1]["total"] == 5
            assert (await lab.get("/drops?tld=%E2%80%8D"))[0] == 200
            assert lab.reader.asked[-1]["tld"] == "-"  # no suffix can be that, so no name has it

    asyncio.run(story())


@pytest.mark.parametrize("cursor", ["x", encode_cursor("a.com"), encode_cursor("nan|a.com"), encode_cursor("1.0|"), "MTo"])
def test_a_cursor_of_something_else_is_refused(cursor: str, tmp_path: Path) -> None:
    """Beginning anew without a word would repeat names."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            status, problem = await lab.get(f"/drops?cursor={cursor}")

            assert (status, problem["code"]) == (400, "bad_parameter")

    asyncio.run(story())


def test_the_description_tells_cursors_of_drops_from_others() -> None:
    """What it allows is taken: a cursor of another list is refused, so its form is another."""
    pattern = TIMED_CURSOR.schema()["pattern"]
    assert re.search(pattern, str(encode_cursor("1796009678.4978862|xn--a.com")))
    assert re.search(pattern, "")
    assert not re.search(pattern, str(encode_cursor("a.com")))
    assert not re.search(pattern, str(encode_cursor("nan|a.com")))


def test_the_calendar_holds_every_drop(tmp_path: Path) -> None:
    """However many there are: it comes in pieces and ends as it should."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = many(3273)
            async with lab.http.get(lab.url + "/drops.ics") as answer:
                body = (await answer.read()).decode()
            assert answer.headers.get("Transfer-Encoding") == "chunked"
            names = [line.partition("@")[0].removeprefix("UID:") for line in body.split("\r\n") if line.startswith("UID:")]

            assert names == [row.name for row in lab.reader.rows]
            assert body.count("BEGIN:VEVENT") == body.count("END:VEVENT") == 3273
            assert body.endswith("END:VCALENDAR\r\n")
            async with lab.http.head(lab.url + "/drops.ics") as answer:
                assert (answer.status, answer.content_type) == (200, "text/calendar")

    asyncio.run(story())


def test_a_calendar_that_is_cut_off_does_not_look_whole(tmp_path: Path) -> None:
    """Where the state goes away in the middle the connection breaks; where it is not there, nothing begins."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = many(3273)
            async with lab.http.get(lab.url + "/drops.ics") as answer:
                await answer.content.read(10)
                lab.reader.broken = True
                with pytest.raises(aiohttp.ClientPayloadError):
                    await answer.read()
            async with lab.http.get(lab.url + "/drops.ics") as answer:
                assert (answer.status, answer.content_type) == (503, "application/problem+json")

    asyncio.run(story())


def test_drops_come_soonest_first_and_open_windows_stay(tmp_path: Path) -> None:
    """What is due within the given time, led by windows that are open although their likely time has passed."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = [
                domain_row("late.com", drop_likely=NOW + 5000),
                domain_row("soon.com", drop_likely=NOW + 10),
                domain_row("open.com", drop_likely=NOW - 10, drop_latest=NOW + 10),
                domain_row("over.com", drop_likely=NOW - 10, drop_latest=NOW - 5),
                domain_row("never.com", drop_likely=None),
            ]
            answer = (await lab.get("/drops?within=3600"))[1]
            drops = answer["drops"]
            assert (answer["cursor"], answer["total"], answer["within"]) == (None, 2, 3600.0)
            assert [row["domain"] for row in drops] == ["open.com", "soon.com"]
            forecast = drops[0]["forecast"]
            assert forecast["reason"] == forecast["basis"] == "five days after pending delete began"
            assert forecast["probability"] == forecast["p"] == 0.9
            assert len((await lab.get("/drops?limit=1"))[1]["drops"]) == 1

    asyncio.run(story())


def test_the_calendar_is_valid(tmp_path: Path) -> None:
    """CRLF, at most 75 octets a line, required properties, and text that cannot break out."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = [domain_row("xn--mller-kva.de", generation=3)]
            async with lab.http.get(lab.url + "/drops.ics") as answer:
                body = await answer.read()
                assert answer.content_type == "text/calendar"
            assert body.endswith(b"END:VCALENDAR\r\n")
            lines = body.split(b"\r\n")
            assert all(len(line) <= 75 for line in lines)
            assert b"\n" not in body.replace(b"\r\n", b"")
            unfolded = body.replace(b"\r\n ", b"").decode().split("\r\n")
            assert "UID:xn--mller-kva.de@domain-monitor" in unfolded
            assert "DTSTART:20270115T090000Z" in unfolded
            assert "DTSTAMP:20270115T080000Z" in unfolded
            assert unfolded.count("BEGIN:VEVENT") == unfolded.count("END:VEVENT") == 1

    asyncio.run(story())


def test_other_programs_read_the_window_its_reminder_and_the_link_to_the_report(tmp_path: Path) -> None:
    """By the `icalendar` package: one entry a window, whose id does not change with the next event of the name."""

    async def read(lab: Lab, **headers: str) -> Any:
        async with lab.http.get(lab.url + "/drops.ics", headers=headers) as answer:
            return icalendar.Calendar.from_ical(await answer.read())

    async def story() -> None:
        async with serving(Lab(tmp_path, READ_TOKEN=TOKEN)) as lab:
            lab.reader.rows = [domain_row("a.com"), domain_row("b.com", drop_latest=NOW + 3600, generation=9)]
            first, second = (await read(lab)).walk("VEVENT")
            assert first["UID"] == "a.com@domain-monitor"
            assert first.decoded("DTSTART").timestamp() == NOW + 3600
            assert first.decoded("DTEND").timestamp() == NOW + 9000
            assert second.decoded("DTEND").timestamp() == NOW + 3660  # one that takes no time is refused by calendars
            assert first["URL"] == f"{lab.url}/domain/a.com"
            assert "Most likely about 2027-01-15 10:00 UTC." in first["DESCRIPTION"]
            assert "Probability 90%." in first["DESCRIPTION"]
            assert "five days after pending delete began" in first["DESCRIPTION"]
            (alarm,) = first.walk("VALARM")
            assert alarm.decoded("TRIGGER") == timedelta(minutes=-15)
            assert (alarm["ACTION"], alarm["DESCRIPTION"]) == ("DISPLAY", "a.com may drop")
            lab.reader.rows = [domain_row("a.com", generation=2)]
            (again,) = (await read(lab, **{"X-Forwarded-Proto": "https", "Authorization": f"Bearer {TOKEN}"})).walk("VEVENT")
            assert (again["UID"], again["URL"]) == (first["UID"], first["URL"].replace("http:", "https:"))

    asyncio.run(story())


def test_calendar_text_is_escaped_and_folded_between_characters() -> None:
    """Special characters are escaped, and no fold cuts a character in two."""
    assert escape_text("a;b,c\\d\r\ne\x07") == "a\\;b\\,c\\\\d\\ne "
    folded = fold_line("SUMMARY:" + "ü" * 100)
    pieces = folded.removesuffix(b"\r\n").split(b"\r\n ")

    assert all(len(piece) <= 75 for piece in pieces)
    assert b"".join(pieces).decode() == "SUMMARY:" + "ü" * 100
