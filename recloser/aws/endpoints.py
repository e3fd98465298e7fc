"""Before the first call: do all clients lead to the same AWS, local or real, and to the one that was meant?"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from recloser.aws.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

GENERAL = "AWS_ENDPOINT_URL"
BATCH = "AWS_ENDPOINT_URL_BATCH"
IGNORE = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
# ".amazonaws.com" for the commercial and GovCloud partitions, then the others
_AWS_DOMAINS = (
    ".amazonaws.com",
    ".api.aws",
    ".amazonaws.com.cn",
    ".api.amazonwebservices.com.cn",
    ".amazonaws.eu",
    ".api.amazonwebservices.eu",
    ".ic.gov",
    ".sgov.gov",
    ".adc-e.uk",
)


def check_endpoints(endpoints: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Refuse to work half on a local and half on the real AWS.

    Args:
        endpoints: What each client would call, as boto3 resolved it from environment and configuration files.
        environment: The process's environment, to name the variable at fault.

    Raises:
        Misconfigured: The message names what to set or unset.
    """
    for problem in (_ignored(environment), _mixed(endpoints, environment), _same(endpoints, environment)):
        if problem:
            raise Misconfigured(problem, service="sts", operation="GetCallerIdentity")


def is_aws(url: str) -> bool:
    """Whether a URL leads to real AWS."""
    return (urlsplit(url).hostname or "").endswith(_AWS_DOMAINS)


def _ignored(environment: Mapping[str, str]) -> str | None:
    if environment.get(IGNORE, "").lower() != "true":
        return None
    given = [name for name in sorted(environment) if name.startswith(GENERAL) and environment[name]]
    if not given:
        return None
    return (
        f"{IGNORE}=true switches {' and '.join(given)} off, so that calls would go to real AWS: unset one or the other"
    )


def _mixed(endpoints: Mapping[str, str], environment: Mapping[str, str]) -> str | None:
    real = sorted(name for name, url in endpoints.items() if is_aws(url))
    if len(real) in {0, len(endpoints)}:
        return None
    for given, missing in ((GENERAL, BATCH), (BATCH, GENERAL)):
        if environment.get(given) and not environment.get(missing):
            return _one_of_two(given, missing)
    local = sorted(f"{name} ({url})" for name, url in endpoints.items() if not is_aws(url))
    return f"local and real AWS are mixed: {', '.join(local)} would be local, {', '.join(real)} would be real AWS"


def _same(endpoints: Mapping[str, str], environment: Mapping[str, str]) -> str | None:
    """All is local, but Batch would be asked where Batch is not: the general endpoint has no jobs that run."""
    everywhere = set(endpoints.values()) == {endpoints["batch"]}
    if is_aws(endpoints["batch"]) or not everywhere or environment.get(BATCH):
        return None
    return _one_of_two(GENERAL, BATCH)


def _one_of_two(given: str, missing: str) -> str:
    return (
        f'{given} is set, but {missing} is not: set both (`eval "$(recloser sandbox env)"`) for the local AWS, '
        "or neither for the real one"
    )
