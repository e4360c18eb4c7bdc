"""What the lab publishes is read by the product's own parsers, agrees with the truth, and misbehaves on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from common.clients.address_guard import Guard
from common.clients.axfr import TransferBounds, ZoneServer, open_transfer
from common.clients.http_client import HttpClient
from common.clients.publication_http import ListRequest, Validators, open_list
from common.config import load
from common.core.builtin.publication_rows import BY_NAME
from common.core.model.publication import ListedName
from common.core.parsers.publications.open_list import open_list as open_parser
from common.core.publications.catalogue import url_of
from common.core.publications.places import move_publication
from common.errors import ClientError, PublicationError
from common.operator_files import load_places
from tests.lab.clock import DAY
from tests.lab.lab import Lab
from tests.lab.suffixes import Suffix, also

FURTHER = (Suffix("it", 40, 40, "gtld"), Suffix("com.br", 41, 41, "gtld"), Suffix("sk", 42, 42, "gtld"))


async def read(lab: Lab, name: str, seen: Validators | None = None) -> tuple[list[ListedName], Validators]:
    """A publication of the lab as the product reads it. Raises ClientError, PublicationError."""
    settings = load(lab.environment())
    row = move_publication(BY_NAME[name], load_places(settings)[name])
    url = url_of(row, lab.clock.wall())
    checksum = url + row.checksum if row.checksum else ""
    client = HttpClient(settings, Guard(settings))
    try:
        request = ListRequest(url=url, packed=row.packed, checksum=checksum, most_bytes=1 << 20, seconds=5.0)
        async with open_list(client, request, seen) as coming:
            if coming.unchanged:
                return [], coming.validators
            parser = open_parser(row, lab.clock.wall())
            names = [name async for piece in coming.read_text() for name in parser.feed(piece)]
            parser.finish()
            return names, coming.validators
    finally:
        await client.close()


def played(play: Callable[[Lab], object]) -> None:
    """Play with a lab that knows further registries."""

    async def main() -> None:
        with also(*FURTHER):
            async with Lab.start() as lab:
                await play(lab)  # type: ignore[misc]  # a coroutine

    asyncio.run(main())


def dropping(lab: Lab, *names: str, seconds: float = 3600.0) -> None:
    """Names that are purged in so many seconds."""
    for name in names:
        lab.registry.register(name, age_years=3)
        suffix = lab.registry.names[name].suffix
        lab.registry.pending_delete(name, ago_days=suffix.pending_days - seconds / DAY)


def test_the_uk_list_has_the_second_of_each_drop() -> None:
    """Names in their last days, with the instant at which the lab purges them; others are not listed."""

    async def play(lab: Lab) -> None:
        lab.registry.register("stays.co.uk")
        dropping(lab, "gone.co.uk", "left.uk")
        names, validators = await read(lab, "uk-drops")
        due = lab.clock.wall() + 3600
        assert {name.name for name in names} == {"gone.co.uk", "left.uk"}
        assert all(name.at is not None and abs(name.at - due) < 10 for name in names)
        assert all(name.object_id for name in names)
        assert (await read(lab, "uk-drops", validators))[0] == []

    played(play)


def test_the_se_list_has_the_day() -> None:
    """A day without an hour: the release begins at the registry's hour."""

    async def play(lab: Lab) -> None:
        dropping(lab, "snart.se")
        (name,) = (await read(lab, "se-drops"))[0]
        assert name.name == "snart.se"
        assert name.at is not None
        assert abs(name.at - lab.clock.wall()) < 2 * DAY

    played(play)


@pytest.mark.parametrize(
    ("publication", "name"), [("it-drops-09", "presto.it"), ("br-release", "logo.com.br"), ("sk-names", "stary.sk")]
)
def test_further_forms_are_read(publication: str, name: str) -> None:
    """Names of a day, a list with head and foot, and a list of all names."""

    async def play(lab: Lab) -> None:
        dropping(lab, name)
        if publication == "br-release":
            lab.registry.purge(name)
            lab.registry.reserve(name)
        assert name in {listed.name for listed in (await read(lab, publication))[0]}

    played(play)


@pytest.mark.parametrize("fault", ["truncate", "cut", "endless", "checksum", "200-html", "500", "empty", "gzip-bomb", "reset"])
def test_a_list_that_misbehaves_is_an_error(fault: str) -> None:
    """None of what can go wrong is read as a list."""

    async def play(lab: Lab) -> None:
        dropping(lab, *(f"name-{place}.co.uk" for place in range(50)))
        lab.faults.add("publication/uk-drops", fault)
        with pytest.raises((ClientError, PublicationError)):
            await read(lab, "uk-drops")

    played(play)


def test_a_list_can_be_an_old_one() -> None:
    """The fault "stale" gives the first version of the file, dated a day back."""

    async def play(lab: Lab) -> None:
        dropping(lab, "first.co.uk")
        await read(lab, "uk-drops")
        dropping(lab, "second.co.uk")
        lab.faults.add("publication/uk-drops", "stale")
        lab.faults.add("publication/uk-drops", "stale")
        with pytest.raises(ClientError, match="SHA-256"):
            await read(lab, "uk-drops")
        dropping(lab, "ett.se")
        await read(lab, "se-drops")
        dropping(lab, "tva.se")
        lab.faults.add("publication/se-drops", "stale")
        assert [name.name for name in (await read(lab, "se-drops"))[0]] == ["ett.se"]

    played(play)


def test_zones_can_be_transferred() -> None:
    """The names that are delegated now, with the serial of the zone."""

    async def play(lab: Lab) -> None:
        lab.registry.register("inne.se")
        lab.registry.register("ute.se")
        lab.registry.hold("ute.se")
        settings = load(lab.environment())
        host, _, port = str(load_places(settings)["se-zone"].server).partition(":")
        server = ZoneServer(zone="se", host=host, port=int(port))
        async with open_transfer(server, Guard(settings).allowed, bounds=TransferBounds(seconds=5)) as transfer:
            names = [name async for batch in transfer.read_delegations() for name in batch]
        assert "inne.se" in names
        assert "ute.se" not in names
        assert transfer.serial == lab.registry.serial(lab.registry.names["inne.se"].suffix)

    played(play)
