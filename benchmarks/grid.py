"""How fast grid datasets are made, beside pandapower's `run_timeseries` and bare lightsim2grid in the same run.

Run `python benchmarks/grid.py`; it takes one to three minutes and 1 GB of disk. The exit code is 1 when a gate is
missed.

Everything runs on one thread, and a figure is the least processor time of several turns: what the wall clock shows on
a core that nobody else uses. The load average is printed with it. pandapower solves its own case118, whose size is the
same (its numbers are not: see tests/integration/grid).
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read once, when numpy is imported

import json
import logging
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandapower
import pandapower.networks
from lightsim2grid.injectionSweep import InjectionSweepCPP
from lightsim2grid.network import init_from_matpower
from lightsim2grid.timeSerie import TimeSeriesCPP
from pandapower.control import ConstControl
from pandapower.timeseries import DFData, OutputWriter
from pandapower.timeseries.run_time_series import run_timeseries

from recloser.grid import generate_dataset, load_network, make_engine, make_injections, request_size
from recloser.grid.lightsim import matpower_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from recloser.grid import Injections

TURNS = 15
PANDAPOWER_STEPS = 60
LONG_STEPS = (1_000, 10_000, 100_000)
KIB_PER_MIB = 1024
WRITE = """
import json, resource, sys, time
from pathlib import Path
from recloser.grid import request_dataset, write_dataset
request = request_dataset("case118", int(sys.argv[1]))
write_dataset(request_dataset("case118", 10), Path(sys.argv[2]) / "warm")
begun, used = time.perf_counter(), time.process_time()
write_dataset(request, Path(sys.argv[2]) / "set")
ended = {"wall_s": time.perf_counter() - begun, "cpu_s": time.process_time() - used}
print(json.dumps(ended | {"peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


@dataclass
class Bench:
    """Figures and their gates."""

    missed: list[str] = field(default_factory=list)

    def show(self, name: str, figure: float, unit: str, *, most: float = np.inf, least: float = 0.0) -> None:
        """Print a figure beside its gate."""
        gate = f"<= {most:g}" if most < np.inf else f">= {least:g}" if least else ""
        good = least <= figure <= most
        if not good:
            self.missed.append(name)
        print(f"{name:<58} {figure:>10.1f} {unit:<8} {gate:<9} {'' if not gate else 'ok' if good else 'MISSED'}")


def best_s(action: Callable[[], object], turns: int = TURNS) -> float:
    """Processor seconds of the fastest of several turns."""
    return min(_timed(action) for _ in range(turns))


def _timed(action: Callable[[], object]) -> float:
    begun = time.process_time()
    action()
    return time.process_time() - begun


def make(size: str) -> None:
    """Loads, solution and both tables."""
    dataset = generate_dataset(request_size(size))
    dataset.node_frame()
    dataset.edge_frame()


def bare_lightsim2grid(injections: Injections) -> dict[str, float]:
    """Seconds of its batches alone, on the same network and the same series, results left where they are."""
    network = load_network("case118")
    grid = init_from_matpower(matpower_tables(network))
    held = np.where(np.isnan(network.vset_pu), 1.0, network.vset_pu)
    start = held * np.exp(1j * np.deg2rad(network.slack_angle_deg))
    columns = (
        np.ascontiguousarray(injections.pg_mw[:, network.generators.bus]),
        injections.pd_mw,
        injections.qd_mvar,
    )

    def turn(batch: InjectionSweepCPP | TimeSeriesCPP) -> None:
        batch.clear()
        batch.modify_gen_p(columns[0])
        batch.modify_load_p(columns[1])
        batch.modify_load_q(columns[2])
        batch.compute(start, 20, 1e-9)

    found = {}
    for kind in (InjectionSweepCPP, TimeSeriesCPP):
        batch = kind(grid)
        found[kind.__name__] = best_s(lambda batch=batch: turn(batch))  # type: ignore[misc]
    return found


def pandapower_time_series(injections: Injections, **options: object) -> float:
    """Seconds of `run_timeseries` on the first steps of the same series."""
    import pandas as pd  # noqa: PLC0415

    net = pandapower.networks.case118()
    for element, column, values in (
        ("load", "p_mw", injections.pd_mw),
        ("load", "q_mvar", injections.qd_mvar),
        ("gen", "p_mw", injections.pg_mw),
    ):
        at = net[element]["bus"].to_numpy()
        profile = DFData(pd.DataFrame(values[:PANDAPOWER_STEPS, at], columns=net[element].index))
        ConstControl(net, element, column, net[element].index, data_source=profile, profile_name=net[element].index)
    steps = range(PANDAPOWER_STEPS)
    OutputWriter(net, steps, output_path=None, log_variables=[("res_bus", "vm_pu")])
    return best_s(lambda: run_timeseries(net, time_steps=steps, verbose=False, **options), turns=2)


def write_in_a_process(n_steps: int) -> dict[str, float]:
    """Seconds and peak memory of writing a dataset, in a process that does nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(
            [sys.executable, "-c", WRITE, str(n_steps), folder], capture_output=True, text=True, check=True
        )
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    found: dict[str, float] = json.loads(ended.stdout)
    return found | {"mib": size / 2**20}


def measure_solving(bench: Bench) -> None:
    """Power flow alone."""
    network, request = load_network("case118"), request_size("large")
    (injections,) = make_injections(request, network, steps_at_once=request.n_steps)
    engines = {name: make_engine(network, name) for name in ("lightsim2grid", "chord-newton")}
    for name, engine in engines.items():
        rate = request.n_steps / best_s(lambda engine=engine: engine.solve(injections))  # type: ignore[misc]
        least = 20_000 if name == "lightsim2grid" else 0.0
        bench.show(f"ours, {name}: solved, checked, all results", rate, "steps/s", least=least)
    for name, seconds in bare_lightsim2grid(injections).items():
        bench.show(f"bare lightsim2grid {name}: voltages only", request.n_steps / seconds, "steps/s")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandapower's own deprecations
        recycled = PANDAPOWER_STEPS / pandapower_time_series(injections, numba=False)
        whole = PANDAPOWER_STEPS / pandapower_time_series(injections, numba=False, recycle=False)
    bench.show("pandapower run_timeseries, voltages only, recycling", recycled, "steps/s")
    bench.show("pandapower run_timeseries, all results", whole, "steps/s")


def measure_making(bench: Bench) -> None:
    """Loads, power flow and tables."""
    for size, most_ms in (("small", 10), ("medium", np.inf), ("large", 200)):
        make(size)
        seconds = best_s(lambda size=size: make(size))  # type: ignore[misc]
        bench.show(f"{size}: loads + solve + tables", seconds * 1000, "ms", most=most_ms)
        if size == "large":
            bench.show("large: into tables", request_size(size).n_steps / seconds, "steps/s", least=5_000)


def measure_writing(bench: Bench) -> None:
    """Whole datasets on the disk, of growing length."""
    found = {n_steps: write_in_a_process(n_steps) for n_steps in LONG_STEPS}
    for n_steps, figures in found.items():
        name = f"case118 x {n_steps}, written with hashes and residuals"
        bench.show(f"{name}: wall", figures["wall_s"], "s")
        bench.show(f"{name}: processor", figures["cpu_s"], "s")
        bench.show(f"{name}: on disk", figures["mib"], "MiB")
        bench.show(f"{name}: peak memory", figures["peak_kib"] / KIB_PER_MIB, "MiB", most=1_000)
    cost = {n_steps: figures["cpu_s"] / n_steps for n_steps, figures in found.items()}
    growth = cost[LONG_STEPS[-1]] / cost[LONG_STEPS[1]]
    bench.show("processor time a step, 100 000 steps against 10 000", growth, "times", most=1.2)


def main() -> int:
    """Measure on this machine."""
    logging.getLogger("pandapower").setLevel(logging.ERROR)  # it asks for numba, which gains nothing here
    packages = ("numpy", "pandas", "pyarrow", "lightsim2grid", "pandapower")
    print(", ".join(f"{name} {version(name)}" for name in packages))
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; best of {TURNS}")
    bench = Bench()
    measure_solving(bench)
    measure_making(bench)
    measure_writing(bench)
    print(f"load average at the end {os.getloadavg()[0]:.1f}")
    return 1 if bench.missed else 0


if __name__ == "__main__":
    sys.exit(main())
