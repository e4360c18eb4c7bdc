"""The one place that knows ZeroMQ: sockets, their options, and how they meet an asyncio loop.

Sockets of a coordinator: tasks (XPUB, one private topic per worker: `<worker>#<boot>;`), inbox (PULL), and the inner feed
(XPUB), which only processes of this host reach. The feed process binds the public feed (XPUB), read by plain SUB sockets.
Everything else connects. Nothing here queues: what could not be sent is reported, never kept.

Subscribers may be anything, so they never touch the coordinator: the feed process passes on what its own subscribers want.
libzmq keeps each subscription of a peer in memory and takes what peers send until nothing waits. So frames at an XPUB socket
are at most 512 bytes, eight of one peer wait, and a feed process that holds more than 512 MiB ends and is started again. No
ZMTP heartbeats there: libzmq 4.3.5 aborts where one is due on a connection that broke while its input was stopped.
"""

from common.bus.bus_endpoints import inbox_endpoint, leader_addresses, tasks_endpoint, worker_topic
from common.bus.coordinator_bus import CoordinatorBus, Feed
from common.bus.coordinator_link import InboxSender
from common.bus.curve_keys import KeyPair, feed_keys, generate_keys
from common.bus.feed_subscriber import FeedSubscriber
from common.bus.leader_watch import LeaderWatch
from common.bus.public_feed import PublicFeed
from common.bus.worker_bus import WorkerBus

__all__ = [
    "CoordinatorBus",
    "Feed",
    "FeedSubscriber",
    "InboxSender",
    "KeyPair",
    "LeaderWatch",
    "PublicFeed",
    "WorkerBus",
    "feed_keys",
    "generate_keys",
    "inbox_endpoint",
    "leader_addresses",
    "tasks_endpoint",
    "worker_topic",
]
