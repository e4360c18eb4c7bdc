"""The whole product as an operator runs it: real processes under supervisord, against the lab or against nothing at all."""
