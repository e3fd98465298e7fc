"""The constraint matrix, from named constraints.

Small models go through a sheet: one row per constraint, one column per variable, as the first version of this job
wrote them. One can look at it in a debugger or save it as a spreadsheet, and its check for constraints given twice has
found duplicated branches in delivered tables. A sheet grows with the square of the hours and holds almost only zeros,
so larger models are assembled from their non-zero coefficients alone.
"""

import logging

import numpy as np
import pandas as pd
from scipy import sparse

logger = logging.getLogger(__name__)

SHEET_CELLS = 2_000_000  # 14 buses over 24 hours have 1.4 million


def matrix(model):
    """The constraint matrix of a model, sparse, rows in the order of its constraints."""
    cells = len(model.constraints) * model.columns.count
    return from_sheet(model) if cells <= SHEET_CELLS else from_terms(model)


def from_terms(model):
    """Assemble from the non-zero coefficients."""
    rows = np.repeat(np.arange(len(model.constraints)), [len(one.terms) for one in model.constraints])
    columns = np.array([column for one in model.constraints for column in one.terms])
    values = np.array([value for one in model.constraints for value in one.terms.values()])
    return sparse.csr_array((values, (rows, columns)), shape=(len(model.constraints), model.columns.count))


def from_sheet(model):
    """Assemble from the whole sheet, and check it on the way."""
    sheet = pd.DataFrame([one.terms for one in model.constraints], columns=range(model.columns.count)).fillna(0.0)
    cells = _cells(sheet, model)
    _warn_of_repeats(cells)
    used = cells[cells["coefficient"] != 0]
    logger.info("coefficients from %.3g to %.3g", used["coefficient"].abs().min(), used["coefficient"].abs().max())
    return sparse.csr_array((used["coefficient"], (used["row"], used["column"])), shape=sheet.shape)


def _cells(sheet, model):
    """The sheet as a long table: one line per cell, with the name and the scale of its row."""
    cells = sheet.reset_index(names="row").melt(id_vars="row", var_name="column", value_name="coefficient")
    rows = pd.DataFrame({"constraint": [one.name for one in model.constraints], "scale": sheet.abs().max(axis=1)})
    return cells.astype({"row": int, "column": int}).merge(rows, left_on="row", right_index=True)


def _warn_of_repeats(cells):
    """Say which constraints are others over again but for a factor, as those of a branch given twice are."""
    scaled = cells.assign(coefficient=(cells["coefficient"] / cells["scale"]).round(9))
    sheet = scaled.pivot_table(index="constraint", columns="column", values="coefficient")
    repeated = sheet.index[sheet.duplicated()]
    if len(repeated):
        logger.warning("%d constraints repeat others: %s", len(repeated), ", ".join(repeated[:5]))
