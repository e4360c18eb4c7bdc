"""NameSilo: up to 200 names in one call (namesilo.com/api-reference)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, RegistrarAdapter, is_configured
from common.core.model.evidence import Observation
from common.messages import Task

#: Longest path with its query, in bytes: servers refuse more than 8 KiB, and 200 names of usual length have half of that.
LONGEST_PATH = 7500


def create(context: Context) -> NamesiloAdapter | None:
    """The checker of this file; None without a key."""
    return NamesiloAdapter(context) if is_configured(context, NamesiloAdapter.vendor) else None


class NamesiloAdapter(RegistrarAdapter):
    """Asks `checkRegisterAvailability`, one call after the other: a second one at once is refused."""

    vendor = "namesilo"
    at_once = 1

    async def check_batch(self, tasks: Sequence[Task]) -> list[Observation]:
        """As every adapter; names that make a URL too long for one call are asked about in two."""
        if len(tasks) > 1 and len(self.build_call([task.domain for task in tasks]).path) > LONGEST_PATH:
            half = len(tasks) // 2
            return [*await self.check_batch(tasks[:half]), *await self.check_batch(tasks[half:])]
        return await super().check_batch(tasks)

    def build_call(self, names: Sequence[str]) -> Call:
        """One GET for all names. Where they ask for programs to go (`apibatch`); the sandbox has no such path."""
        part = "api" if self.sandbox else "apibatch"
        query = {"version": "1", "type": "json", "key": self.settings.namesilo_api_key, "domains": ",".join(names)}
        return Call("GET", f"/{part}/checkRegisterAvailability?{urlencode(query, safe=',')}")
