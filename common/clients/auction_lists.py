"""The running auctions of a registry, fetched at most every few minutes and shared by all queries about its names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from common.clients.http_client import HttpAnswer, HttpClient
from common.core.parsers.das_json import LIST_LIMIT, parse_ee_auctions
from common.errors import ClientError, NotAsked, TimedOut, TooLarge

#: Seconds for which a list is used, and for which a failure is not tried again. The list of a day is fixed at its beginning.
FRESH, FAILED = 300.0, 30.0


@dataclass(frozen=True, slots=True)
class AuctionList:
    """The last answer about a list; `names` (A-labels) is None where it was none."""

    answer: HttpAnswer
    names: frozenset[str] | None

    @property
    def etag(self) -> str:
        """What a conditional request names it by (RFC 9110 section 8.8.3); "" where it has to be asked for anew."""
        return self.answer.headers.get("etag", "") if self.names is not None else ""


@dataclass(slots=True)
class _Held:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    found: AuctionList | ClientError | None = None
    until: float = 0.0  # monotonic seconds


class AuctionLists:
    """Lists by URL. `monotonic` gives seconds."""

    def __init__(self, client: HttpClient, monotonic: Callable[[], float]) -> None:
        self._client = client
        self._monotonic = monotonic
        self._held: dict[str, _Held] = {}

    async def fetch(self, url: str, seconds: float) -> AuctionList:
        """The list at `url`, at most FRESH seconds old; a conditional request where there was one before.

        Raises the ClientError of the last attempt, also to those that ask again too soon. `seconds` bounds the whole.
        """
        held, began = self._held.setdefault(url, _Held()), self._monotonic()
        try:
            await asyncio.wait_for(held.lock.acquire(), seconds)
        except TimeoutError:
            raise TimedOut(f"no list of auctions within {seconds:.1f} s") from None
        try:
            if held.found is None or self._monotonic() >= held.until:
                held.found = await self._request(held.found, url, max(0.1, seconds - (self._monotonic() - began)))
                good = isinstance(held.found, AuctionList) and held.found.names is not None
                held.until = self._monotonic() + (FRESH if good else FAILED)
            found = held.found
        finally:
            held.lock.release()
        if isinstance(found, ClientError):
            raise type(found)(str(found))  # one of its own for each that asks: a traceback grows each time it is raised
        return found

    async def _request(self, before: AuctionList | ClientError | None, url: str, seconds: float) -> AuctionList | ClientError:
        """One attempt, on the condition that the list is not the one `before`. Raises NotAsked."""
        etag = before.etag if isinstance(before, AuctionList) else ""
        headers = {"Accept": "application/json"} | ({"If-None-Match": etag} if etag else {})
        try:
            answer = await self._client.request("GET", url, headers=headers, limit=LIST_LIMIT, seconds=seconds)
        except NotAsked:
            raise
        except ClientError as error:
            return error
        if answer.status == 304 and etag and before is not None:
            return before
        if answer.truncated:
            return TooLarge(f"a list of more than {LIST_LIMIT} bytes")
        try:
            return AuctionList(answer, parse_ee_auctions(answer.body) if answer.status == 200 else None)
        except ValueError:
            return AuctionList(answer, None)
