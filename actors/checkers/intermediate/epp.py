"""EPP: would the registry create this name now? One `<check>` for up to fifty names of an account (RFC 5731, RFC 8748).

The only method that sees reserved and premium names as a registrar does. It needs an account with the registry: EPP_ACCOUNTS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import sha256

from msgspec.structs import replace

from actors.checkers.contract import Context
from common.clients.epp_session import EppAnswer, EppClient
from common.clients.host_addresses import create_host_cache
from common.config import Settings
from common.core.model.evidence import Observation, Reading, unknown_reading
from common.core.parsers.epp.check_answer import make_excerpts, parse_check_answer
from common.core.parsers.epp.frames import MOST_NAMES
from common.core.parsers.epp.responses import REFUSALS, read_failure
from common.core.registries.registrable_names import is_wire_name
from common.epp_accounts import PORT, EppAccount
from common.errors import ClientError, ConnectionRefused, LoginFailed, NotAsked, Refused, TimedOut
from common.messages import Task
from common.setting_parsers import split_host

#: Seconds of a task's budget that are left for everything around the exchange.
_SLACK = 0.2
_FINDINGS = {Refused: "epp_refused_address", TimedOut: "epp_timeout", ConnectionRefused: "epp_turned_away"}


def create(context: Context) -> EppChecker | None:
    """The checker of this file; None without an account. Raises ConfigError where an account's certificate is of no use."""
    return EppChecker(context) if load_epp_accounts(context.settings) else None


def load_epp_accounts(settings: Settings) -> tuple[EppAccount, ...]:
    """The accounts that this process may use."""
    return settings.epp_accounts


class EppChecker:
    """Holds the sessions of every account. A suffix belongs to one account."""

    method = "epp"
    #: Most names that one call of `check_batch` takes.
    batch = MOST_NAMES

    def __init__(self, context: Context) -> None:
        settings = context.settings
        self._monotonic = context.monotonic
        self._hosts = create_host_cache(settings, context.monotonic)
        self._accounts = {suffix: account for account in load_epp_accounts(settings) for suffix in account.suffixes}
        self._clients = {
            account: EppClient(account, settings, self._hosts, context.monotonic) for account in self._accounts.values()
        }

    async def check(self, task: Task) -> Observation:
        """Ask about one name. Trouble is an observation with outcome unknown. Raises NotAsked where no session was free."""
        return (await self.check_batch([task]))[0]

    async def check_batch(self, tasks: Sequence[Task]) -> list[Observation]:
        """One observation for each task, in their order; the names of one account share one check, within its `batch`.

        Trouble is an observation with outcome unknown. Raises NotAsked where no session was free.
        """
        found: dict[str, Observation] = {}
        groups: dict[EppAccount, list[Task]] = {}
        for task in tasks:
            account = self._accounts.get(task.suffix)
            if account is None:
                found[task.domain] = self._unasked("epp_no_account", "no EPP account is set for the suffix")
            elif not is_wire_name(task.domain):
                found[task.domain] = self._unasked("epp_bad_name", "not a name that can be asked for")
            else:
                groups.setdefault(account, []).append(task)
        parts = [self._check_group(account, group) for account, group in groups.items()]
        for part in await asyncio.gather(*parts, return_exceptions=True):
            if isinstance(part, BaseException):
                raise part
            found |= part
        return [found[task.domain] for task in tasks]

    async def close(self) -> None:
        """Log out everywhere, and end the look-ups that still run."""
        await asyncio.gather(*(client.close() for client in self._clients.values()))
        await self._hosts.close()

    def _unasked(self, finding: str, reason: str) -> Observation:
        return Observation(self.method, unknown_reading(finding, reason))

    async def _check_group(self, account: EppAccount, tasks: list[Task]) -> dict[str, Observation]:
        """The observations of one account, by name."""
        ends = self._monotonic() + min(task.budget_ms for task in tasks) / 1000 - _SLACK
        names = list(dict.fromkeys(task.domain for task in tasks))
        found: dict[str, Observation] = {}
        for start in range(0, len(names), account.batch):
            part = names[start : start + account.batch]
            try:
                found |= await self._ask(account, part, max(0.1, ends - self._monotonic()))
            except NotAsked as error:
                if not found:
                    raise
                found |= dict.fromkeys(part, self._unasked("epp_error", str(error)))  # others of this call were asked already
        return found

    async def _ask(self, account: EppAccount, names: list[str], seconds: float) -> dict[str, Observation]:
        """One check. Raises NotAsked."""
        client, began = self._clients[account], self._monotonic()
        answer, refused = EppAnswer(b"", ""), False
        try:
            answer = await client.check_names(names, seconds)
            readings = parse_check_answer(answer.data, names)
        except NotAsked:
            raise
        except ClientError as error:
            readings = dict.fromkeys(names, _read_error(error))
            refused = isinstance(error, ConnectionRefused) or (isinstance(error, LoginFailed) and error.code in REFUSALS)
        duration = round((self._monotonic() - began) * 1000, 1)
        host = split_host(account.host, PORT)[0]
        digest = sha256(answer.data).hexdigest() if answer.data else ""
        excerpts = make_excerpts(answer.data, names)
        return {
            name: Observation(
                self.method,
                replace(reading, reason=client.hide_password(reading.reason)),
                server=host[:300],
                address=f"{answer.address}/tcp"[:300] if answer.address else "",
                duration_ms=duration,
                digest=digest,
                excerpt=client.hide_password(excerpts[name]),
                refused=refused or reading.finding == "epp_refused",
            )
            for name, reading in readings.items()
        }


def _read_error(error: ClientError) -> Reading:
    if isinstance(error, LoginFailed):
        return replace(read_failure(error.code, error.message), retry_after=error.retry_after)
    return unknown_reading(_FINDINGS.get(type(error), "epp_error"), str(error))
