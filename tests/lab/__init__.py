"""A small internet on loopback: registries, their servers and a customer, all real sockets, all misbehaving on demand."""
