"""The fix as Terraform: a parser of HCL reads back what was meant, whatever the texts are."""

from __future__ import annotations

import json
import re
from typing import Any

import hcl2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.report import patch_files, render_markdown, terraform
from recloser.report.hcl import block, quoted, value_of
from recloser.values import DefinitionPatch, Incident, Patch, RolePolicy

CONTAINER = {
    "image": "optimo:1",
    "command": ["sh", "-c", 'echo "${HOME}" %{if}\n'],
    "environment": [{"name": "TOKEN", "value": "${TOKEN}"}, {"name": "MODE", "value": "${MODE}"}],
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
}
DOCUMENT = {
    "jobDefinitionName": "optimo",
    "type": "container",
    "platformCapabilities": ["EC2"],
    "containerProperties": CONTAINER,
    "timeout": {"attemptDurationSeconds": 600},
    "retryStrategy": {"attempts": 2, "evaluateOnExit": [{"onReason": "*", "action": "EXIT"}]},
    "tags": {"team:name": "grid"},
}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::data/in.csv"]}],
}
PATCH = Patch(
    definition=DefinitionPatch(
        name="optimo",
        based_on="optimo:3",
        changed=("containerProperties.resourceRequirements",),
        document=json.dumps(DOCUMENT, indent=2),
        environment=("TOKEN", "MODE"),
    ),
    policies=(RolePolicy(role="optimo-job", name="optimo-needs", document=json.dumps(POLICY)),),
    by_hand=("upload load.csv",),
    undo=("aws iam delete-role-policy --role-name optimo-job --policy-name optimo-needs",),
    tidy=("allow s3:GetObject: aws iam delete-role-policy …",),
)

LAYOUT = """\
# What healed optimo, as incident i-2026-05-04 tells.

variable "environment" {
  description = "Values of the job's environment, which are in no report: TOKEN, MODE."
  type        = map(string)
  sensitive   = true
}

resource "aws_batch_job_definition" "optimo" {
  name                  = "optimo"
  type                  = "container"
  platform_capabilities = ["EC2"]
  tags = {
    "team:name" = "grid"
  }
  container_properties = jsonencode({
    image   = "optimo:1"
    command = ["sh", "-c", "echo \\"$${HOME}\\" %%{if}\\n"]
    environment = [
      {
        name  = "TOKEN"
        value = var.environment["TOKEN"]
      },
      {
        name  = "MODE"
        value = var.environment["MODE"]
      },
    ]
    resourceRequirements = [
      {
        type  = "VCPU"
        value = "1"
      },
      {
        type  = "MEMORY"
        value = "512"
      },
    ]
  })

  timeout {
    attempt_duration_seconds = 600
  }

  retry_strategy {
    attempts = 2

    evaluate_on_exit {
      action    = "EXIT"
      on_reason = "*"
    }
  }
}

resource "aws_iam_role_policy" "optimo_1" {
  name = "optimo-needs"
  role = "optimo-job"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = ["arn:aws:s3:::data/in.csv"]
      },
    ]
  })
}
"""


@pytest.fixture
def patched(healed: Incident) -> Incident:
    """A healed incident with something to make permanent."""
    return healed.model_copy(update={"patch": PATCH})


def test_it_is_laid_out_as_terraform_fmt_would(patched: Incident) -> None:
    """Word for word: neighbours of one line are aligned, texts are escaped, environment values are inputs."""
    assert terraform(patched) == LAYOUT


def test_a_parser_reads_it(patched: Incident) -> None:
    """Two resources and one variable, by type and name."""
    parsed = hcl2.loads(terraform(patched) or "")
    kinds = sorted(str(kind).strip('"') for resource in parsed["resource"] for kind in resource)
    assert kinds == ["aws_batch_job_definition", "aws_iam_role_policy"]
    assert [str(name).strip('"') for one in parsed["variable"] for name in one] == ["environment"]


def test_files_lie_beside_the_report_and_inside_it(patched: Incident) -> None:
    """The definition, one policy a role, Terraform; by hand, tidy and undo are told."""
    files = patch_files(patched)
    assert list(files) == ["job-definition.json", "policy-1-optimo-job.json", "main.tf"]
    assert json.loads(files["job-definition.json"]) == DOCUMENT
    assert json.loads(files["policy-1-optimo-job.json"]) == POLICY
    report = render_markdown(patched)
    for text in ("## Make it permanent", *PATCH.by_hand, *PATCH.undo, "containerProperties.resourceRequirements"):
        assert text in report
    assert files["main.tf"].strip() in report


def test_nothing_to_keep_is_no_file(healed: Incident) -> None:
    """No patch, no section, no Terraform."""
    assert patch_files(healed) == {}
    assert terraform(healed) is None
    assert "Make it permanent" not in [line.strip("# ") for line in render_markdown(healed).splitlines()]
    assert terraform(healed.model_copy(update={"patch": Patch(by_hand=("x",))})) is None


@given(text=st.text(max_size=60))
@settings(deadline=None)
def test_a_text_is_a_literal_whatever_it_holds(text: str) -> None:
    """No quote ends it, no template is computed, no line breaks it: the parser finds one literal and nothing more."""
    literal = quoted(text)
    assert "\n" not in literal
    assert literal.isprintable()
    bare = re.sub(r"\\(?:u[0-9a-f]{4}|U[0-9a-f]{8}|.)", "", literal[1:-1])
    assert '"' not in bare
    assert not re.search(r"(?<![$%])[$%]\{", bare)


# The parser takes an escaped template only with its closing brace; Terraform itself does not care.
WORDS = st.lists(st.sampled_from(["a", "${x}", "%{if}", "$", "%", '"', "\\", "\n", " "]), max_size=6).map("".join)
JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab_-: ", min_size=1, max_size=5), inner),
    max_leaves=8,
)


@given(value=JSON)
@settings(max_examples=60, deadline=None)
def test_any_document_is_valid_hcl(value: Any) -> None:
    """The parser takes it."""
    hcl2.loads(block("locals", {"document": value}) + "\n")
    assert "\t" not in value_of(value)
