"""Which channel of a suffix speaks, which is silent, and since when.

A channel is one method at one server for one suffix. Health is learned from every answer, those to canaries included.
"""

from common.core.channels.channel_health import ChannelHealth, Channels, Condition, conditions_of

__all__ = ["ChannelHealth", "Channels", "Condition", "conditions_of"]
