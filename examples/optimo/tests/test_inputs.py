"""Inputs that cannot be used are named, all of them, before the job gives up."""

import pandas as pd
import pytest

from optimo import inputs


def spoil(folder, name, find, replace):
    text = (folder / name).read_text()
    assert find in text
    (folder / name).write_text(text.replace(find, replace, 1))


def test_reads_the_reference_inputs(example, caplog):
    """All four tables, each logged with its rows and hash."""
    caplog.set_level("INFO")
    case = inputs.read(str(example / "data" / "case14"))
    assert case.pd_mw.shape == (24, 14)
    assert caplog.text.count("sha256=") == 4


@pytest.mark.parametrize(
    ("name", "find", "replace", "message"),
    [
        ("generators.csv", "pmax_mw", "p_max_mw", r"generators.csv: missing columns \['pmax_mw'\]"),
        ("load.csv", "\n0,1,19.096\n", "\n0,1,\n", "load.csv: 1 empty cells"),
        ("load.csv", "\n0,1,", "\n0,999,", r"load.csv: unknown bus ids \[999\]"),
        ("load.csv", "\n0,1,19.096\n", "\n", "load.csv: 1 pairs of hour and bus have no row"),
        ("load.csv", "\n0,1,", "\n0,0,", "load.csv: hour and bus are not unique in 1 rows"),
        ("load.csv", "19.096", "nineteen", "load.csv: could not convert string to float: 'nineteen'"),
        ("buses.csv", "\n1,", "\n0,", "buses.csv: bus ids are not unique"),
        ("branches.csv", "0.05917", "0.0", "branches.csv: x_pu is 0 in 1 rows"),
        ("branches.csv", "255.0", "-1", "branches.csv: rate_mva is not positive in 1 rows"),
        ("generators.csv", "332.4", "3.4", "generators.csv: pmin_mw below 0 or above pmax_mw in 1 rows"),
        ("generators.csv", "\n1,1,", "\n0,1,", "generators.csv: gen ids are not unique in 1 rows"),
    ],
)
def test_says_what_is_wrong_with_a_table(inputs_14, name, find, replace, message):
    """One wrong thing in one table: one sentence with the file and the thing."""
    spoil(inputs_14, name, find, replace)
    with pytest.raises(ValueError, match=message):
        inputs.read(str(inputs_14))


def test_a_table_without_rows_is_refused(inputs_14):
    """A header alone is not a network."""
    (inputs_14 / "buses.csv").write_text("bus,gs_mw\n")
    with pytest.raises(ValueError, match=r"buses.csv: no rows"):
        inputs.read(str(inputs_14))


def test_names_every_input_it_cannot_read(inputs_14, caplog):
    """One failed run tells all that is missing; the first error is the one raised."""
    (inputs_14 / "branches.csv").write_bytes(b"")
    (inputs_14 / "load.csv").unlink()
    with pytest.raises(pd.errors.EmptyDataError, match="No columns to parse from file"):
        inputs.read(f"{inputs_14}/")
    assert f"cannot read {inputs_14}/branches.csv: No columns to parse from file" in caplog.text
    assert f"cannot read {inputs_14}/load.csv: [Errno 2] No such file or directory" in caplog.text
