"""The domain of Recloser: plain Python that never imports Prefect, `tasks` or `flows`."""

__version__ = "0.1.0"
