"""The benchmark is a measuring instrument: these tests keep its arithmetic and its world honest."""
