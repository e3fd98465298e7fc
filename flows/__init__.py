"""The stories: one Prefect flow per cycle, and the command line."""
