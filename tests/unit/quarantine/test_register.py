"""The quarantine as a file: what is read, what is refused, and what edits leave as it was."""

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.quarantine import QuarantineError
from recloser.quarantine.document import split
from recloser.quarantine.entries import quoted, written
from recloser.values import OrderDependence, QuarantineEvidence
from tests.unit.quarantine.lists import EXPIRES, SINCE, WRITTEN, entry, loaded

B, D = "tests/test_a.py::test_b", "tests/test_c.py::test_d"
TEXT = st.text(min_size=1, max_size=60)


class TestReading:
    """What a file says."""

    def test_no_file_is_an_empty_quarantine(self, tmp_path: Path) -> None:
        """Most targets have none."""
        assert loaded(tmp_path).entries == ()

    def test_entries_are_read_as_people_write_them(self, tmp_path: Path) -> None:
        """Any TOML that says it will do; what looks like an entry within a string is none."""
        first, second = loaded(tmp_path, WRITTEN).entries
        assert (first.key, first.owner, first.expires) == (("unit", B), "ada", date(2026, 11, 30))
        assert second.reason == "it says\n[[test]]\n# now and then"
        evidence = QuarantineEvidence(runs=60, failures=3, score=0.012, mixed_states=2, order=OrderDependence.VICTIM)
        assert second.evidence == evidence

    def test_an_entry_holds_through_its_last_day(self, tmp_path: Path) -> None:
        """After it, the test blocks again, and the entry is among those that are told."""
        quarantine = loaded(tmp_path, WRITTEN)
        last, after = datetime(2026, 11, 20, 23, 59, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
        assert quarantine.holds("unit", D, last) is not None
        assert quarantine.holds("unit", D, after) is None
        assert quarantine.holds("e2e", B, last) is None
        assert quarantine.held(after) == {("unit", B)}
        assert [one.test for one in quarantine.expired(after)] == [D]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[[test]\n", "is not valid TOML"),
            ('[[tests]]\nsuite = "unit"', "unknown key 'tests'"),
            ('test = [{ suite = "unit" }]', "begins with [[test]]"),
            ("test = 3", "begins with [[test]]"),
            (written(entry("a")) + "because = 1\n", "entry 1 'a': because: Extra inputs are not permitted"),
            (written(entry("a")).replace("reason", "# reason"), "entry 1 'a': reason: Field required"),
            (written(entry("a")) * 2, "entry 2 'a': the same test as entry 1"),
            (written(entry("a", suite="uint")), "suite 'uint' is not declared; there are e2e, unit"),
            (written(entry("a", owner=" ")), "owner: an entry needs somebody"),
            (written(entry("a", expires=date(2026, 10, 1))), "is before since 2026-11-01"),
            (written(entry("a", expires=date(2026, 12, 2))), "at most 30 days after since, that is 2026-12-01"),
            ("a = " + "[" * 5_000, "nested too deeply"),
        ],
    )
    def test_what_is_wrong_is_said_with_file_and_entry(self, text: str, said: str, tmp_path: Path) -> None:
        """Nobody has to guess which of fifty entries is meant."""
        with pytest.raises(QuarantineError) as raised:
            loaded(tmp_path, text)
        assert "quarantine.toml" in str(raised.value)
        assert said in str(raised.value)

    def test_a_file_that_is_no_text_is_refused(self, tmp_path: Path) -> None:
        """And so is a folder in its place."""
        (tmp_path / "quarantine.toml").write_bytes(b"\xff")
        with pytest.raises(QuarantineError, match="not UTF-8 text"):
            loaded(tmp_path)
        with pytest.raises(QuarantineError, match="cannot be read"):
            loaded(tmp_path, file=".")


class TestEditing:
    """What edits change, and what they leave."""

    def test_an_entry_is_added_in_order_and_nothing_else_moves(self, tmp_path: Path) -> None:
        """A pull request shows the new lines alone."""
        new = entry("tests/test_b.py::test_c")
        text = loaded(tmp_path, WRITTEN).added(new).document.text
        assert text.replace("\n" + written(new), "", 1) == WRITTEN
        assert text.index(B) < text.index(new.test) < text.index(D)

    def test_an_entry_leaves_with_the_comment_right_above_it(self, tmp_path: Path) -> None:
        """A comment that stands for itself stays."""
        text = loaded(tmp_path, WRITTEN).without("unit", B).document.text
        assert "Ada works on it" not in text
        assert text.startswith("# Tests that do not block. Every line here is somebody's promise.\n\n# --- end to end")
        assert text.endswith(WRITTEN[WRITTEN.index("[[ test ]]") :])

    def test_a_file_with_the_line_ends_of_windows_keeps_them(self, tmp_path: Path) -> None:
        """Every line has the same."""
        crlf = WRITTEN.replace("\n", "\r\n")
        text = loaded(tmp_path, crlf).added(entry("z")).document.text
        assert text.startswith(crlf)
        assert text.count("\n") == text.count("\r\n")

    def test_what_was_written_is_what_is_read(self, tmp_path: Path) -> None:
        """The file is replaced as a whole, also behind a link, and no draft is left."""
        real = tmp_path / "lists"
        real.mkdir()
        (tmp_path / "quarantine.toml").symlink_to(real / "quarantine.toml")
        quarantine = loaded(tmp_path).added(entry())
        quarantine.write()
        assert quarantine.read_again() == quarantine
        assert [file.name for file in real.iterdir()] == ["quarantine.toml"]
        assert (tmp_path / "quarantine.toml").is_symlink()

    def test_a_test_is_in_it_once_and_its_room_is_limited(self, tmp_path: Path) -> None:
        """A quarantine that grows without end hides everything."""
        quarantine = loaded(tmp_path, max_tests=1).added(entry())
        with pytest.raises(QuarantineError, match="in quarantine already"):
            quarantine.added(entry())
        with pytest.raises(QuarantineError, match="max_tests is 1"):
            quarantine.added(entry("another"))
        with pytest.raises(QuarantineError, match="is not in quarantine"):
            quarantine.without("unit", "another")

    def test_a_file_that_cannot_be_written_is_said_to_be_so(self, tmp_path: Path) -> None:
        """Its folder is not there."""
        with pytest.raises(QuarantineError, match="cannot be written"):
            loaded(tmp_path, file="gone/quarantine.toml").added(entry()).write()


class TestHostileText:
    """Test ids hold whatever a parameter prints."""

    @given(TEXT)
    def test_any_text_is_one_line_and_reads_back(self, text: str) -> None:
        """Quotes, line ends and control characters included."""
        line = f"a = {quoted(text)}"
        assert "\n" not in line
        assert tomllib.loads(line)["a"] == text

    @settings(max_examples=40)
    @given(st.lists(TEXT, min_size=1, max_size=6, unique=True), TEXT, st.data())
    def test_entries_come_back_as_they_were_in_whatever_order(
        self, tests: list[str], reason: str, data: st.DataObject
    ) -> None:
        """They are added in any order, end up sorted, and one that leaves takes nothing with it."""
        with TemporaryDirectory() as folder:
            quarantine = loaded(Path(folder))
            for test in data.draw(st.permutations(tests)):
                quarantine = quarantine.added(entry(test, reason=reason, evidence={"runs": 3}))
            assert [one.test for one in quarantine.entries] == sorted(tests)
            assert {one.reason for one in quarantine.entries} == {reason}
            left = data.draw(st.sampled_from(tests))
            quarantine.without("unit", left).write()
            expected = [entry(test, reason=reason, evidence={"runs": 3}) for test in sorted(tests) if test != left]
            assert list(quarantine.read_again().entries) == expected

    @settings(max_examples=40)
    @given(st.lists(st.tuples(st.sampled_from(["", "# loose\n\n", "# own\n"]), TEXT), max_size=5))
    def test_a_file_taken_apart_is_the_same_text(self, parts: list[tuple[str, str]]) -> None:
        """Comments stand wherever people put them."""
        text = "# head\n\n" + "\n".join(comment + written(entry(test)) for comment, test in parts)
        document = split(text)
        assert document.text == text
        assert [block.table()["test"] for block in document.blocks] == [test for _, test in parts]
        owned = [bool(block.lead) for block in document.blocks]
        assert owned == [comment == "# own\n" for comment, _ in parts]


def test_an_entry_that_is_written_says_all_of_it() -> None:
    """In an order of its own, the evidence on one line."""
    evidence = QuarantineEvidence(runs=60, failures=3, score=0.0123456, mixed_states=2, order=OrderDependence.BRITTLE)
    told = tomllib.loads(written(entry(issue="https://tracker.example/7", evidence=evidence)))["test"][0]
    assert list(told) == ["suite", "test", "owner", "reason", "since", "expires", "issue", "evidence"]
    assert (told["since"], told["expires"]) == (SINCE, EXPIRES)
    assert told["evidence"]["score"] == 0.012346
