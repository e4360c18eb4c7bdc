"""Looking at the state while the leader writes it: read-only, never in its way, in transactions that end with the call."""

from __future__ import annotations

from functools import partial

from common.store.postgres import tables
from common.store.postgres.queries import SCAN_LIMIT, Queries
from common.store.postgres.read_session import ReadSession
from common.store.postgres.session import Server


class PostgresReader(Queries):
    """See `store_contract.Reader`; the state of one shard, the whole of one that is not divided.

    A connection that broke between two calls is replaced. Raises StoreError when there is no state yet, or one of another
    schema version.
    """

    def __init__(self, url: str, scan_limit: int = SCAN_LIMIT, shard: int = 0) -> None:
        server = Server(url, shard)
        self._session = ReadSession(server, partial(tables.check_version, shown=server.shown))
        self.engine = self._session.engine
        super().__init__(self._session.reading, scan_limit)

    def close(self) -> None:
        """Release the connection."""
        self._session.close()
