"""Optimo: a network-constrained unit commitment, run as an AWS Batch job.

Reads a network, its units and an hourly load series, decides which units run when, and writes the schedule.
Configured by environment variables only (see `config`), started with `python -m optimo`.
"""

__version__ = "1.4.2"
