"""What a launch wrote down, once its processes are gone."""

from pathlib import Path

from recloser.suites.tape import INTERRUPTED, Ended, Tape


def test_only_what_took_the_time_is_blamed_for_it(tmp_path: Path) -> None:
    """Of two tests that a suite's end cut off, one had run for most of it, and the other had just begun."""
    tape = Tape(tmp_path)
    for name, status, took_s in (("passed", "passed", 90.0), ("hangs", INTERRUPTED, 60.0), ("late", INTERRUPTED, 0.2)):
        tape.ended.append(Ended(name, status, 0.0, took_s, "gw0", 1, {}))
    tape.blame(50.0, "its time was over")
    assert [ended.status for ended in tape.ended] == ["passed", "timed-out", INTERRUPTED]
    assert tape.ended[1].facts == {"reason": "its time was over"}
