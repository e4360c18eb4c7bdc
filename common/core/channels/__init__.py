"""Which channel of a suffix answers, which is silent, and since when.

A channel is one method at one server for one suffix. The room owns the health of every channel (`channel_health`), learned
from every answer, those to canaries included; dead channels survive a restart. Its door is `channels.Channels`.
"""
