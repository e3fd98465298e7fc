"""The declared faults fit the job they spoil."""

import json
import tomllib
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1]
FAULTS = tomllib.loads((EXAMPLE / "faults.toml").read_text())["faults"]
TARGET = tomllib.loads((EXAMPLE / "recloser.toml").read_text())
PARAMETERS = {
    "drop_environment": {"variable"},
    "set_environment": {"variable", "value"},
    "set_memory": {"memory_mib"},
    "set_log_group": {"group"},
    "static_keys": {"key_id"},
    "distrust": {"service"},
    "revoke": {"sid"},
    "deny": {"action", "resource"},
    "delete_input": {"uri"},
    "empty_input": {"uri"},
    "rewrite_input": {"uri", "find", "replace"},
    "replace_command": {"command"},
    "set_image_tag": {"tag"},
    "forget_image": {"tag"},
    "defective_image": {"tag", "file", "find", "replace"},
    "host_loss": {"count"},
}
every_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["name"])


def test_names_are_unique():
    """A fault is chosen by its name."""
    assert len({fault["name"] for fault in FAULTS}) == len(FAULTS)


@every_fault
def test_a_fault_is_complete(fault):
    """It has the parameters of its kind and no others, says what it is, and how a heal ends."""
    assert set(fault) == {"name", "kind", "about", "expect"} | PARAMETERS[fault["kind"]]
    assert fault["about"].endswith(".")
    assert fault["expect"] in {"healed", "locked-out"}


@every_fault
def test_a_fault_finds_what_it_spoils(fault):
    """Its text occurs once, its file is a declared input, its statement is in the policy."""
    known_good = {one["uri"]: one["known_good"] for one in TARGET["inputs"]}
    if "uri" in fault:
        assert fault["uri"] in known_good
    if "find" in fault:
        text = (EXAMPLE / fault.get("file", known_good.get(fault.get("uri")))).read_text()
        assert text.count(fault["find"]) == 1
        assert fault["find"] != fault["replace"]
    if "sid" in fault:
        policy = json.loads((EXAMPLE / "infra" / "job-role-policy.json").read_text())
        assert fault["sid"] in {one["Sid"] for one in policy["Statement"]}
    if fault["kind"] == "set_log_group":
        assert fault["group"] in TARGET["guardrails"]["logs"]["groups"]
    if fault["kind"] == "drop_environment":
        assert fault["variable"] in TARGET["catalogue"]
