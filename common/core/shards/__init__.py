"""Answers: in which part of a divided watch list does a name lie, for ever.

It owns the layout, which is fixed when a store is made: in another shard the events of a name would begin anew. It must not
know which names are watched, nor what is known of them.
"""
