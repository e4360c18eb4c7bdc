"""What the adapters of all registrars' APIs share: one bounded call for several names, and an observation for each of them.

A vendor's adapter says how a call is built (`build_call`); how its answers are read is in `common.core.parsers.registrars`.
Keys go to the base URL of the settings and to no other server, whatever a task names. Nothing that an observation carries holds
one: texts of the other side pass through the scrubber.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import ClassVar

from msgspec import structs

from actors.checkers.contract import Context
from common.clients.address_guard import Guard
from common.clients.host_addresses import create_host_cache
from common.clients.http_client import PER_HOST, HttpAnswer, HttpClient, RequestOptions
from common.core.builtin.registrars import BY_VENDOR, Registrar
from common.core.model.evidence import Observation, Quota, Reading, unknown_reading
from common.core.parsers.registrar import PARSERS, parse_registrar_answers
from common.core.parsers.registrars.members import BODY_LIMIT
from common.core.registries.directory import host_of
from common.core.registries.registrable_names import is_wire_name
from common.errors import ClientError, ConfigError, ConnectionRefused, NotAsked, Refused, TimedOut
from common.messages import Task
from common.secret_scrubber import Scrubber
from common.sources import base_url, batch_of, is_sandbox, missing_settings

#: Characters of an answer kept around the name that it is about.
_BEFORE, _AROUND = 200, 700
_FINDINGS = {Refused: "registrar_refused_address", TimedOut: "registrar_timeout", ConnectionRefused: "registrar_turned_away"}


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request: `path` is appended to the base URL and may have a query."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


class RegistrarAdapter:
    """The base of every vendor's adapter."""

    vendor: ClassVar[str]
    #: Most calls at once.
    at_once: ClassVar[int] = PER_HOST

    def __init__(self, context: Context) -> None:
        self.row = find_row(self.vendor)
        self.settings = context.settings
        self.now = context.now
        self.method = self.row.method
        self.batch = batch_of(context.settings, self.row)
        self.url = base_url(context.settings, self.row)
        self.sandbox = is_sandbox(context.settings, self.row)
        self._monotonic = context.monotonic
        self._hosts = create_host_cache(context.settings, context.monotonic)
        self._client = HttpClient(context.settings, Guard(context.settings), resolver=self._hosts, per_host=self.at_once)
        self.hide_keys()

    def build_call(self, names: Sequence[str]) -> Call:
        """The request for these names (A-labels, at most `batch`)."""
        raise NotImplementedError

    async def exchange(self, names: Sequence[str], deadline: float) -> HttpAnswer:
        """Ask about these names until `deadline` (monotonic seconds). Where there are sessions, log in before.

        Raises ClientError.
        """
        return await self.send(self.build_call(names), deadline)

    async def send(self, call: Call, deadline: float) -> HttpAnswer:
        """One exchange with the vendor, finished before `deadline` (monotonic seconds). Raises ClientError."""
        left = deadline - self._monotonic()
        if left <= 0:
            raise TimedOut("no answer within the time budget")
        headers = {"Accept": "application/json", **call.headers}
        options = RequestOptions(body=call.body)
        url = f"{self.url}{call.path}"
        return await self._client.request(call.method, url, headers=headers, limit=BODY_LIMIT, seconds=left, options=options)

    def hide_keys(self, *more: str) -> None:
        """Take from now on every secret of the settings out of what is told, and these texts."""
        self._scrubber = Scrubber((*self.settings.secrets(), *more))

    async def check(self, task: Task) -> Observation:
        """Ask about one name. Trouble is an observation with outcome unknown."""
        return (await self.check_batch([task]))[0]

    async def check_batch(self, tasks: Sequence[Task]) -> list[Observation]:
        """Ask about up to `batch` names in one call. Returns an observation for each task, in their order.

        Raises NotAsked where nothing was sent because of ourselves.
        """
        began = self._monotonic()
        deadline = began + min(task.budget_ms for task in tasks) / 1000 - 0.2
        names = [task.domain for task in tasks if is_wire_name(task.domain)]
        answer, quota = None, None
        readings: dict[str, Reading] = {}
        refused = False
        if names:
            try:
                answer = await self.exchange(names, deadline)
                readings, quota = self._read(answer, names)
            except NotAsked:
                raise
            except ClientError as error:
                readings = dict.fromkeys(names, self._read_failure(error))
                refused = isinstance(error, ConnectionRefused)
        seconds = self._monotonic() - began
        odd = unknown_reading("registrar_bad_name", "not a name that can be asked for")
        return [self._observe(task.domain, readings.get(task.domain, odd), answer, seconds, quota, refused) for task in tasks]

    async def close(self) -> None:
        """Close connections, and end the look-ups that still run."""
        await self._client.close()
        await self._hosts.close()

    def _read(self, answer: HttpAnswer, names: Sequence[str]) -> tuple[dict[str, Reading], Quota | None]:
        if answer.truncated:
            cut = unknown_reading("registrar_too_large", f"a body of more than {BODY_LIMIT} bytes")
            return dict.fromkeys(names, cut), None
        return parse_registrar_answers(self.vendor, answer.status, answer.headers, answer.body, names, self.now())

    def _read_failure(self, error: ClientError) -> Reading:
        return unknown_reading(_FINDINGS.get(type(error), "registrar_unreachable"), self._scrubber.text(str(error)))

    def _observe(
        self,
        name: str,
        reading: Reading,
        answer: HttpAnswer | None,
        seconds: float,
        quota: Quota | None,
        refused: bool,  # noqa: FBT001  # of the observation
    ) -> Observation:
        return Observation(
            self.method,
            self._scrub_reading(reading),
            server=host_of(self.url)[:300],
            address=f"{answer.address}/tcp"[:300] if answer else "",
            duration_ms=round(seconds * 1000, 1),
            status=answer.status if answer else None,
            digest=sha256(answer.body).hexdigest() if answer else "",
            excerpt=self._excerpt(answer.body, name) if answer else "",
            quota=quota,
            refused=refused,
        )

    def _scrub_reading(self, reading: Reading) -> Reading:
        text = self._scrubber.text(reading.reason)
        return reading if text == reading.reason else structs.replace(reading, reason=text[:300])

    def _excerpt(self, body: bytes, name: str) -> str:
        """What stands around the name in an answer, bounded, without keys."""
        text = self._scrubber.text(body.decode("utf-8", "replace"))
        start = max(0, text.find(name) - _BEFORE)
        return "".join(mark if mark.isprintable() else " " for mark in text[start : start + _AROUND]).strip()


def is_configured(context: Context, vendor: str) -> bool:
    """Whether all settings that a registrar needs are there. Raises ConfigError as `find_row`."""
    return not missing_settings(context.settings, find_row(vendor))


def find_row(vendor: str) -> Registrar:
    """What is written down of a vendor. Raises ConfigError where its adapter lacks its row or its parser."""
    if vendor not in BY_VENDOR:
        raise ConfigError([f"registrar {vendor}: add its row to REGISTRARS in common/core/builtin/registrars.py"])
    if vendor not in PARSERS:
        raise ConfigError([f"registrar {vendor}: add its parser to PARSERS in common/core/parsers/registrar.py"])
    return BY_VENDOR[vendor]
