"""The coordinator's end of the pipes to the process that reads the list."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from typing import cast

from actors.coordinator.list_frames import LENGTH, TAKE, Ask, Frame, frame_length, pack_frame, unpack_frame
from common.config import environment, restrictions
from common.errors import ListError, MessageError
from common.log import Logger

#: Most bytes kept of what it writes to standard error: the last ones, where a traceback says what happened.
LAST_WORDS = 2000
#: Seconds that it may take to end once it has closed its output.
PATIENCE = 5.0


class ReaderProcess:
    """A running reader. `next` and `take` raise ListError when it is gone, silent or makes no sense."""

    def __init__(self, process: Process, log: Logger) -> None:
        self._process = process
        self._questions = cast("StreamWriter", process.stdin)
        self._answers = cast("StreamReader", process.stdout)
        self._errors = cast("StreamReader", process.stderr)
        self._log = log
        self._words = b""
        self._listening = asyncio.create_task(self._collect_errors())

    @classmethod
    async def start(cls, command: Sequence[str], log: Logger, role: str) -> ReaderProcess:
        """Start it with our environment, without what its role has no use for. Raises ListError where that is impossible."""
        own = environment(restrictions(role))
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=own)
        except OSError as error:
            raise ListError(f"the process that reads it cannot be started: {error.strerror}") from None
        return cls(process, log)

    async def request_list(self, question: Ask) -> None:
        """Say what to do."""
        await self._write(pack_frame(question))

    async def allow_pieces(self) -> None:
        """Say that it may go on."""
        await self._write(TAKE)

    async def next_frame(self, seconds: float) -> Frame:
        """The next frame, at most after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                prefix = await self._answers.readexactly(LENGTH.size)
                return unpack_frame(await self._answers.readexactly(frame_length(prefix)))
        except TimeoutError:
            raise ListError(f"the process that reads it said nothing for {seconds:g} s") from None
        except asyncio.IncompleteReadError:
            raise ListError(await self._explain_end()) from None
        except MessageError as error:
            raise ListError(f"the process that reads it sent what makes no sense: {error}") from None

    async def await_end(self) -> None:
        """It has said all that it had to: let it end by itself."""
        self._questions.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._process.wait()

    async def close(self) -> None:
        """End it, whatever it does, and log what it had to say. Calling it twice is harmless."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._questions.close()
        with contextlib.suppress(TimeoutError):  # a process that hangs in the kernel does not end even so
            async with asyncio.timeout(PATIENCE):
                while await self._answers.read(1 << 16):
                    pass  # a pipe that is not read to its end stays open
                await self._listening
                await self._process.wait()
        if self._words:
            self._log.warning("list_reader", said=self._words.decode("utf-8", "replace"))
            self._words = b""

    async def _write(self, data: bytes) -> None:
        try:
            self._questions.write(data)
            await self._questions.drain()
        except OSError:
            raise ListError(await self._explain_end()) from None

    async def _collect_errors(self) -> None:
        while data := await self._errors.read(1 << 12):
            self._words = (self._words + data)[-LAST_WORDS:]

    async def _explain_end(self) -> str:
        try:
            async with asyncio.timeout(PATIENCE):
                code = await self._process.wait()
        except TimeoutError:
            return "the process that reads it closed its output too early"
        if code >= 0:
            return f"the process that reads it ended too early, with exit code {code}; the log has its last words"
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code).name
            hint = " (is there enough memory?)" if name == "SIGKILL" else ""
            return f"the process that reads it was ended by {name}{hint}"
        return f"the process that reads it was ended by signal {-code}"
