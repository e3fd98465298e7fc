"""Tables of any kind against what their owner declares: `validate_table`, and `measure_table` for drift."""

from recloser.validation.table.drift import TableBaseline, measure_table, read_table_baseline, write_table_baseline
from recloser.validation.table.expected import ALLOWED_EXPECTATIONS, ColumnSpec, Expectation, TableSpec
from recloser.validation.table.intake import read_any_table
from recloser.validation.table.validate import validate_table

__all__ = [
    "ALLOWED_EXPECTATIONS",
    "ColumnSpec",
    "Expectation",
    "TableBaseline",
    "TableSpec",
    "measure_table",
    "read_any_table",
    "read_table_baseline",
    "validate_table",
    "write_table_baseline",
]
