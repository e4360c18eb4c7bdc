"""The store: one suite for every implementation, and what is special to each."""
