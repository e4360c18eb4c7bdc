"""What every process shares: the pure core, the messages, and one module per thing that touches the outside."""
