"""Several hosts in one test: coordinators and workers that reach each other over bad links."""
