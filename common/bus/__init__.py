"""The one place that knows ZeroMQ: sockets, their options, and how they meet an asyncio loop.

Sockets of a coordinator: tasks (XPUB, one private topic per worker: `<worker>#<boot>;`), inbox (PULL), and the inner feed
(XPUB), which only processes of this host reach. The feed process binds the public feed (XPUB), read by plain SUB sockets.
Everything else connects. Nothing here queues: what could not be sent is reported, never kept.
"""

from common.bus.bus_endpoints import inbox_endpoint, inner_feed_endpoint, tasks_endpoint, worker_topic
from common.bus.coordinator_bus import CoordinatorBus, Feed
from common.bus.curve_keys import KeyPair, feed_keys, generate_keys
from common.bus.feed_subscriber import FeedSubscriber
from common.bus.public_feed import PublicFeed
from common.bus.worker_bus import InboxSender, WorkerBus

__all__ = [
    "CoordinatorBus",
    "Feed",
    "FeedSubscriber",
    "InboxSender",
    "KeyPair",
    "PublicFeed",
    "WorkerBus",
    "feed_keys",
    "generate_keys",
    "inbox_endpoint",
    "inner_feed_endpoint",
    "tasks_endpoint",
    "worker_topic",
]
