"""The store: one transaction writes a decision with its event and its deliveries; readers read at any time.

`common.store.writer` and `common.store.reader` open it: a reader does not load what the one writer needs.
"""
