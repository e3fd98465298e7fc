"""The patch of an incident as files, and as the part of the report that shows them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recloser.report.markdown import Markdown, code_span, fence
from recloser.report.terraform import terraform
from recloser.report.words import passage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recloser.values import Incident

_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9_+=,.@-]+")
_LANGUAGE = {"json": "json", "tf": "terraform"}


def patch_files(incident: Incident) -> Mapping[str, str]:
    """File names and contents; none where nothing is to be made permanent."""
    return dict(_files(incident))


def _files(incident: Incident) -> Iterator[tuple[str, str]]:
    patch = incident.patch
    if patch is None:
        return
    if patch.definition is not None:
        yield "job-definition.json", patch.definition.document + "\n"
    for number, policy in enumerate(patch.policies, start=1):
        yield f"policy-{number}-{_NO_FILE_NAME.sub('_', policy.role)[:64]}.json", policy.document + "\n"
    if (hcl := terraform(incident)) is not None:
        yield "main.tf", hcl


def patch_lines(incident: Incident) -> tuple[Markdown, ...]:
    """What to apply, how, and how to undo it."""
    return tuple(_lines(incident))


def _lines(incident: Incident) -> Iterator[Markdown]:
    patch = incident.patch
    if patch is None:
        return
    files = patch_files(incident)
    if files:
        yield Markdown("The same as files lies in `patch` beside this report. Apply the JSON documents, or `main.tf`.")
    if (definition := patch.definition) is not None:
        fields = ", ".join(code_span(name) for name in definition.changed)
        yield Markdown(
            f"**Job definition** {code_span(definition.name)}: a copy of {code_span(definition.based_on)} "
            f"that differs in {fields}."
        )
        if definition.environment:
            yield Markdown(
                "Environment values are in no report: each stands as `${NAME}` and has to be filled in "
                "before `aws batch register-job-definition --cli-input-json file://job-definition.json`."
            )
    for policy in patch.policies:
        yield Markdown(
            f"**Role** {code_span(policy.role)}: put its policy as {code_span(policy.name)} "
            "(`aws iam put-role-policy`)."
        )
    for name, text in files.items():
        yield Markdown(f"{code_span(name)}:")
        yield fence(text, _LANGUAGE[name.rpartition(".")[2]])
    yield from _told("By hand, because no document of these can say it:", patch.by_hand)
    yield from _told("Once that is in place, what Recloser itself has left can go:", patch.tidy)
    yield from _told("To undo the permanent change:", patch.undo)


def _told(head: str, texts: tuple[str, ...]) -> Iterator[Markdown]:
    if texts:
        yield Markdown(head)
        for text in texts:
            yield passage(text)
