"""What a run measured on the side."""

from recloser.suites.measured import figures_of
from recloser.suites.tape import Ended


def test_the_name_of_a_figure_is_fit_to_be_kept() -> None:
    """A lone surrogate in a key would come back from the store as three others; what is no number is left out."""
    props = [["rate\ud800", 4.5], ["label", "none"], ["rate", 1], ["rate", 2], ["yes", True], ["inf", float("inf")]]
    assert figures_of([Ended("t", "passed", 0.0, 0.1, "gw0", 1, {"props": props})]) == {"rate\\ud800": 4.5, "rate": 2.0}
