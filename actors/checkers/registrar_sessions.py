"""What adapters share whose vendor asks for a login first: one session for all calls, renewed once where the vendor ended it.

An answer that refuses a login stands for a minute: vendors lock accounts after some failed logins, and count the others.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, RegistrarAdapter
from common.clients.http_client import HttpAnswer
from common.core.parsers.bounded_json import parse_bounded_json
from common.core.parsers.registrars.members import BODY_LIMIT, as_object
from common.errors import TimedOut

#: How long the answer to a failed login stands, in seconds, and how old a session has to be that is renewed though no call ever
#: went through in it.
PAUSE = 60.0
_KEY = re.compile(r"[\x21-\x7e]{8,4096}")
#: What may stand alone in a text and is long enough to be a secret.
_WORDS = re.compile(r"[^=;\s]{8,}")


@dataclass(slots=True)
class Session:
    """A session. `opened` in monotonic seconds; `worked`: whether a call went through in it."""

    key: str
    opened: float
    worked: bool = False


class SessionAdapter(RegistrarAdapter):
    """The base of adapters with sessions."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._session: Session | None = None
        self._refusal: tuple[float, HttpAnswer] | None = None
        self._opening = asyncio.Lock()

    async def open_session(self, deadline: float) -> str | HttpAnswer:
        """Log in until `deadline` (monotonic seconds). Returns the session's key, or the answer that refuses it.

        Raises ClientError.
        """
        raise NotImplementedError

    def enter_session(self, call: Call, key: str) -> Call:
        """The call as a part of the session with that key."""
        raise NotImplementedError

    def is_over(self, answer: HttpAnswer, names: Sequence[str]) -> bool:
        """Whether the answer to a call about these names says that the session has ended."""
        raise NotImplementedError

    async def exchange(self, names: Sequence[str], deadline: float) -> HttpAnswer:
        """Ask in a session; once more in a new one where the vendor has ended it. Raises ClientError."""
        ended: Session | None = None
        while True:
            session = await self._join_session(ended, deadline)
            if isinstance(session, HttpAnswer):
                return session
            answer = await self.send(self.enter_session(self.build_call(names), session.key), deadline)
            if not self.is_over(answer, names):
                session.worked = True
                return answer
            if ended is not None or not self._is_renewable(session):
                return answer
            ended = session

    def _is_renewable(self, session: Session) -> bool:
        """Whether a new login may help: a session in which nothing ever worked was refused, not ended."""
        return session.worked or self._monotonic() - session.opened >= PAUSE

    async def _join_session(self, ended: Session | None, deadline: float) -> Session | HttpAnswer:
        """The session of all, but not `ended`; opened by one of those that wait for it. Raises ClientError."""
        left = max(0.0, deadline - self._monotonic())
        try:
            async with asyncio.timeout(left), self._opening:
                if self._session is not None and self._session is not ended:
                    return self._session
                if self._refusal is not None and self._monotonic() - self._refusal[0] < PAUSE:
                    return self._refusal[1]
                return await self._renew_session(deadline)
        except TimeoutError as error:
            raise TimedOut("no session within the time budget") from error

    async def _renew_session(self, deadline: float) -> Session | HttpAnswer:
        self._session = self._refusal = None
        found = await self.open_session(deadline)
        if isinstance(found, HttpAnswer):
            self._refusal = (self._monotonic(), found)
            return found
        self.hide_keys(found, *_WORDS.findall(found))
        self._session = Session(found, self._monotonic())
        return self._session


def is_session_key(value: Any) -> bool:
    """Whether a value can be the key of a session: a text that fits into a header and is too long to be a word."""
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


def read_object(answer: HttpAnswer) -> dict[str, Any]:
    """The JSON object in an answer, whatever its status; an empty one where there is none."""
    try:
        return as_object(parse_bounded_json(answer.body, BODY_LIMIT))
    except ValueError:
        return {}
