"""Log streams: the end of one, or what is new in one, always bounded and fit to be shown."""

import re
import tracemalloc
from typing import Any

import pytest

from recloser.aws import AccessRefused, LogsGateway, MalformedAnswer
from recloser.redaction import Redactor
from tests.unit.aws.wire import Wire

PLAIN = Redactor(())


@pytest.fixture
def logs(wire: Wire) -> LogsGateway:
    """The gateway on the wire."""
    return LogsGateway(wire.client("logs"))


def page(*messages: str, before: str = "b/0", after: str = "f/0") -> dict[str, Any]:
    """One page of GetLogEvents."""
    events = [{"timestamp": 1_700_000_000_000, "message": message} for message in messages]
    return {"events": events, "nextBackwardToken": before, "nextForwardToken": after}


def test_the_tail_is_collected_backwards_over_pages(wire: Wire, logs: LogsGateway) -> None:
    """Pages may be short or empty long before the beginning; lines come out oldest first."""
    wire.answer(page("d", "e", before="b/1"))
    wire.answer(page(before="b/2"))
    wire.answer(page("a", "b", "c", before="b/3"))
    tail = logs.tail("s", lines=4, redact=PLAIN)
    assert [line.text for line in tail.lines] == ["b", "c", "d", "e"]
    assert [request.json.get("nextToken") for request in wire.requests] == [None, "b/1", "b/2"]
    assert wire.requests[0].json["startFromHead"] is False
    assert wire.requests[0].json["limit"] == 4


def test_the_beginning_is_where_the_token_repeats(wire: Wire, logs: LogsGateway) -> None:
    """A stream shorter than what is asked for ends the search."""
    wire.answer(page("a", before="b/1"))
    wire.answer(page(before="b/1"))
    assert [line.text for line in logs.tail("s", lines=9, redact=PLAIN).lines] == ["a"]
    assert len(wire.requests) == 2


def test_an_endless_stream_of_empty_pages_is_given_up(wire: Wire, logs: LogsGateway) -> None:
    """No loop is unbounded, even against an endpoint that never repeats a token."""
    for number in range(60):
        wire.answer(page(before=f"b/{number}"))
    assert logs.tail("s", lines=9, redact=PLAIN).note == "the log stream s is empty"
    assert len(wire.requests) == 50


def test_an_event_of_several_lines_counts_as_several(wire: Wire, logs: LogsGateway) -> None:
    """A traceback sent as one event keeps its lines, and the bound holds for lines."""
    wire.answer(page("first", "Traceback:\n  File\nKeyError: 'X'"))
    assert [line.text for line in logs.tail("s", lines=2, redact=PLAIN).lines] == ["  File", "KeyError: 'X'"]


def test_lines_are_clean_and_hold_no_secrets(wire: Wire, logs: LogsGateway) -> None:
    """Jobs write what they like, also into live displays."""
    wire.answer(page("\x1b[31mtoken hunter22\x1b[0m" + "x" * 3000))
    redact = Redactor(["hunter22"])
    (line,) = logs.tail("s", lines=1, redact=redact).lines
    (same,), _ = logs.follow("s", None, redact=redact)
    assert line.text.startswith("token [redacted]xxx")
    assert len(line.text) <= 2000
    assert same == line


def test_following_returns_each_line_once(wire: Wire, logs: LogsGateway) -> None:
    """The token of one call is the start of the next."""
    wire.answer(page("a", after="f/1"))
    wire.answer(page("b", after="f/2"))
    lines, token = logs.follow("s", None, redact=PLAIN)
    more, _ = logs.follow("s", token, redact=PLAIN)
    assert [line.text for line in (*lines, *more)] == ["a", "b"]
    assert wire.requests[1].json["nextToken"] == "f/1"
    assert wire.requests[1].json["startFromHead"] is True


def test_a_missing_stream_is_a_note_not_an_error(wire: Wire, logs: LogsGateway) -> None:
    """A stream is named before it exists, and sometimes never does."""
    wire.refuse("ResourceNotFoundException")
    tail = logs.tail("s", lines=5, redact=PLAIN)
    assert tail.lines == ()
    assert tail.note == "the log stream s does not exist (yet) in /aws/batch/job"
    assert logs.follow("s", None, redact=PLAIN) == ((), None)


def test_a_refusal_is_an_error(wire: Wire, logs: LogsGateway) -> None:
    """Not being allowed to read is something a person must know."""
    wire.refuse("AccessDeniedException", "User: x is not authorized to perform: logs:GetLogEvents on resource: y")
    with pytest.raises(AccessRefused, match="logs:GetLogEvents"):
        logs.tail("s", lines=5, redact=PLAIN)


@pytest.mark.parametrize("answer", [{}, {"events": [{"message": "no time"}], "nextForwardToken": "f"}, {"events": [1]}])
def test_nonsense_is_a_typed_error(wire: Wire, logs: LogsGateway, answer: object) -> None:
    """A page without times or tokens is not a page."""
    wire.answer(answer)
    with pytest.raises(MalformedAnswer):
        logs.follow("s", None, redact=PLAIN)


class Gigabyte:
    """A stream of a gigabyte, made as it is asked for: 1,000 pages of 1 MB, one line of trouble far from its end."""

    PAGES, LINES, TROUBLE_AT = 1_000, 1_000, 30

    def __init__(self) -> None:
        self.asked = 0

    def get_log_events(self, **request: Any) -> dict[str, Any]:
        number = int(request.get("nextToken", "b/0").removeprefix("b/"))
        self.asked += 1
        events = [
            {"timestamp": 1_700_000_000_000, "message": f"{number} {n} ".ljust(1_000, "x")} for n in range(self.LINES)
        ]
        if number == self.TROUBLE_AT:
            events[500]["message"] = "Traceback (most recent call last):"
        return {"events": events, "nextBackwardToken": f"b/{min(number + 1, self.PAGES)}", "nextForwardToken": "f/0"}


def test_a_gigabyte_is_tailed_and_windowed_in_bounded_memory() -> None:
    """The tail costs one page; the window goes back as far as it must, and holds one page at a time."""
    stream: Any = Gigabyte()
    logs = LogsGateway(stream)
    tracemalloc.start()
    tail = logs.tail("s", lines=400, redact=PLAIN)
    assert (len(tail.lines), stream.asked) == (400, 1)
    window = logs.window("s", re.compile("traceback", re.IGNORECASE), before=10, after=5, redact=PLAIN)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 16 * 2**20
    assert [line.text[:6] for line in window] == [
        *(f"30 {n}" for n in range(490, 500)),
        "Traceb",
        *(f"30 {n}" for n in range(501, 505)),
    ]
    assert stream.asked == 1 + Gigabyte.TROUBLE_AT + 1


def test_a_window_may_span_pages_and_may_be_missing(wire: Wire, logs: LogsGateway) -> None:
    """The last match counts; without one, or without a stream, there is no window."""
    wire.answer(page("d", "e", before="b/1"))
    wire.answer(page("a", "error 1", "b", "error 2", "c", before="b/2"))
    wire.answer(page(before="b/2"))
    found = logs.window("s", re.compile("error"), before=2, after=3, redact=PLAIN)
    assert [line.text for line in found] == ["error 1", "b", "error 2", "c", "d"]
    wire.answers.clear()
    wire.answer(page("a", before="b/1"))
    wire.answer(page(before="b/1"))
    assert logs.window("s", re.compile("error"), before=2, after=3, redact=PLAIN) == ()
