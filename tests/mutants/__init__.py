"""Small faults, put into the rules one at a time, and the tests that have to notice each."""
