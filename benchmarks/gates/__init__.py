"""The gates of `benchmarks/analytics.py`, one module for each part of section 4 of the reference."""
