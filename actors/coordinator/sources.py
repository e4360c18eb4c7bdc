"""Where the coordinator's knowledge comes from: the domain list and the RDAP bootstrap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from common.clients.bootstrap import Bootstrap
from common.clients.domain_api import DomainApi, FileList
from common.clients.guard import Guard
from common.clients.http import HttpClient
from common.clock import now
from common.config import Settings
from common.core.directory import Directory
from common.core.events import ListFailed, ListLoaded
from common.errors import ListError
from common.process import Runtime

#: Seconds between two looks whether the bootstrap is due; how often it is fetched is decided there.
BOOTSTRAP_LOOK = 600.0


class ListSource:
    """The domain list, from the API or a file. `read` blocks: it belongs in a thread."""

    def __init__(self, settings: Settings, suffix_of: Callable[[str], str | None]) -> None:
        self._reader: DomainApi | FileList
        if settings.domain_api_url:
            self._reader = DomainApi(settings, suffix_of)
        else:
            self._reader = FileList(Path(settings.domain_list_file), suffix_of)

    def read(self) -> ListLoaded | ListFailed:
        """Read it once; trouble is an event too."""
        try:
            fetched = self._reader.fetch()
        except ListError as error:
            return ListFailed(str(error), self._reader.source)
        return ListLoaded(fetched.parsed, self._reader.source)

    def forget(self) -> None:
        """Ask for the whole list next time: what was held back has to be seen again."""
        self._reader.forget()


async def refresh_directory(runtime: Runtime, directory: Directory) -> AsyncIterator[Directory]:
    """Fetch the RDAP bootstrap when it is due; yields the directory when it changed. A failure keeps the last good copy."""
    client = HttpClient(runtime.settings, Guard(runtime.settings))
    bootstrap = Bootstrap(runtime.settings, client, now)
    try:
        while True:
            found = await bootstrap.refresh()
            if bootstrap.error:
                runtime.log.warning("bootstrap_kept", reason=bootstrap.error)
            if found is not None:
                directory.replace_fetched(found)
                runtime.log.info("bootstrap_taken", suffixes=len(found))
                yield directory
            await asyncio.sleep(BOOTSTRAP_LOOK)
    finally:
        await client.close()
