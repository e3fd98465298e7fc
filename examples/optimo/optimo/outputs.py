"""The two result files: `schedule.csv` for the dispatchers, `result.json` for everyone else."""

import json
import logging
import resource
import sys

from optimo import storage

logger = logging.getLogger(__name__)


def write(folder, solution, wall_s):
    """Write both files below `folder`.

    Raises:
        Exception: The first of the errors met while writing; each of them is in the log by then.
    """
    contents = {
        "schedule.csv": solution.schedule.to_csv(index=False, lineterminator="\n"),
        "result.json": json.dumps(_summary(solution, wall_s), indent=2) + "\n",
    }
    errors = []
    for name, content in contents.items():
        uri = storage.join(folder, name)
        try:
            storage.write(uri, content.encode())
        except storage.Errors as error:
            logger.error("cannot write %s: %s", uri, error)  # noqa: TRY400 - raised below, when both were tried
            errors.append(error)
        else:
            logger.info("wrote %s", uri)
    if errors:
        raise errors[0]


def _summary(solution, wall_s):
    return {
        "objective": solution.objective,
        "bound": solution.bound,
        "gap": solution.gap,
        "status": "solved" if solution.proven else "limit",
        "shed_mwh": solution.shed_mwh,
        "balance_max_mw": solution.balance_max_mw,
        "wall_s": round(wall_s, 3),
        "rss_mb": round(peak_rss_mib(), 1),
    }


def peak_rss_mib():
    """The most memory this process has held, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
