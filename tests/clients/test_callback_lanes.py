"""The outbox and a real endpoint that limits check results: every notice gets through, at once and in order."""

from __future__ import annotations

import asyncio

from common.clients.callback import CallbackSender
from common.core.outbox.deliveries import Deliveries
from tests.clients.callback_endpoint import Endpoint, configured, delivery, endpoint
from tests.core.outbox.posted import Middle, notice, result

#: Seconds of virtual time that the play takes, and what the endpoint asks for.
LASTS, ASKED = 120, 594


class Play:
    """Posts whatever an outbox has due, second by second of a virtual clock, over real connections."""

    def __init__(self) -> None:
        self.deliveries = Deliveries()
        self.arrived: list[tuple[int, str, int]] = []  # second, id, status
        self.second = 0

    async def answer(self, served: Endpoint, writer: asyncio.StreamWriter) -> None:
        """429 for check results, 204 for notices."""
        _, headers, body = served.requests[-1]
        limited = b"check_type" in body
        self.arrived.append((self.second, headers["webhook-id"], 429 if limited else 204))
        head = f"429 Too Many Requests\r\nRetry-After: {ASKED}" if limited else "204 No Content"
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n".encode())

    async def run(self) -> None:
        """Ten results at once and one more each second, and two notices of one name every ten."""
        async with endpoint(lambda _, writer: self.answer(served, writer)) as served:
            sender = CallbackSender(configured(served.port))
            try:
                for self.second in range(LASTS):
                    for n in range(1 if self.second else 10):
                        self.deliveries.add_delivery(result(f"r{self.second}.{n}", f"r{self.second}.{n}.com", at=self.second))
                    for order in (1, 2) if self.second % 10 == 5 else ():
                        row = notice(f"n{self.second}.{order}", f"n{self.second}.com", order, at=self.second)
                        self.deliveries.add_delivery(row)
                    await self.post(sender)
            finally:
                await sender.close()

    async def post(self, sender: CallbackSender) -> None:
        """All that is due in this second, one after the other."""
        while rows := self.deliveries.due_rows(self.second, 8):
            for row in rows:
                attempt = f"{self.second}.{row.id}"
                self.deliveries.note_sent(row.id, attempt, self.second)
                told = await sender.send(delivery(attempt=attempt, event_id=row.id, body=row.body), self.second)
                self.deliveries.note_result(told.attempt, told.status, told.error, told.retry_after, self.second, Middle())


def test_an_endpoint_that_limits_results_gets_every_notice_in_the_second_it_is_due() -> None:
    """Ten refusals with Retry-After: 594 end the results for so long; the notices of a name arrive at once, in order."""
    play = Play()
    asyncio.run(play.run())
    notices = [(second, key) for second, key, status in play.arrived if status == 204]

    assert notices == [(second, f"n{second}.{order}") for second in range(5, LASTS, 10) for order in (1, 2)]
    assert sum(status == 429 for _, _, status in play.arrived) == 10
    assert play.deliveries.snapshot(LASTS)["lanes"]["result"]["circuit_open_until"] == ASKED
