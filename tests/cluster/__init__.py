"""Several instances of the real product, one lab, and faults one after the other while names drop."""
