"""Where healing takes place: a target, the account it runs in, and what must never be shown of either."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pydantic import SecretStr

from recloser.aws import AwsError, NotFound
from recloser.healing.errors import NotReady, Refused
from recloser.redaction import Redactor, is_secret_name, secrets_of

if TYPE_CHECKING:
    from recloser.aws import Account
    from recloser.target import Target
    from recloser.values import JobDefinition, JobSnapshot


@dataclass(frozen=True, slots=True)
class Site:
    """A target in its account."""

    target: Target
    account: Account
    secrets: tuple[str, ...] = field(default=(), repr=False)
    declared: Target | None = field(default=None, repr=False)
    """The target as it is declared, where `target` is what it is called in another region."""

    def at(self, region: str | None) -> Site:
        """The target as it is declared for another region of the account; None is the region of this site."""
        if region is None or region == self.account.region:
            return self
        declared = self.declared or self.target
        there = declared.in_region(region)
        return replace(self, target=there, account=self.account.elsewhere(region), declared=declared)

    def redact(self, text: str) -> str:
        """The text without the target's secrets."""
        return Redactor(self.secrets)(text)

    def redactor(self, job: JobSnapshot) -> Redactor:
        """Takes out the target's secrets and those this job was submitted with."""
        return Redactor((*self.secrets, *secrets_of(job.environment)))

    def catalogue_value(self, variable: str) -> SecretStr:
        """The declared value of an environment variable.

        Raises:
            Refused: The target does not declare it, or the declared source has no value here.
        """
        entry = self.target.catalogue.get(variable)
        if entry is None:
            raise Refused(f"{variable} is not in the target's catalogue; a value is never invented")
        if entry.value is not None:
            return entry.value
        value = os.environ.get(entry.from_env or "")
        if not value:
            raise Refused(f"{variable} comes from the variable {entry.from_env}, which is not set where recloser runs")
        return SecretStr(value)


def prepare(target: Target, account: Account) -> Site:
    """Check that what the target declares is there, before anything is submitted or changed.

    Raises:
        NotReady: The queue, the job definition or the job role is missing or unusable.
        AwsError: The account cannot be asked.
    """
    try:
        account.batch.check_queue(target.job.queue)
        definition = account.batch.definition(target.job.definition)
        account.iam.role_arn(target.job.role)
    except NotFound as error:
        raise NotReady(
            f"target {target.name!r} is not ready: {error}\n"
            f"Looked in account {account.account_id}, region {account.region}, as {account.identity_arn}. "
            f"{_elsewhere(target, account)}"
        ) from error
    return Site(target=target, account=account, secrets=_secrets(target, definition))


def _elsewhere(target: Target, account: Account) -> str:
    """What to do about a job that is not in this region: the declared region that has it, if there is one."""
    for region in dict.fromkeys((*target.job.regions, *(one.name for one in target.guardrails.regions))):
        job = target.in_region(region).job
        try:
            batch = account.elsewhere(region).batch
            batch.check_queue(job.queue)
            batch.definition(job.definition)
        except AwsError:
            continue
        called = (
            "" if job == target.job else f", as queue {job.queue} and definition {job.definition} (say so in [job])"
        )
        return f"Both are in {region}{called}: run the same command with AWS_DEFAULT_REGION={region}."
    return f"Check `[job]` in {target.folder / 'recloser.toml'} and AWS_DEFAULT_REGION."


def _secrets(target: Target, definition: JobDefinition) -> tuple[str, ...]:
    declared = [
        entry.value.get_secret_value()
        for name, entry in target.catalogue.items()
        if entry.value is not None and is_secret_name(name)
    ]
    borrowed = [
        value for entry in target.catalogue.values() if entry.from_env and (value := os.environ.get(entry.from_env))
    ]
    sent = {name: SecretStr(value) for name, value in target.job.environment.items()}
    return (*declared, *borrowed, *secrets_of(definition.environment), *secrets_of(sent))
