"""The AI Grid Model: a small HTTP service over three IEEE networks.

It makes load-and-power-flow data sets, forecasts series, estimates the state of the grid from measurements and
dispatches its units. Configured by environment variables only (see `config`), started with `python -m gridmodel`;
the page that draws its answers is another process, `python -m gridmodel.frontend`.
"""

__version__ = "1.2.0"
