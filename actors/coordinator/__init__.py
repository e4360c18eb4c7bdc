"""The coordinator: the only process that changes state."""
