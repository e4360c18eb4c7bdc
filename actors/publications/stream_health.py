"""How a stream of certificates goes, in the words of /status. A stream that is connected and says nothing does not go well."""

from __future__ import annotations

from dataclasses import dataclass

from common.clock import iso

#: Seconds without a certificate that count as a silence: all logs together have hundreds a second.
SILENT = 300.0


@dataclass(slots=True)
class StreamHealth:
    """`began` is when it was first listened to, `last` when the last certificate came, in epoch seconds, None for never.

    `names` came since it is connected. `error` is why it is not, or what was wrong with it; the next certificate ends that.
    """

    began: float
    last: float | None = None
    names: int = 0
    error: str = ""

    def note_certificate(self, names: int, now: float) -> None:
        """A certificate with so many names came."""
        self.last, self.error = now, ""
        self.names += names

    def note_error(self, error: str) -> None:
        """The stream cannot be read, or ended."""
        self.names, self.error = 0, error

    def since(self) -> float:
        """Since when it is silent, in epoch seconds."""
        return self.began if self.last is None else self.last

    def is_silent(self, now: float) -> bool:
        """Whether no certificate came for too long."""
        return now - self.since() >= SILENT

    def problem(self, now: float) -> str:
        """What is wrong, in one sentence; "" where certificates come."""
        if self.error:
            return f"no certificate since {iso(self.since())}: {self.error}"[:300]
        if self.last is None or self.is_silent(now):
            return f"no certificate since {iso(self.since())}, although it is connected"
        return ""
