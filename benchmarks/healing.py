"""Whether the loop heals what can be healed, in as few attempts as there are faults, and changes nothing else.

    make bench ONLY=healing        or: python benchmarks/healing.py [NAME …] [--direct]

Every scenario of `scenarios.toml` is a whole `heal` flow of `examples/optimo`, on a sandbox of this benchmark's own and
a Prefect server that is running already. `--direct` leaves Prefect out. The exit code is 1 when a gate is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from pydantic import TypeAdapter

from recloser.aws import connect
from recloser.faults import Fault, find_fault, inject
from recloser.healing import Narrator, open_healing, prepare, until_settled
from recloser.healing.permissions import operator_policy
from recloser.sandbox import Identity, Sandbox
from recloser.settings import load_settings
from recloser.store import Store
from recloser.target import load_target
from recloser.values import ChangeState, FixMode, Incident, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from recloser.values import Turn

EXAMPLE = Path(__file__).parents[1] / "examples" / "optimo"
REGION = "us-east-1"
ITERATIONS = 10
TURN_GATE_S = 1.0
WRITTEN = {ChangeState.APPLIED, ChangeState.VERIFIED, ChangeState.REVERTED, ChangeState.FAILED}


@dataclass(frozen=True)
class Scenario:
    """One way to be broken, and the fewest right steps."""

    name: str
    expect: Verdict = Verdict.HEALED
    faults: tuple[str, ...] = ()
    breaks: tuple[Fault, ...] = ()
    declare: tuple[tuple[str, str], ...] = ()
    remedies: tuple[str, ...] = ()
    cause: str | None = None
    environment_state: str = "ENABLED"
    region: str | None = None
    """Another region in which the example is set up as well."""

    @property
    def least(self) -> int:
        """The attempts that it takes: one, and one more for each right step."""
        return 1 + len(self.remedies)


@dataclass(frozen=True)
class Outcome:
    """What became of a scenario."""

    scenario: Scenario
    incident: Incident
    wall_s: float

    @property
    def needless(self) -> Counter[str]:
        """Changes, retries included, that were written and are none of the right steps."""
        written = Counter(change.remedy for change in self.incident.changes if change.state in WRITTEN)
        return written - Counter(self.scenario.remedies)

    @property
    def problems(self) -> list[str]:
        """In what it is not as declared."""
        incident, scenario = self.incident, self.scenario
        last = next((one.diagnosis for one in reversed(incident.attempts) if one.diagnosis), None)
        found = []
        if incident.verdict is not scenario.expect:
            found.append(f"{incident.verdict}, expected {scenario.expect}: {incident.reason[:160]}")
        if self.needless:
            found.append(f"needless: {dict(self.needless)}")
        if len(incident.attempts) > scenario.least:
            found.append(f"{len(incident.attempts)} attempts, {scenario.least} would do")
        if scenario.cause and (last is None or str(last.cause) != scenario.cause):
            found.append(f"called {last.cause if last else 'nothing'}, not {scenario.cause}")
        return found

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of its loop."""
        return self.incident.metrics.turns if self.incident.metrics else ()


class Ground:
    """A sandbox with the example on it, healthy again before each scenario."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sandbox = Sandbox(folder / "sandbox", stop_grace_s=1.0)
        self.policy = folder / "operator.json"

    @contextmanager
    def standing(self) -> Iterator[None]:
        """While it is up, this process acts as Recloser's own identity."""
        self.sandbox.up()
        try:
            os.environ.update(self.sandbox.environment(Identity.RECLOSER))
            os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            os.environ["RECLOSER_SANDBOX_DIR"] = str(self.sandbox.state.root)
            yield
        finally:
            self.sandbox.down()

    def mend(self, folder: Path, region: str = REGION) -> None:
        """Bring the account to the example's healthy state, with the rights that this declaration needs."""
        self.policy.write_text(operator_policy(load_target(folder)))
        admin = {"PATH": os.environ["PATH"], **self.sandbox.environment(Identity.ADMIN), "AWS_DEFAULT_REGION": region}
        script = [sys.executable, str(EXAMPLE / "infra" / "provision.py"), "--operator-policy", str(self.policy)]
        subprocess.run([*script, "--operator-user", "recloser"], env=admin, check=True, capture_output=True)
        for tag in ("1.4.1", "1.4.2"):
            self.sandbox.build(EXAMPLE, repository="optimo", tag=tag, region=region)
        self.sandbox.faults(clear=True)

    def break_with(self, scenario: Scenario, folder: Path) -> None:
        """Put everything in place that is wrong."""
        target = load_target(folder)
        for fault in (*(find_fault(target, name) for name in scenario.faults), *scenario.breaks):
            inject(fault, target, self.sandbox)
        if scenario.environment_state != "ENABLED":
            self.environment(scenario.environment_state)

    def environment(self, state: str) -> None:
        """Switch the compute environment, and end whatever waits for it."""
        variables = self.sandbox.environment(Identity.ADMIN)
        batch: Any = boto3.Session(
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        ).client("batch", endpoint_url=variables["AWS_ENDPOINT_URL_BATCH"])
        for job in batch.list_jobs(jobQueue="optimo", jobStatus="RUNNABLE")["jobSummaryList"]:
            batch.terminate_job(jobId=job["jobId"], reason="the scenario is over")
        batch.update_compute_environment(computeEnvironment="optimo", state=state)


def read() -> list[Scenario]:
    """The scenarios."""
    faults: TypeAdapter[Fault] = TypeAdapter(Fault)
    told = {"about": "of a scenario", "expect": "healed"}

    def scenario(declared: dict[str, Any]) -> Scenario:
        breaks = [faults.validate_python({"name": "own", **told, **one}) for one in declared.pop("breaks", ())]
        expect = Verdict(declared.pop("expect", "healed"))
        declare = tuple((find, replace) for find, replace in declared.pop("declare", ()))
        return Scenario(expect=expect, breaks=tuple(breaks), declare=declare, **declared)

    file = Path(__file__).with_name("scenarios.toml")
    return [scenario(declared) for declared in tomllib.loads(file.read_text())["scenarios"]]


def play(scenario: Scenario, ground: Ground, heal: Callable[[Path], None]) -> Outcome:
    """Mend, break, heal."""
    folder = Path(tempfile.mkdtemp(dir=ground.folder)) / "optimo"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    file = folder / "recloser.toml"
    for find, replace in scenario.declare:
        text = file.read_text()
        if find not in text:
            raise ValueError(f"{scenario.name}: {find!r} is not in recloser.toml")
        file.write_text(text.replace(find, replace))
    os.environ["RECLOSER_HOME"] = str(folder.parent / "home")
    ground.mend(folder)
    if scenario.region:
        ground.mend(folder, scenario.region)
    ground.break_with(scenario, folder)
    began = time.monotonic()
    try:
        heal(folder)
    finally:
        if scenario.environment_state != "ENABLED":
            ground.environment("ENABLED")
    with Store.open(load_settings().database_url) as store:
        (incident,) = store.incidents()
    return Outcome(scenario, incident, time.monotonic() - began)


def through_prefect(folder: Path) -> None:
    """The flow, as a deployment or the command runs it."""
    from flows.heal import heal  # noqa: PLC0415 - Prefect reads its settings when it is imported

    heal(str(folder), iterations=ITERATIONS, return_state=True)


def direct(folder: Path) -> None:
    """The same loop without Prefect."""
    site = prepare(load_target(folder), connect(load_settings()))
    with Store.open(load_settings().database_url) as store:
        healing = open_healing(site, store, Narrator(), iterations=ITERATIONS, fix_mode=FixMode.AUTO)
        until_settled(healing)
        healing.release()


@contextmanager
def prefect_server(folder: Path) -> Iterator[None]:
    """A server that is up before the first flow, as a team's is."""
    os.environ.update(
        PREFECT_HOME=str(folder / "prefect"),
        PREFECT_LOGGING_LEVEL="CRITICAL",
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        DO_NOT_TRACK="1",
    )
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415

    with prefect_test_harness(server_startup_timeout=120):
        yield


def show(outcomes: Sequence[Outcome]) -> bool:
    """Print everything; whether every gate is met."""
    print(f"\n{'scenario':<44} {'verdict':<11} {'attempts':>8} {'least':>5} {'turn s':>7} {'wall s':>7}")
    for one in outcomes:
        print("\n    ".join([_row(one), *one.problems]))
    healable = [one for one in outcomes if one.scenario.expect.is_success]
    healed = sum(one.incident.verdict.is_success for one in healable)
    hopeless = [one for one in outcomes if not one.scenario.expect.is_success and not one.scenario.remedies]
    spent, least = sum(len(one.incident.attempts) for one in healable), sum(one.scenario.least for one in healable)
    good = sum(not one.problems for one in outcomes)
    print(f"\nscenarios                        {len(outcomes)}, {good} as declared")
    print(f"healed of healable               {healed} of {len(healable)}")
    print(f"attempts used / least possible   {spent} / {least}")
    print(f"harmful or needless changes      {sum(one.needless.total() for one in outcomes)}")
    print(f"changes on the unhealable        {sum(one.needless.total() for one in hopeless)} of {len(hopeless)}")
    return show_turns([turn for one in outcomes for turn in one.turns]) and good == len(outcomes)


def _row(one: Outcome) -> str:
    turn = f"{statistics.median(turn.total_s for turn in one.turns):.2f}" if one.turns else "-"
    counts = f"{len(one.incident.attempts):>8} {one.scenario.least:>5}"
    return f"{one.scenario.name:<44} {one.incident.verdict:<11} {counts} {turn:>7} {one.wall_s:>7.1f}"


def show_turns(turns: Sequence[Turn]) -> bool:
    """What a turn of the loop costs beyond the job's own time and what is waited on purpose."""
    if not turns:
        return True
    parts = ("collect_s", "diagnose_s", "decide_s", "submit_s", "total_s")
    print(f"\none turn of the loop, {len(turns)} turns      p50 s   p95 s")
    for part in parts:
        values = sorted(getattr(turn, part) for turn in turns)
        late = values[min(len(values) - 1, int(len(values) * 0.95))]
        print(f"  {part.removesuffix('_s'):<28} {statistics.median(values):>7.3f} {late:>7.3f}")
    middle = statistics.median(turn.total_s for turn in turns)
    print(f"gate: p50 of the total <= {TURN_GATE_S} s: {'met' if middle <= TURN_GATE_S else 'MISSED'}")
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(f"load of the machine {load:.1f} on {cores} processors")
    return middle <= TURN_GATE_S


def main() -> int:
    """Play the scenarios and judge them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="parts of the names of the scenarios to play")
    parser.add_argument("--direct", action="store_true", help="leave Prefect out")
    options = parser.parse_args()
    scenarios = [one for one in read() if not options.names or any(part in one.name for part in options.names)]
    with tempfile.TemporaryDirectory(prefix="recloser-healing-") as name:
        ground = Ground(Path(name))
        with ground.standing(), nullcontext() if options.direct else prefect_server(ground.folder):
            heal = direct if options.direct else through_prefect
            outcomes = [_played(scenario, ground, heal) for scenario in scenarios]
        return 0 if show(outcomes) else 1


def _played(scenario: Scenario, ground: Ground, heal: Callable[[Path], None]) -> Outcome:
    outcome = play(scenario, ground, heal)
    print(f"{'ok ' if not outcome.problems else 'NOT'} {scenario.name}", flush=True)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
