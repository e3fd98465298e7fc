"""Failures are one by exception, masked message and place; never by their message alone."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.analytics.fingerprints import KEPT_LINES, Sighting, exact_key, mask
from recloser.analytics.nearness import near_groups

ANY_TIME = settings(deadline=None)
FRAMES = ("tests/test_flow.py:test_flow", "grid/solve.py:solve", "grid/solve.py:<lambda>")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("\x1b[1;31mE\x1b[0m \x1b]0;title\x07left", "E left"),
        ("at 2026-11-21T08:01:02.123Z and 21 Nov 2026 8:01 PM", "at <time> and <time>"),
        ("took 08:01:02,5 of Nov 21", "took <time> of <time>"),
        ("job 0a1b2c3d-1111-2222-3333-444455556666.", "job <uuid>."),
        ("<Grid object at 0x7f00beef>", "<Grid object at <address>>"),
        ("to 10.0.0.7:8080 or [::1]:80 or localhost:8080", "to <host> or <host> or localhost:<n>"),
        ("open '/srv/me/w/grid/case14.csv'", "open '<path>/case14.csv'"),
        ("open C:\\jobs\\7\\case.csv", "open <path>/case.csv"),
        ("open /tmp/x9/case.csv, /var/folders/zz/T/q1 and tmpab12cd_9", "open <tmp>, <tmp> and <tmp>"),
        ("in /tmp/pytest-of-me/pytest-7/test_a0/out, pytest-7/test_b1", "in <tmp>, <tmp>"),
        ("etag d41d8cd98f00b204, commit 4f2a91b", "etag <hex>, commit <hex>"),
        ("key Zm9vYmFyMTIzNDU2Nzg5MEFCQ0RFRg==", "key <encoded>"),
        ("3 of 1_000 at -1.5e-07, float32", "<n> of <n> at <n>, float32"),
        ("[1, 2.5, 3] 4 5", "[<n>] <n>"),
        ("{'b': 1, 'a': {3, 2}}", "{'a': {<n>}, 'b': <n>}"),
        ("https://host/a/b/c", "https://host/a/b/c"),
        ("test_http_server_request_timeouts and/or deadbeef", "test_http_server_request_timeouts and/or deadbeef"),
    ],
)
def test_what_changes_from_run_to_run_is_masked(text: str, masked: str) -> None:
    """Each kind becomes a word, and what is a name stays."""
    assert mask(text) == masked


@st.composite
def messages(draw: st.DrawFn) -> str:
    """One failure with other times, identifiers, hosts, paths, encodings, numbers and orders."""
    entries = draw(st.permutations(["'p': 1", "'q': 2", "'v': 3"]))
    at = draw(st.datetimes())
    port, number = draw(st.integers(1, 65535)), draw(st.floats(allow_nan=False, allow_infinity=False))
    digest = draw(st.binary(min_size=32, max_size=32)).hex()
    return (
        f"{at.isoformat()}Z worker {draw(st.uuids())} at {draw(st.integers(0, 2**63)):#x} on 10.1.2.3:{port}\n"
        f"wrote /tmp/tmp{draw(st.integers(0, 99))}x/out.csv ({'f' + digest[1:]}): {number!r} != {port}\n"
        f"in {{{', '.join(entries)}}}"
    )


@ANY_TIME
@given(messages(), messages())
def test_a_key_is_stable_under_what_changes_from_run_to_run(one: str, other: str) -> None:
    """Such changes do not make a failure another one."""
    assert exact_key("ValueError", one, FRAMES) == exact_key("ValueError", other, FRAMES)


@pytest.mark.parametrize(
    "other",
    [
        ("KeyError", "no bus", FRAMES, "t"),
        ("ValueError", "no line", FRAMES, "t"),
        ("ValueError", "no bus", (*FRAMES[:2], "grid/solve.py:check"), "t"),
        ("ValueError", "no bus", (), "t"),
    ],
)
def test_another_exception_message_or_place_is_another_failure(other: tuple[str, str, tuple[str, ...], str]) -> None:
    """Each part of a key counts."""
    assert exact_key(*other) != exact_key("ValueError", "no bus", FRAMES, "t")


def test_outer_frames_and_the_test_do_not_count_where_there_are_three_frames() -> None:
    """One cause reached from two tests is one failure."""
    assert exact_key("E", "m", ("tests/a.py:test_a", *FRAMES), "a") == exact_key("E", "m", ("b:c", *FRAMES), "b")


def test_without_a_stack_the_test_is_the_place() -> None:
    """Two tests that time out are two failures."""
    assert exact_key("timed-out", "120 s", (), "a") != exact_key("timed-out", "120 s", (), "b")
    assert exact_key("timed-out", "120 s", (), "a") == exact_key("timed-out", "121 s", (), "a")


def test_a_diff_counts_for_so_many_lines() -> None:
    """What comes after them may differ."""
    head = "\n".join(f"- line {'x' * at}" for at in range(KEPT_LINES))
    assert exact_key("E", f"{head}\nmore", FRAMES) == exact_key("E", f"{head}\nother", FRAMES)
    assert exact_key("E", f"more\n{head}", FRAMES) != exact_key("E", f"other\n{head}", FRAMES)


@ANY_TIME
@given(st.text(), st.text(), st.lists(st.text(), max_size=4))
def test_any_text_has_a_key(exception: str, message: str, frames: list[str]) -> None:
    """Lone surrogates and control characters included."""
    assert len(exact_key(exception, message, frames)) == 64


HOSTILE = (
    *("a", "1", "\u0660", "a1", "A1b", "0f", "/", "/a", "a/", " /a/b", "file://", "file:///a", "C:\\", "C:/a", "\\"),
    *("{", "}", "{}", "{a, ", "{1, 2}", "\x02", "\x1b[", "\x1b]", "0x", "1:", "1.", "1-", "1_", "1, ", "1e", "+", "=="),
    *("2024-01-", "12:34:", "10:20:30.1 P", "Jan ", "1 Jan", "[::", "[a:b", "1.1.1.1", "abcdef12-", "pytest-of-"),
    *("pytest-1/", "tmpabcd", "<n>, ", "\n", "\t"),
)


@pytest.mark.timeout(40)
@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_text_is_masked_in_linear_time(unit: str) -> None:
    """200,000 characters in milliseconds: a pattern that tried every pair of places would take minutes."""
    assert mask((unit * 200_000)[:200_000] + "\nend").endswith("end")


def alike(number: int, *, exception: str = "AssertionError", frame: str = "grid/a.py:run", test: str = "t") -> Sighting:
    """A failure whose message differs from the others' in one of many words."""
    return Sighting(
        exception, f"the flow of line {'x' * number} is not what the case asks for at bus B", (frame,), test
    )


def test_alike_messages_at_one_place_are_near() -> None:
    """Though their exact keys differ, and named after the first."""
    sightings = [alike(1), alike(3), Sighting("AssertionError", "nothing of this kind", ("grid/a.py:run",), "t")]
    assert near_groups(sightings) == (sightings[0].key, sightings[0].key, sightings[2].key)


@pytest.mark.parametrize("other", [alike(2, exception="ValueError"), alike(2, frame="grid/b.py:run", test="other")])
def test_another_exception_or_place_is_never_near(other: Sighting) -> None:
    """However alike the messages are."""
    assert len(set(near_groups([alike(1), other]))) == 2


def test_the_same_test_is_a_place() -> None:
    """A timeout strikes at another frame each time."""
    assert len(set(near_groups([alike(1, frame="a:b"), alike(2, frame="c:d")]))) == 1


@ANY_TIME
@given(
    st.lists(st.builds(alike, st.integers(1, 3), frame=st.sampled_from("ab"), test=st.sampled_from("st"))), st.randoms()
)
def test_groups_do_not_depend_on_the_order(sightings: list[Sighting], rng: random.Random) -> None:
    """The same failures in another order fall into the same groups, and equal keys into one."""
    order = rng.sample(range(len(sightings)), len(sightings))
    once = near_groups(sightings)
    again = dict(zip(order, near_groups([sightings[at] for at in order]), strict=True))
    for one in range(len(sightings)):
        for other in range(one):
            assert (once[one] == once[other]) == (again[one] == again[other])
            assert once[one] == once[other] or sightings[one].key != sightings[other].key
