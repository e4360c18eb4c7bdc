"""The notifier: takes leased deliveries, POSTs them, says how each ended. It decides nothing and remembers nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from common.clients.callback import CallbackSender
from common.clock import now
from common.messages import Delivery, DeliveryResult
from common.process import Runtime
from common.worker import run_notifier


def make_main(number: int) -> Callable[[Runtime], Awaitable[None]]:
    """The main function of the notifier process with this number."""

    async def main(runtime: Runtime) -> None:
        sender = CallbackSender(runtime.settings)

        async def handle(delivery: Delivery) -> DeliveryResult:
            return await sender.send(delivery, now())

        try:
            await run_notifier(runtime, number, handle)
        finally:
            await sender.close()

    return main
