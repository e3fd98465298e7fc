"""`recloser policy`: the permissions Recloser itself needs for a target."""

from typing import Annotated

import typer

from recloser.healing.permissions import operator_policy
from recloser.target import load_target


def policy(
    target: Annotated[str, typer.Argument(help="Folder that holds recloser.toml, or the file itself.")],
) -> None:
    """Print the smallest IAM policy under which Recloser can heal a target; attach it to the identity it runs as."""
    typer.echo(operator_policy(load_target(target)))
