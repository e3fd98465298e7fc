"""One run of the job, phase by phase, and its exit code."""

import logging
import time

from optimo import __version__, config, inputs, model, outputs
from optimo.status import Status

logger = logging.getLogger(__name__)

SOLVED, ERROR, LIMIT_REACHED, NO_SOLUTION = 0, 1, 2, 3


def check():
    """Check the configuration and do nothing else."""
    settings = config.read()
    logger.info("configuration is complete: %s", settings)
    return SOLVED


def run():
    """Read, model, solve, write.

    Returns:
        SOLVED, LIMIT_REACHED (a schedule was written, but not within the gap) or NO_SOLUTION. Anything else is
        raised, and the interpreter ends with ERROR after the traceback.
    """
    settings = config.read()
    logger.info("optimo %s job=%s attempt=%d", __version__, settings.job_id, settings.attempt)
    logger.info("config %s", settings)
    status = Status(settings.job_table, settings.job_id, settings.attempt)
    try:
        return _run(settings, status)
    except Exception as error:
        status.failed(f"{type(error).__name__}: {error}")
        raise


def _run(settings, status):
    began = time.monotonic()
    status.phase("reading")
    case = inputs.read(settings.input_dir)

    status.phase("modelling")
    problem = model.build(case)
    logger.info(
        "model rows=%d columns=%d binaries=%d", len(problem.constraints), problem.columns.count, problem.binary.sum()
    )
    solution = _solve(settings, status, case, problem)
    if solution is None:
        logger.error("no solution")
        status.failed("no solution")
        return NO_SOLUTION

    status.phase("writing")
    outputs.write(settings.output_dir, solution, time.monotonic() - began)
    return _conclude(status, solution)


def _solve(settings, status, case, problem):
    from optimo import solver  # noqa: PLC0415 - scipy takes time and memory: not before the inputs are known to be good

    with status.heartbeat():
        return solver.solve(case, problem, mip_gap=settings.mip_gap, time_limit_s=settings.time_limit_s)


def _conclude(status, solution):
    summary = f"objective={solution.objective:.2f} gap={solution.gap:.4f} shed_mwh={solution.shed_mwh:.3f}"
    if not solution.proven:
        logger.error("limit reached, schedule not within the gap: %s", summary)
        status.failed(f"limit reached: {summary}")
        return LIMIT_REACHED
    logger.info("solved %s peak_rss_mib=%.0f", summary, outputs.peak_rss_mib())
    status.succeeded(summary)
    return SOLVED
