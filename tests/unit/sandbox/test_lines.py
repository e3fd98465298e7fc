"""Whatever a job writes becomes messages CloudWatch takes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.sandbox.batch import lines
from recloser.sandbox.batch.lines import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_EVENT_BYTES, Lines, batches


def read(*pieces: bytes) -> list[str]:
    """All messages of a stream that came in these pieces."""
    reader = Lines()
    return [message for piece in pieces for message in reader.feed(piece)] + reader.finish()


def test_lines_are_messages() -> None:
    """A message is a line without its end; empty lines are dropped; the last needs no end."""
    assert read(b"one\n\n  \ntwo\r\nthree") == ["one", "  ", "two\r", "three"]


def test_invalid_utf8_is_replaced() -> None:
    """Bytes that are no text become replacement characters and lose nothing else."""
    assert read(b"a\xffb\n") == ["a\N{REPLACEMENT CHARACTER}b"]


@given(st.lists(st.binary(max_size=30)))
def test_pieces_do_not_matter(pieces: list[bytes]) -> None:
    """The messages depend on the bytes, not on how they were cut while read."""
    assert read(*pieces) == read(b"".join(pieces))


@given(st.text(max_size=200))
def test_text_is_kept(text: str) -> None:
    """Valid text comes out as its non-empty lines."""
    assert read(text.encode(errors="replace")) == [
        line for line in text.encode(errors="replace").decode().split("\n") if line
    ]


@settings(max_examples=20)
@given(
    st.sampled_from([b"x", "é".encode(), "€".encode(), "🦉".encode(), b"\xff", b"\xf0\x9f"]),
    st.binary(max_size=5),
    st.integers(1, 300_000),
)
def test_no_message_is_too_long(unit: bytes, tail: bytes, size: int) -> None:
    """However long a line, whole or in pieces, the messages are the same, fit, and keep valid characters whole."""
    data = unit * size + tail
    pieces = [data[start : start + 100_000] for start in range(0, len(data), 100_000)]
    messages = read(data)
    assert messages == read(*pieces) == read(data + b"\n")
    assert all(0 < len(message.encode()) <= MAX_EVENT_BYTES for message in messages)
    if unit.decode(errors="ignore") and not tail:
        assert "".join(messages) == data.decode()


@given(st.lists(st.integers(1, MAX_EVENT_BYTES), max_size=40))
def test_batches_fit_and_lose_nothing(sizes: list[int]) -> None:
    """Batches keep the order and stay inside the limits of one call."""
    messages = ["x" * size for size in sizes]
    made = list(batches(messages))
    assert [message for batch in made for message in batch] == messages
    for batch in made:
        assert 0 < len(batch) <= MAX_BATCH_EVENTS
        assert sum(len(message) + 26 for message in batch) <= MAX_BATCH_BYTES


def test_many_short_lines_are_several_batches() -> None:
    """No batch has more than a thousand lines."""
    assert [len(batch) for batch in batches(["x"] * (2 * MAX_BATCH_EVENTS + 1))] == [1000, 1000, 1]


def test_unfinished_line_is_bounded() -> None:
    """A stream without line ends is not collected in memory."""
    reader = lines.Lines()
    for _ in range(20):
        reader.feed(b"x" * 100_000)
        assert len(reader._rest) <= MAX_EVENT_BYTES  # noqa: SLF001 - the bound is the point
