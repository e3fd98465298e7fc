"""Make the job's four input tables from an IEEE case: the network as it is, unit data and hourly load by seed.

The same case, hours, seed and level give the same bytes. Load: base load x level x day x week x noise, the noise being
AR(1) series shared by all buses, by a zone and by one bus (the project's load model). Unit data, which the IEEE cases
lack: pmin 30 % of pmax, energy cost c1 x 0.8-1.3, no-load cost 6 x pmax x 0.5-1.5, start-up cost 15 x pmax x 1-2, ramp
half of pmax + 1 per hour, minimum up time 4 h.
"""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np

IEEE = Path(__file__).parent / "data" / "ieee"
CASES = ("case14", "case30", "case118")
ZONES = 4
# (rho, sigma) of the hourly noise shared by the grid, by a zone, and of one bus.
GRID_NOISE, ZONE_NOISE, BUS_NOISE = (0.98, 0.02), (0.97, 0.015), (0.90, 0.01)


def make(case, hours, seed, level):
    """The four tables by file name, as lists of rows, header first."""
    buses = _table(case, "buses")
    # One stream per source of chance: a new source shifts no other.
    streams = np.random.SeedSequence([seed, len(buses), hours]).spawn(4)
    grid, zone, bus, units = (np.random.Generator(np.random.PCG64(stream)) for stream in streams)
    return {
        "buses.csv": [["bus", "gs_mw"], *([row["bus"], row["gs_mw"]] for row in buses)],
        "branches.csv": _branches(_table(case, "branches")),
        "generators.csv": _generators(_table(case, "generators"), units),
        "load.csv": _load(buses, level * _season(hours), (grid, zone, bus)),
    }


def _table(case, name):
    with (IEEE / case / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _branches(branches):
    columns = ["from_bus", "to_bus", "x_pu", "rate_mva"]
    return [columns, *([row[name] for name in columns] for row in branches)]


def _generators(generators, chance):
    rows = [["gen", "bus", "pmin_mw", "pmax_mw", "cost_per_mwh", "noload_cost", "startup_cost", "ramp_mw", "min_up_h"]]
    for unit in generators:
        pmax_mw = float(unit["pmax_mw"])
        amounts = (
            0.3 * pmax_mw,
            pmax_mw,
            float(unit["c1"]) * chance.uniform(0.8, 1.3),
            6 * pmax_mw * chance.uniform(0.5, 1.5),
            15 * pmax_mw * chance.uniform(1.0, 2.0),
            0.5 * pmax_mw + 1,
        )
        rows.append([unit["gen"], unit["bus"], *(f"{amount:.3f}" for amount in amounts), "4"])
    return rows


def _season(hours):
    """Day and week: two daily waves, 6 % less at weekends; hour 0 is a Monday's midnight."""
    hour = np.arange(hours)
    day = 1 + 0.13 * np.sin(2 * np.pi * (hour - 9) / 24) + 0.05 * np.sin(4 * np.pi * (hour - 7) / 24)
    return day * np.where(hour // 24 % 7 >= 5, 0.94, 1.0)


def _load(buses, season, streams):
    grid, zone, bus = streams
    hours, n_buses = len(season), len(buses)
    in_zone = ZONES * np.arange(n_buses) // n_buses
    noise = (
        (1 + _ar1(grid, hours, 1, *GRID_NOISE))
        * (1 + _ar1(zone, hours, ZONES, *ZONE_NOISE)[:, in_zone])
        * (1 + _ar1(bus, hours, n_buses, *BUS_NOISE))
    )
    pd_mw = np.array([float(row["pd0_mw"]) for row in buses]) * season[:, None] * noise
    rows = ([hour, buses[b]["bus"], f"{pd_mw[hour, b]:.3f}"] for hour in range(hours) for b in range(n_buses))
    return [["hour", "bus", "pd_mw"], *rows]


def _ar1(chance, hours, width, rho, sigma):
    """Stationary first-order autoregressive series, hours x width, with standard deviation sigma."""
    shocks = chance.standard_normal((hours, width)) * sigma
    series = shocks.copy()
    for hour in range(1, hours):
        series[hour] = rho * series[hour - 1] + np.sqrt(1 - rho**2) * shocks[hour]
    return series


def write(tables, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        with (folder / name).open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        print(f"{folder / name}: {len(rows) - 1} rows")


def _whole(text, least):
    number = int(text)
    if number < least:
        raise argparse.ArgumentTypeError(f"{number} is less than {least}")
    return number


def _level(text):
    number = float(text)
    if not 0 < number < 10:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 10")
    return number


def _hours(text):
    return _whole(text, 1)


def _seed(text):
    return _whole(text, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=CASES, required=True)
    parser.add_argument("--hours", type=_hours, default=24)
    parser.add_argument("--seed", type=_seed, default=1)
    parser.add_argument("--level", type=_level, default=0.95, help="load relative to the case's (default %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the four CSVs; made if need be")
    arguments = parser.parse_args()
    try:
        write(make(arguments.case, arguments.hours, arguments.seed, arguments.level), arguments.out)
    except OSError as error:
        parser.error(f"cannot write the inputs: {error}")


if __name__ == "__main__":
    sys.exit(main())
