"""`recloser sandbox`: an AWS on this machine."""

import inspect
import shlex
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from recloser.sandbox import Identity, Sandbox, Status
from recloser.sandbox import install as ministack
from recloser.sandbox.batch.faults import Faults

app = typer.Typer(no_args_is_help=True, help="An AWS on this machine: MiniStack and Batch with real processes.")
_DOWN = 3

StateDir = Annotated[Path, typer.Option("--state-dir", envvar="RECLOSER_SANDBOX_DIR", help="Where everything is kept.")]
_DEFAULT = Path(".recloser/sandbox")


class Format(StrEnum):
    """How `status` is printed."""

    TEXT = "text"
    JSON = "json"


@app.command()
def install() -> None:
    """Install MiniStack into an environment of its own."""
    _install()
    typer.echo(f"MiniStack {ministack.MINISTACK_VERSION} is installed")


@app.command()
def up(
    state_dir: StateDir = _DEFAULT,
    stop_grace_s: Annotated[float, typer.Option(min=0, help="Seconds between SIGTERM and SIGKILL of a job.")] = 30.0,
    memory_guard: Annotated[str, typer.Option(help="auto, or poller to do without control groups.")] = "auto",
    retention_s: Annotated[
        float, typer.Option(min=0, help="Seconds until a job that has ended is forgotten.")
    ] = 86_400.0,
) -> None:
    """Start the sandbox and wait until it serves."""
    _install()
    sandbox = Sandbox(state_dir, stop_grace_s=stop_grace_s, memory_guard=memory_guard, retention_s=retention_s)
    started = sandbox.up()
    typer.echo("The sandbox is up" if started else "The sandbox was already up")
    _print(sandbox.status())
    where = "" if state_dir == _DEFAULT else f" --state-dir {shlex.quote(str(state_dir))}"
    typer.echo(f'\nPoint boto3 and the aws command line at it: eval "$(recloser sandbox env{where})"')


@app.command()
def down(state_dir: StateDir = _DEFAULT) -> None:
    """Stop every job, MiniStack and the daemon; what they kept stays."""
    stopped = Sandbox(state_dir).down()
    typer.echo("The sandbox is down" if stopped else "The sandbox was not running; nothing is left")


@app.command()
def status(state_dir: StateDir = _DEFAULT, output: Annotated[Format, typer.Option("--format")] = Format.TEXT) -> None:
    """Show how the sandbox is; exit code 0 when it is up, 3 when it is down."""
    found = Sandbox(state_dir).status()
    if output is Format.JSON:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _print(found)
    if found.record is None:
        raise typer.Exit(_DOWN)


@app.command()
def env(
    state_dir: StateDir = _DEFAULT,
    identity: Annotated[Identity, typer.Option("--as", help="Who acts.")] = Identity.RECLOSER,
) -> None:
    """Print the exports that point boto3 and the aws command line here; for eval."""
    from recloser.sandbox.environment import export_lines  # noqa: PLC0415

    typer.echo(export_lines(Sandbox(state_dir).environment(identity)))


@app.command()
def reset(state_dir: StateDir = _DEFAULT) -> None:
    """Back to empty: stop the jobs, forget everything, start again."""
    sandbox = Sandbox(state_dir)
    sandbox.reset()
    typer.echo("The sandbox is up and empty")
    _print(sandbox.status())


@app.command()
def build(  # noqa: PLR0917 - Typer calls it by name
    context: Annotated[Path, typer.Argument(help="Folder to make an image of.")],
    repository: Annotated[str, typer.Option(help="ECR repository; made when missing.")],
    tag: Annotated[str, typer.Option(help="Tag the image gets.")],
    interpreter: Annotated[str | None, typer.Option(help="Python of the jobs; default: this one.")] = None,
    entrypoint: Annotated[list[str] | None, typer.Option(help="One word before the job's command; repeat.")] = None,
    environment: Annotated[list[str] | None, typer.Option("--env", help="NAME=value; {image} is the folder.")] = None,
    region: Annotated[str | None, typer.Option(help="Region of the registry; default: us-east-1.")] = None,
    state_dir: StateDir = _DEFAULT,
) -> None:
    """Snapshot a folder as an image and push it to the sandbox's ECR."""
    import sys  # noqa: PLC0415

    from recloser.sandbox.images import parse_environment  # noqa: PLC0415

    built = Sandbox(state_dir).build(
        context,
        repository=repository,
        tag=tag,
        interpreter=interpreter or sys.executable,
        entrypoint=entrypoint or (),
        environment=parse_environment(environment or ()),
        region=region,
    )
    typer.echo(f"{built.uri}\n{built.digest}")


def faults(
    show: Annotated[bool, typer.Option("--list", help="Show every fault there is.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Switch off what is not set here.")] = False,
    state_dir: StateDir = _DEFAULT,
    **changes: float | str | None,
) -> None:
    """Make the sandbox fail as AWS does; without options, show what is in force."""
    given = {name: value for name, value in changes.items() if value is not None}
    in_force = Sandbox(state_dir).faults(clear=clear, **given)
    if show:
        shown = {name: in_force.get(name, field.default) for name, field in Faults.model_fields.items()}
        lines = [f"{name}: {value}  ({Faults.model_fields[name].description})" for name, value in shown.items()]
    else:
        lines = [f"{name}: {value}" for name, value in in_force.items()]
    typer.echo("\n".join(lines) or "no faults in force")


def _with_an_option_for_each_fault(command: Callable[..., None]) -> Callable[..., None]:
    """Typer reads a signature: it gets one with the fields of `Faults` in place of `**changes`."""
    signature = inspect.signature(command)
    own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[field.annotation | None, typer.Option(help=field.description)],  # type: ignore[operator]
        )
        for name, field in Faults.model_fields.items()
    ]
    vars(command).update(__signature__=signature.replace(parameters=[*own, *options]))
    command.__annotations__ |= {option.name: option.annotation for option in options}
    return command


app.command()(_with_an_option_for_each_fault(faults))


def _install() -> None:
    if not ministack.is_installed():
        typer.echo(f"Installing MiniStack {ministack.MINISTACK_VERSION} into {ministack.home()} (some seconds)")
    ministack.install()


def _print(found: Status) -> None:
    typer.echo(f"state folder  {found.state_dir}")
    record = found.record
    if record is None:
        typer.echo("down")
        return
    alive = "" if found.ministack_alive else "  DEAD: run `recloser sandbox down` and `up`"
    typer.echo(f"Batch         {record.batch_url}  (pid {record.daemon.pid}, recloser {record.version})")
    typer.echo(
        f"everything    {record.ministack_url}  "
        f"(pid {record.ministack.pid}, MiniStack {record.ministack_version}){alive}"
    )
    typer.echo(f"memory limit  {found.memory_guard}")
    jobs = ", ".join(f"{count} {state}" for state, count in sorted(found.jobs.items()))
    typer.echo(f"jobs          {jobs or 'none'}")
    typer.echo(f"events        {', '.join(f'{count} {name}' for name, count in found.events.items())}")
    typer.echo(f"faults        {', '.join(f'{name} {value}' for name, value in found.faults.items()) or 'none'}")
