"""The lab is a measuring instrument: these tests keep it honest."""
