"""The reader of publications: what coordinators are told of lists that are whole, and that they are told of others nothing."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from actors.publications.main import choose_publications, find_zone_files
from actors.publications.publication_reader import PublicationReader
from actors.publications.reading_record import ReadingRecord, read_record, write_record
from common.config import load
from common.core.publications.catalogue import publications_for
from common.errors import ConfigError
from common.operator_files import load_places
from tests.actors.publishing import publishing
from tests.clients.hostile import Handler, hostile, reply, silence
from tests.lab import net
from tests.lab.faults import FaultTable
from tests.lab.zone_server import ZoneServer
from tests.leader_scene import tell_leader

DROP_AT = 1_796_119_200.0  # 2026-12-01 10:00 UTC
WATCHED = ["one.co.uk", "two.uk", "three.co.uk", "other.com"]


def uk_list(*names: str, fill: int = 0) -> bytes:
    """A list of .uk names that all drop at once."""
    rows = [f"{place}-UK,{name},2026-12-01T10:00:00Z" for place, name in enumerate(names)]
    rows += [f"x-UK,filler-{place}.co.uk,2026-12-01T10:00:00Z" for place in range(fill)]
    return gzip.compress("\n".join(["roid,domain,drop_time", *rows, ""]).encode())


class UkServer:
    """Serves a list and its checksum; `wrong` changes the bytes of the list and not the checksum."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.wrong: bytes | None = None
        self.version = 1

    async def answer(self, head: str, writer: asyncio.StreamWriter) -> None:
        """One request."""
        tag = f'"{self.version}"'
        if ".sha256 " in head.split("\r\n", maxsplit=1)[0]:
            writer.write(reply(body=hashlib.sha256(self.body).hexdigest().encode()))
        elif f"If-None-Match: {tag}" in head:
            writer.write(reply(304))
        else:
            writer.write(reply(body=self.body if self.wrong is None else self.wrong, headers={"ETag": tag}))


def uk(base: str, **more: Any) -> dict[str, Any]:
    """The place of the .uk list on a server."""
    return {"uk-drops": {"url": f"{base}/uk.csv.gz", "every": 1, "least": 1, **more}}


def run(play: Handler) -> Any:
    """Run a coroutine function."""
    return asyncio.run(play())  # type: ignore[call-arg]


def test_watched_names_on_a_list_are_told_with_their_time(tmp_path: Path) -> None:
    """One part, that is the last: names of other suffixes and those not watched are left out, the total counts all."""

    async def play() -> None:
        server = UkServer(uk_list("one.co.uk", "two.uk", fill=50))
        async with hostile(server.answer) as http, publishing(tmp_path, WATCHED, uk(http.base)) as scene:
            (status,) = (await scene.statuses())[:1]
            (part,) = scene.parts()
            assert {(name.name, name.at, name.object_id) for name in part.names} == {
                ("one.co.uk", DROP_AT, "0-UK"),
                ("two.uk", DROP_AT, "1-UK"),
            }
            assert (part.publication, part.number, part.last, part.total) == ("uk-drops", 0, True, 52)
            assert (status.problem, status.size, status.made_at) == ("", len(server.body), part.made_at)
            assert status.checked_at == part.read_at

    run(play)


def test_an_unchanged_list_is_not_read_again(tmp_path: Path) -> None:
    """Its validators are sent back, the status says when it was looked at, and no part follows."""

    async def play() -> None:
        server = UkServer(uk_list("one.co.uk"))
        async with hostile(server.answer) as http, publishing(tmp_path, WATCHED, uk(http.base)) as scene:
            found = await scene.statuses(2)
            assert [status.problem for status in found[:2]] == ["", ""]
            assert found[1].checked_at > found[0].checked_at
            assert (found[1].made_at, found[1].size) == (found[0].made_at, 0)
            assert len(scene.parts()) == 1

    run(play)


def test_an_unchanged_list_is_read_again_for_names_that_are_watched_since(tmp_path: Path) -> None:
    """A name that was added to the watch list is found on a list that has not changed."""

    async def play() -> None:
        server = UkServer(uk_list("one.co.uk", "late.uk"))
        async with hostile(server.answer) as http, publishing(tmp_path, WATCHED, uk(http.base)) as scene:
            await scene.statuses()
            assert scene.listed() == ["one.co.uk"]
            scene.watch(["late.uk"])
            await scene.until(lambda: len(scene.parts()) == 2)
            assert sorted(scene.listed()) == ["late.uk", "one.co.uk", "one.co.uk"]

    run(play)


def test_an_unchanged_list_is_read_again_for_another_coordinator(tmp_path: Path) -> None:
    """One that has just begun to lead knows nothing of what the one before was told."""

    async def play() -> None:
        server = UkServer(uk_list("one.co.uk"))
        async with hostile(server.answer) as http, publishing(tmp_path, WATCHED, uk(http.base)) as scene:
            await scene.statuses()
            scene.bus.close()
            scene.lead(2)
            await scene.until(lambda: len(scene.parts()) >= 2)

    run(play)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (uk_list("one.co.uk")[:-9], "ends too early"),
        (gzip.compress(b"<html>come back later</html>"), "HTML"),
        (b"<html>", "not valid gzip"),
        (uk_list("two.uk"), "SHA-256"),
    ],
)
def test_a_list_that_is_not_whole_tells_nothing(tmp_path: Path, wrong: bytes, said: str) -> None:
    """No part; the status and the record name what is wrong, and failures are counted."""

    async def play() -> None:
        server = UkServer(uk_list("one.co.uk"))
        if "SHA" not in said:
            server.body = wrong
        server.wrong = wrong
        async with hostile(server.answer) as http, publishing(tmp_path, WATCHED, uk(http.base)) as scene:
            (status,) = (await scene.statuses())[:1]
            assert said in status.problem
            assert scene.parts() == []
            record = scene.record("uk-drops")
            assert (record.problem, record.failures) == (status.problem, 1)

    run(play)


def test_a_list_that_shrinks_is_held_back_until_it_comes_again(tmp_path: Path) -> None:
    """Half of its names gone: nothing is told, and the same once more is taken."""

    async def play() -> None:
        server = UkServer(uk_list("one.co.uk", fill=100))
        async with hostile(server.answer) as http, publishing(tmp_path, WATCHED, uk(http.base)) as scene:
            await scene.until(lambda: scene.record("uk-drops").known.size == 101 and scene.parts())
            server.body, server.version = uk_list("two.uk", fill=10), 2
            await scene.until(lambda: [told for told in scene.told if getattr(told, "problem", "")])
            assert "comes again" in scene.record("uk-drops").problem
            assert scene.listed() == ["one.co.uk"]

    run(play)


def test_another_instance_that_leads_is_left_to_read(tmp_path: Path) -> None:
    """The reader stands by until the coordinator beside it leads: the registry sees one reader."""

    async def play() -> None:
        server = UkServer(uk_list("one.co.uk"))
        async with (
            hostile(server.answer) as http,
            publishing(tmp_path, WATCHED, uk(http.base), leader="two") as scene,
        ):
            await asyncio.sleep(1.5)  # more than one look
            assert http.requests == []
            tell_leader(scene.settings, 1, "one")
            await scene.statuses()
            assert scene.listed() == ["one.co.uk"]

    run(play)


def test_a_store_that_is_not_there_yet_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The coordinator makes it at its first start, and the list comes a while later."""
    monkeypatch.setattr("actors.publications.main.STORE_EVERY", 0.2)

    async def play() -> None:
        server = UkServer(uk_list("one.co.uk"))
        async with hostile(server.answer) as http, publishing(tmp_path, None, uk(http.base)) as scene:
            await asyncio.sleep(0.5)
            scene.watch([])
            await asyncio.sleep(0.5)
            assert (http.requests, scene.told) == ([], [])
            scene.watch(WATCHED)
            await scene.statuses()
            assert scene.listed() == ["one.co.uk"]

    run(play)


def test_a_damaged_record_counts_as_none(tmp_path: Path) -> None:
    """The publication is read as if for the first time."""
    write_record(tmp_path, "uk-drops", ReadingRecord(checked_at=5.0, serial=7))
    assert read_record(tmp_path, "uk-drops").serial == 7
    for content in (b"", b"{", b'{"checked_at": "x"}', b"[" * 5000):
        (tmp_path / "uk-drops.json").write_bytes(content)
        assert read_record(tmp_path, "uk-drops") == ReadingRecord()


def test_publications_of_other_suffixes_are_not_read(tmp_path: Path) -> None:
    """A list that holds no watched suffix is not asked for."""

    async def play() -> None:
        server = UkServer(uk_list("one.co.uk"))
        async with hostile(server.answer) as http, publishing(tmp_path, ["other.com"], uk(http.base)) as scene:
            await asyncio.sleep(1.5)
            assert (http.requests, scene.told) == ([], [])

    run(play)


def test_a_large_list_is_told_in_parts(tmp_path: Path) -> None:
    """At most 2,000 names each, numbered from 0, only the last one says so."""
    names = [f"name-{place}.uk" for place in range(4500)]

    async def play() -> None:
        server = UkServer(uk_list(*names))
        async with hostile(server.answer) as http, publishing(tmp_path, names, uk(http.base)) as scene:
            await scene.statuses()
            assert [(part.number, len(part.names), part.last) for part in scene.parts()] == [
                (0, 2000, False),
                (1, 2000, False),
                (2, 500, True),
            ]
            assert len({(part.made_at, part.read_at, part.total) for part in scene.parts()}) == 1
            assert sorted(scene.listed()) == sorted(names)

    run(play)


def test_a_zone_is_transferred_and_then_asked_for_its_serial_alone(tmp_path: Path) -> None:
    """Watched names that are delegated, by one transfer; after that a query a time."""

    async def play() -> None:
        zone = ZoneServer({"se": lambda: (7, [f"x{place}.se" for place in range(3000)])}, FaultTable(time.time))
        tcp = net.tcp_socket("127.0.0.1")
        await zone.start(tcp)
        place = {"se-zone": {"server": f"127.0.0.1:{tcp.getsockname()[1]}", "every": 1, "least": 10}}
        try:
            async with publishing(tmp_path, ["x5.se", "gone.se"], place) as scene:
                await scene.statuses(2)
                assert scene.listed() == ["x5.se"]
                assert scene.parts()[0].total == 3000
                assert zone.asked[:3] == ["SOA se", "AXFR se", "SOA se"]
        finally:
            await zone.stop()

    run(play)


def test_a_zone_that_shrinks_is_held_back_until_its_next_time(tmp_path: Path) -> None:
    """Half of its names gone: nothing is told; it is not asked for again at once, and taken when it is as small once more."""

    async def play() -> None:
        names, serial = [f"x{place}.se" for place in range(300)], 7
        zone = ZoneServer({"se": lambda: (serial, names)}, FaultTable(time.time))
        tcp = net.tcp_socket("127.0.0.1")
        await zone.start(tcp)
        place = {"se-zone": {"server": f"127.0.0.1:{tcp.getsockname()[1]}", "every": 1, "least": 1}}
        try:
            async with publishing(tmp_path, ["x5.se", "x250.se"], place) as scene:
                await scene.until(scene.parts)
                names, serial = names[:100], 8
                held = (await scene.until(lambda: [told for told in scene.told if getattr(told, "problem", "")]))[0]
                assert "100 names instead of 300" in held.problem
                assert len(scene.parts()) == 1
                assert scene.record("se-zone").failures == 0
                serial = 9
                await scene.until(lambda: len(scene.parts()) == 2)
                assert scene.listed() == ["x5.se", "x250.se", "x5.se"]
        finally:
            await zone.stop()

    run(play)


def test_a_list_that_is_older_tells_nothing(tmp_path: Path) -> None:
    """A mirror that lags behind gives yesterday's list: it is said, and what is known stays."""

    async def play() -> None:
        body = {"day": "Mon, 30 Nov 2026 01:00:00 GMT", "name": "ett.se"}

        async def answer(_head: str, writer: asyncio.StreamWriter) -> None:
            text = json.dumps({"data": [{"name": body["name"], "release_at": "2026-12-05"}]}).encode()
            writer.write(reply(body=text, headers={"Last-Modified": body["day"]}))

        place = {"url": "", "every": 1, "least": 1}
        async with hostile(answer) as http:
            place["url"] = f"{http.base}/bardate_domains.json"
            async with publishing(tmp_path, ["ett.se", "tva.se"], {"se-drops": place}) as scene:
                await scene.until(scene.parts)
                body.update(day="Sun, 29 Nov 2026 01:00:00 GMT", name="tva.se")
                (status,) = await scene.until(lambda: [told for told in scene.told if getattr(told, "problem", "")][:1])
                assert "86400 s older" in status.problem
                assert set(scene.listed()) == {"ett.se"}

    run(play)


def test_a_bug_in_one_reader_is_reported_and_counts_as_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process goes on, and the publication is tried again later."""

    async def fails(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(PublicationReader, "read", fails)

    async def play() -> None:
        async with publishing(tmp_path, WATCHED, uk("http://127.0.0.1:1")) as scene:
            (status,) = await scene.statuses()
            assert status.problem == "RuntimeError in its reader"
            assert scene.record("uk-drops").failures == 1
        assert list((tmp_path / "crashes").iterdir())

    run(play)


def test_a_reading_is_given_up_when_the_process_has_to_stop(tmp_path: Path) -> None:
    """A server that says nothing does not keep the process from ending at once, and nothing is noted of it."""

    async def play() -> None:
        async with hostile(silence) as http:
            async with publishing(tmp_path, WATCHED, uk(http.base, every=1)) as scene:
                async with asyncio.timeout(5):
                    while not http.requests:  # noqa: ASYNC110  # the server has no event for it
                        await asyncio.sleep(0.01)
                began = time.monotonic()
            assert time.monotonic() - began < 3
            assert scene.record("uk-drops").checked_at == 1.0

    run(play)


def test_a_zone_that_is_cut_off_tells_nothing(tmp_path: Path) -> None:
    """What came before the cut is thrown away."""

    async def play() -> None:
        faults = FaultTable(time.time)
        faults.add("axfr/se", "cut")
        zone = ZoneServer({"se": lambda: (7, [f"x{place}.se" for place in range(3000)])}, faults)
        tcp = net.tcp_socket("127.0.0.1")
        await zone.start(tcp)
        place = {"se-zone": {"server": f"127.0.0.1:{tcp.getsockname()[1]}", "every": 1, "least": 10}}
        try:
            async with publishing(tmp_path, ["x5.se"], place) as scene:
                (status,) = (await scene.statuses())[:1]
                assert status.problem
                assert scene.parts() == []
        finally:
            await zone.stop()

    run(play)


def zone_text(*names: str) -> bytes:
    """A zone file as CZDS gives it."""
    soa = "org.\t900\tin\tsoa\ta.nic.org. hostmaster.org. 7 1800 900 604800 900\n"
    rows = "".join(f"{name}.\t3600\tin\tns\tns{place}.host.net.\n" for name in names for place in (1, 2))
    return (soa + rows + soa).encode()


def test_a_zone_file_of_the_operator_is_read_once(tmp_path: Path) -> None:
    """Watched names that are delegated, from a file of CZDS_FOLDER; the same file is not read again."""
    (tmp_path / "zones").mkdir()
    file = tmp_path / "zones" / "org.txt.gz"
    file.write_bytes(gzip.compress(zone_text("one.org", "two.org", "three.org")))
    os.utime(file, (1.7e9, 1.7e9))
    write_record(tmp_path / "publications", "org-zone-file", ReadingRecord(checked_at=1.0))

    async def play() -> None:
        async with publishing(tmp_path, ["two.org", "four.org"], {}, CZDS_FOLDER=str(tmp_path / "zones")) as scene:
            (status,) = await scene.statuses()
            (part,) = scene.parts()
            assert (status.publication, status.problem, status.made_at) == ("org-zone-file", "", 1.7e9)
            assert (scene.listed(), part.total) == (["two.org"], 3)
            assert scene.record("org-zone-file").validators.etag.startswith("1700000000.0")

    run(play)


@pytest.mark.parametrize(("cut", "said"), [(True, "no whole gzip file"), (False, "may still be written")])
def test_a_zone_file_that_is_not_whole_tells_nothing(tmp_path: Path, *, cut: bool, said: str) -> None:
    """One that is cut off, and one that is being written."""
    (tmp_path / "zones").mkdir()
    file = tmp_path / "zones" / "org.zone.gz"
    file.write_bytes(gzip.compress(zone_text("one.org"))[: -5 if cut else None])
    if cut:
        os.utime(file, (1.7e9, 1.7e9))
    write_record(tmp_path / "publications", "org-zone-file", ReadingRecord(checked_at=1.0))

    async def play() -> None:
        async with publishing(tmp_path, ["one.org"], {}, CZDS_FOLDER=str(tmp_path / "zones")) as scene:
            (status,) = await scene.statuses()
            assert said in status.problem
            assert scene.parts() == []

    run(play)


def test_only_zone_files_of_watched_suffixes_are_read(tmp_path: Path) -> None:
    """Other files of the folder, and a folder that is not there, are no zones."""
    for name in ("org.zone", "com.zone.gz", "org.txt.gz", "notes.md", "Org.zone"):
        (tmp_path / name).write_bytes(b"")
    assert [(row.name, row.packed) for row in find_zone_files(tmp_path, {"org", "co.uk"})] == [("org-zone-file", True)]
    assert find_zone_files(tmp_path / "nowhere", {"org"}) == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("default", {"uk-drops"}),
        ("none", set()),
        ("se-drops", set()),
        ("uk-drops", {"uk-drops"}),
        ("default,-uk-drops", set()),
        ("-uk-drops", set()),
    ],
)
def test_the_setting_chooses_what_is_read(text: str, kept: set[str]) -> None:
    """Those on by default, none, named ones, and all but some."""
    assert {row.name for row in choose_publications(load({"PUBLICATIONS": text}), {"co.uk"})} == kept


def test_one_that_is_off_can_be_named() -> None:
    """A publication that its terms keep off is read where the operator names it, beside the others."""
    rows = [row.name for row in publications_for({"ch"})]
    assert "ch-zone" not in rows
    assert "ch-zone" in {row.name for row in choose_publications(load({"PUBLICATIONS": "default,ch-zone"}), {"ch"})}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"uk-drop": {"url": "http://127.0.0.1/"}}', "no such publication"),
        (b'{"uk-drops": {"url": "ftp://127.0.0.1/"}}', "url must be"),
        (b'{"uk-drops": {"url": "http://u:p@127.0.0.1/"}}', "url must be"),
        (b'{"uk-drops": {"ulr": "http://127.0.0.1/"}}', "some of"),
        (b'{"uk-drops": {"every": 0}}', "every must be"),
        (b'{"uk-drops": {"least": -1}}', "least must be"),
        (b'{"se-zone": {"server": ""}}', "server must be"),
        (b'{"ch-zone": {"tsig": {"name": "k"}}}', "tsig must be"),
        (b"[]", "must be an object"),
    ],
)
def test_a_wrong_file_of_places_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    """The start is refused with one sentence that names the entry."""
    (tmp_path / "places.json").write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        load_places(load({"PUBLICATIONS_FILE": str(tmp_path / "places.json")}))


def test_an_unknown_publication_is_said() -> None:
    """PUBLICATIONS names what there is not."""
    with pytest.raises(ConfigError, match="no publication nl-drops"):
        load_places(load({"PUBLICATIONS": "default,nl-drops"}))
