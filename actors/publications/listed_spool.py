"""What is listed of the watched names, in a nameless file until the publication is proved whole; memory holds a part of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from common.codec import decoder, encode
from common.core.model.publication import MOST_LISTED, ListedName
from common.errors import PublicationError

_decode = decoder(tuple[ListedName, ...])


class ListedSpool:
    """Names by shard, in the order in which they come; a context, which removes the files."""

    def __init__(self, folder: Path, shards: int) -> None:
        self.counts = [0] * shards
        self._folder = folder
        self._waiting: list[list[ListedName]] = [[] for _ in range(shards)]
        self._files: list[IO[bytes] | None] = [None] * shards

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for file in self._files:
            if file is not None:
                with suppress(OSError):
                    file.close()

    def add_names(self, shard: int, names: Sequence[ListedName]) -> None:
        """Keep further names of a shard. Raises PublicationError where there is no room on the disk."""
        waiting = self._waiting[shard]
        waiting += names
        self.counts[shard] += len(names)
        while len(waiting) > MOST_LISTED:  # the last part stays in memory, and most readings have no other
            self._write(shard, tuple(waiting[:MOST_LISTED]))
            del waiting[:MOST_LISTED]

    def read_parts(self, shard: int) -> Iterator[tuple[ListedName, ...]]:
        """The names of a shard in parts of at most MOST_LISTED; one without names where there are none."""
        file = self._files[shard]
        if file is not None:
            file.seek(0)
            while head := file.read(4):
                yield _decode(file.read(int.from_bytes(head, "big")))
        yield tuple(self._waiting[shard])

    def count_parts(self, shard: int) -> int:
        """How many parts `read_parts` gives."""
        return max(1, -(-self.counts[shard] // MOST_LISTED))

    def _write(self, shard: int, part: tuple[ListedName, ...]) -> None:
        try:
            file = self._files[shard]
            if file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                file = self._files[shard] = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  # closed by the context
            data = encode(part)
            file.write(len(data).to_bytes(4, "big") + data)
        except OSError as error:
            raise PublicationError(f"what it lists cannot be kept in {self._folder.name}/: {error.strerror}") from error
