"""Where state lives: one transaction writes a decision with its event and its deliveries, readers look at it any time.

`common.store.writer` and `common.store.reader` open it: who only looks does not load what the one writer needs.
"""
