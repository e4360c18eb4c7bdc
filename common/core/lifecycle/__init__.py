"""When will a name drop, and what does its registry do with it then? A calendar of registries' published procedures.

It owns no state: every forecast is computed from the record, the phase and the times at which it was seen. It must not know
which answers led to them or whether the name will be announced.
"""
