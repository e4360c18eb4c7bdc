"""Says once, when the start is over, where the service can be looked at."""

from __future__ import annotations

import http.client
import threading

from actors.cli.shared_stdout import SharedOutput
from common.clock import monotonic
from common.config import Settings
from common.log import Logger

#: Seconds to wait for an answer, and after the first answer until it is told that some of it is not well yet.
TIMEOUT, PATIENCE = 2.0, 15.0
#: Seconds of health before it is told on a terminal, so that what the last processes say of their start stands above it.
SETTLED = 2.0

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what a server listens on is no address to connect to


class ReadyMessage:
    """Asks control until it is healthy; call `look` about once a second."""

    def __init__(self, settings: Settings, outlet: SharedOutput, log: Logger, *, text: bool) -> None:
        self._host = _EVERYWHERE.get(settings.control_host, settings.control_host)
        self._port = settings.control_port
        self._outlet = outlet
        self._log = log
        self._text = text
        self._asking: threading.Thread | None = None
        self._answered: float | None = None
        self._well: float | None = None
        self._said = not settings.control_port

    def look(self) -> None:
        """Ask again, in a thread: supervisord is looked after meanwhile."""
        if not self._said and (self._asking is None or not self._asking.is_alive()):
            self._asking = threading.Thread(target=self._ask, name="welcome", daemon=True)
            self._asking.start()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT)
        try:
            connection.request("GET", "/health", headers={"Accept": "application/json"})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()
        moment = monotonic()
        self._answered = self._answered or moment
        if status == 200:
            self._well = self._well or moment
        settled = self._well is not None and (not self._text or moment - self._well >= SETTLED)
        if not settled and moment - self._answered < PATIENCE:
            return
        self._said = True
        host = f"[{self._host}]" if ":" in self._host else self._host
        url = f"http://{host}:{self._port}/"
        if self._text:
            self._outlet.write(f"Domain Monitor is running: open {url} (Ctrl-C stops it)\n")
        else:
            self._log.info("running", url=url)
