"""The sessions of one EPP account: login, checks, keep-alive, logout, and pauses after failures (RFC 5730, RFC 5734).

A registry counts the sessions of an account and locks it after failed logins. So at most `sessions` connections exist, each
with one command at a time, and after a failure nothing is sent until a pause is over that doubles with every further one.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from common.clients.address_guard import Guard
from common.clients.epp_connection import EppConnection, open_connection
from common.clients.host_addresses import Resolver
from common.clients.tls_context import create_tls_context, load_client_certificate
from common.config import Settings
from common.core.parsers.epp.commands import make_check, make_login, make_logout
from common.core.parsers.epp.namespaces import FEE
from common.core.parsers.epp.responses import (
    FIRST_CLOSING,
    FIRST_FAILURE,
    REFUSALS,
    SESSION_LIMIT,
    SUCCESS,
    Response,
    parse_response,
)
from common.epp_accounts import PORT, EppAccount
from common.errors import ClientError, ConnectionClosed, LoginFailed, NotAsked, TimedOut
from common.secret_scrubber import Scrubber
from common.setting_parsers import split_host

#: Seconds without a command after which a hello is sent: servers close sessions that are idle for some minutes.
IDLE_SECONDS = 120.0
#: Seconds that a hello and a logout may take.
HELLO_SECONDS, LOGOUT_SECONDS = 5.0, 2.0
#: A command that is not allowed in this state (RFC 5730 section 3): the server has forgotten the login.
NOT_LOGGED_IN = 2002
#: Seconds of the first and of the longest pause after a connection that failed, after a login that the server does not take
#: now, and after one that it refuses.
TROUBLE_PAUSE, BUSY_PAUSE, REFUSED_PAUSE = (1.0, 60.0), (60.0, 900.0), (900.0, 21_600.0)


@dataclass(frozen=True, slots=True)
class EppAnswer:
    """The answer to a check as it came; `address` is "ip:port"."""

    data: bytes
    address: str


class EppClient:
    """One account in one process. `monotonic` gives seconds; `idle` are the seconds between two hellos."""

    def __init__(
        self,
        account: EppAccount,
        settings: Settings,
        resolver: Resolver,
        monotonic: Callable[[], float],
        *,
        idle: float = IDLE_SECONDS,
    ) -> None:
        """Raises ConfigError where the files of certificates are of no use."""
        self._account = account
        self._host, self._port = split_host(account.host, PORT)
        self._guard = Guard(settings)
        self._tls = create_tls_context(settings.tls_ca_file)
        if account.certificate is not None:
            load_client_certificate(self._tls, account.certificate, account.key, "EPP_ACCOUNTS")
        self._scrubber = Scrubber((account.password,))
        self._resolver = resolver
        self._idle_seconds = idle
        self._pause = _Pause(self._host, monotonic)
        self._turns = asyncio.Semaphore(account.sessions)
        self._idle: dict[EppConnection, asyncio.TimerHandle] = {}
        self._hellos: set[asyncio.Task[None]] = set()
        self._transactions = (f"dm-{secrets.token_hex(4)}-{number}" for number in itertools.count(1))
        self._closed = False

    async def check_names(self, names: Sequence[str], seconds: float) -> EppAnswer:
        """The answer to one check of up to 50 names (A-labels), within `seconds` for everything.

        At most half of the time is spent on waiting for a session. Raises NotAsked where none was free, LoginFailed, TimedOut,
        Refused, ConnectionRefused, or ClientError for the rest.
        """
        try:
            async with asyncio.timeout(seconds), self._turn(seconds / 2):
                return await self._check(names)
        except TimeoutError as error:
            raise TimedOut(f"{self._host} did not answer within {seconds:.1f} s") from error

    async def close(self) -> None:
        """Log out where that is possible, and close every connection."""
        self._closed = True
        for task in self._hellos:
            task.cancel()
        await asyncio.gather(*self._hellos, return_exceptions=True)
        await asyncio.gather(*(self._log_out(connection) for connection in self._take_all_idle()))

    def hide_password(self, text: str) -> str:
        """A text of the server without this account's password, should it repeat it."""
        return self._scrubber.text(text)

    @asynccontextmanager
    async def _turn(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                await self._turns.acquire()
        except TimeoutError:
            raise NotAsked(f"no session with {self._host} was free within {seconds:.1f} s") from None
        try:
            yield
        finally:
            self._turns.release()

    async def _check(self, names: Sequence[str]) -> EppAnswer:
        connection = self._take_idle()
        if connection is not None:
            with suppress(ConnectionClosed):  # while it was idle: that says nothing about the server
                return await self._ask(connection, names)
        return await self._ask(await self._open(), names)

    async def _ask(self, connection: EppConnection, names: Sequence[str]) -> EppAnswer:
        transaction = next(self._transactions)
        command = make_check(names, transaction, fee=FEE in connection.greeting.extensions)
        try:
            data = await connection.exchange(command)
            response = self._parse(data, transaction)
        except BaseException:
            connection.abort()  # the answer may come yet, and would be taken for that to the next command
            raise
        if response.code >= FIRST_CLOSING or response.code in REFUSALS or response.code == NOT_LOGGED_IN:
            connection.abort()
            self._pause.note_failure(self._login_failure(response))
        else:
            self._keep(connection)
        return EppAnswer(data, connection.address)

    async def _open(self) -> EppConnection:
        """A connection that is logged in."""
        self._pause.check()
        try:
            connection = await open_connection(self._host, self._port, self._tls, self._guard, self._resolver)
            try:
                await self._log_in(connection)
            except BaseException:
                connection.abort()
                raise
        except ClientError as error:
            self._pause.note_failure(error)
            raise
        except asyncio.CancelledError:
            self._pause.note_failure(TimedOut(f"{self._host} let nothing in within the time of a check"))
            raise
        self._pause.end()
        return connection

    async def _log_in(self, connection: EppConnection) -> None:
        transaction = next(self._transactions)
        command = make_login(self._account.user, self._account.password, connection.greeting, transaction)
        response = self._parse(await connection.exchange(command), transaction)
        if response.code != SUCCESS:
            raise self._login_failure(response)

    async def _log_out(self, connection: EppConnection) -> None:
        try:
            with suppress(ClientError, TimeoutError):
                async with asyncio.timeout(LOGOUT_SECONDS):
                    await connection.exchange(make_logout(next(self._transactions)))
        finally:
            connection.abort()

    def _login_failure(self, response: Response) -> LoginFailed:
        return LoginFailed(response.code, self.hide_password(response.message))

    def _parse(self, data: bytes, transaction: str) -> Response:
        """Raises ClientError where the answer is none, or is that to another command; failures need not name theirs."""
        try:
            response = parse_response(data)
        except ValueError as error:
            raise ClientError(f"{self._host} sends no EPP answer: {error}"[:300]) from error
        if response.transaction != transaction and (response.transaction or response.code < FIRST_FAILURE):
            raise ClientError(f"{self._host} answers another command")
        return response

    # idle connections

    def _take_idle(self) -> EppConnection | None:
        """One that the server has not closed; closed ones are let go."""
        while self._idle:
            connection, timer = self._idle.popitem()
            timer.cancel()
            if connection.is_open:
                return connection
            connection.abort()
        return None

    def _take_all_idle(self) -> list[EppConnection]:
        found = []
        while (connection := self._take_idle()) is not None:
            found.append(connection)
        return found

    def _keep(self, connection: EppConnection) -> None:
        if self._closed:
            connection.abort()
            return
        timer = asyncio.get_running_loop().call_later(self._idle_seconds, self._start_hello, connection)
        self._idle[connection] = timer

    def _start_hello(self, connection: EppConnection) -> None:
        task = asyncio.get_running_loop().create_task(self._say_hello(connection))
        self._hellos.add(task)
        task.add_done_callback(self._hellos.discard)

    async def _say_hello(self, connection: EppConnection) -> None:
        """Keep one session open. It takes a turn, so that no further connection is made meanwhile."""
        if self._idle.pop(connection, None) is None:
            return  # a check has taken it just now
        if self._turns.locked():
            self._keep(connection)  # and one is waiting for it
            return
        async with self._turns:
            try:
                async with asyncio.timeout(HELLO_SECONDS):
                    await connection.ask_for_greeting()
            except (ClientError, TimeoutError):
                connection.abort()
            except BaseException:
                connection.abort()
                raise
            else:
                self._keep(connection)


class _Pause:
    """When the server may be tried again, and why not now."""

    def __init__(self, host: str, monotonic: Callable[[], float]) -> None:
        self._host = host
        self._monotonic = monotonic
        self._until = 0.0
        self._failures = 0
        self._last: ClientError = ClientError("")

    def note_failure(self, error: ClientError) -> None:
        """Begin a pause that fits the failure, twice as long as after the one before."""
        shortest, longest = _pause_after(error)
        seconds = min(longest, shortest * 2.0 ** min(self._failures, 30))
        if isinstance(error, LoginFailed):
            error.retry_after = seconds
        self._failures += 1
        self._last = error
        self._until = self._monotonic() + seconds

    def end(self) -> None:
        """The server has let us in."""
        self._failures, self._until = 0, 0.0

    def check(self) -> None:
        """Raises what the last failure was, with the seconds left, while the pause lasts."""
        left = self._until - self._monotonic()
        if left <= 0:
            return
        if isinstance(self._last, LoginFailed):
            raise LoginFailed(self._last.code, self._last.message, retry_after=left)
        raise ClientError(f"{self._host} is not tried for {left:.0f} s more: {self._last}"[:300])


def _pause_after(error: ClientError) -> tuple[float, float]:
    if not isinstance(error, LoginFailed):
        return TROUBLE_PAUSE
    if error.code in REFUSALS:
        return REFUSED_PAUSE
    return BUSY_PAUSE if error.code == SESSION_LIMIT or error.code < FIRST_CLOSING else TROUBLE_PAUSE
