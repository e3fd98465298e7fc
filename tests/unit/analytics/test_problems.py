"""Which failures of a night are one problem."""

from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.analytics.fingerprints import Sighting
from recloser.analytics.problems import RECENT, Failing, find_problems
from recloser.values import Problem, ProblemKind
from tests.unit.analytics.planted import Nights, cycle_of


def failing(test: str, fingerprint: str = "", message: str = "", **facts: object) -> Failing:
    """A test that failed tonight, of what its name says unless a message is given."""
    sighting = Sighting("ValueError", message, ("app.py:load",), test) if message else None
    fields = {"fingerprint": fingerprint or f"key of {test}", "title": test, "sighting": sighting} | facts
    return Failing("unit", test, **fields)  # type: ignore[arg-type]


def names(problem: Problem) -> list[str]:
    """The tests of a problem, as they are listed."""
    return [test.test_id for test in problem.tests]


def problems_of(nights: Nights, last: int, *found: Failing) -> tuple[Problem, ...]:
    """What the failures of a night are."""
    return find_problems(nights.frame(), cycle_of(last), found)


def test_one_fingerprint_is_one_problem_that_knows_its_past() -> None:
    """First seen, how often, and in how many nights it was looked for; later nights do not count."""
    nights = Nights()
    nights.run("a", ".F.F.F", fingerprint="f")
    nights.run("b", ".....F", fingerprint="f")
    nights.run("c", "......")
    (found,) = problems_of(nights, 3, failing("a", "f"), failing("b", "f"))
    assert (found.kind, names(found), found.fingerprints) == (ProblemKind.EXACT, ["a", "b"], ("f",))
    assert (found.since, found.last, found.nights, found.looked) == (cycle_of(1), cycle_of(3), 2, 4)


def test_messages_that_are_alike_are_near_and_others_are_not() -> None:
    """Near are two fingerprints whose exception and place are one."""
    nights = Nights()
    for test in "abc":
        nights.run(test, ".F")
    message = "the grid of the northern region could not be solved within the iterations allowed"
    near, other = problems_of(
        nights, 1, failing("a", message=message), failing("b", message=f"{message} here"), failing("c", message="nan")
    )
    assert (near.kind, names(near)) == (ProblemKind.NEAR, ["a", "b"])
    assert (other.kind, names(other)) == (ProblemKind.EXACT, ["c"])


def test_tests_that_keep_failing_together_are_one_problem_whatever_they_say() -> None:
    """The one that passed tonight is named too, and told apart."""
    nights = Nights()
    nights.run("a", "F..F..F..F")
    nights.run("b", "F..F..F..F")
    nights.run("c", "F..F..F...")
    nights.run("d", ".F.......F")
    together, other = problems_of(nights, 9, failing("b"), failing("a"), failing("d"))
    assert (together.kind, names(together)) == (ProblemKind.CO_FAILING, ["a", "b", "c"])
    assert (together.failed, [test.failed for test in together.tests]) == (2, [True, True, False])
    assert (together.since, together.nights) == (cycle_of(0), 4)
    assert names(other) == ["d"]


def test_a_cluster_is_not_told_of_twice() -> None:
    """Where most tests of a fingerprint are in no cluster, its failures are that fingerprint's."""
    nights = Nights()
    nights.run("a", "F.F.F.F", fingerprint="f")
    nights.run("b", "F.F.F..", fingerprint="g")
    nights.run("c", "......F", fingerprint="f")
    (found,) = problems_of(nights, 6, failing("a", "f"), failing("c", "f"))
    assert (found.kind, names(found)) == (ProblemKind.EXACT, ["a", "c"])


def test_two_that_have_long_been_broken_are_two() -> None:
    """They fail in nearly the same nights, but began to in different ones, or nobody knows when.

    Those that are seen to begin together are one.
    """
    nights = Nights()
    nights.run("a", "..FFFFFFFF")
    nights.run("b", "...FFFFFFF")
    assert len(problems_of(nights, 9, failing("a"), failing("b"))) == 2
    for story, count in (("FFFFFF", 2), ("..FFFF", 1)):
        nights = Nights()
        for test in "ab":
            nights.run(test, story)
        assert len(problems_of(nights, 5, failing("a"), failing("b"))) == count


def test_a_cluster_of_other_nights_is_told_until_it_is_over() -> None:
    """It holds no failure of tonight."""
    nights = Nights()
    for test in "ab":
        nights.run(test, "F.F.F" + "." * RECENT)
    (found,) = problems_of(nights, 3 + RECENT)
    assert (found.failed, found.fingerprints, found.last) == (0, (), cycle_of(4))
    assert found.title == "2 tests keep failing together"
    assert problems_of(nights, 4 + RECENT) == ()


def test_a_storm_is_one_problem() -> None:
    """Whatever its tests fail of."""
    nights = Nights()
    for number in range(12):
        nights.run(f"t{number}", ".F")
    (found,) = problems_of(nights, 1, *(failing(f"t{number}") for number in range(12)))
    assert (found.kind, found.failed, len(found.fingerprints)) == (ProblemKind.SYSTEMIC, 12, 12)


def test_what_passed_when_run_again_is_a_problem_only_with_others() -> None:
    """One flaky test by itself is told elsewhere; two that fail of the same are something to look at."""
    nights = Nights()
    nights.run("a", ".F", fingerprint="f")
    nights.run("b", ".F", fingerprint="f")
    assert problems_of(nights, 1, failing("a", "f", lasting=False)) == ()
    assert len(problems_of(nights, 1, failing("a", "f", lasting=False), failing("b", "f", lasting=False))) == 1


def test_a_companion_fails_when_the_problem_is_there_and_hardly_else() -> None:
    """One that always fails accompanies nobody, nor does one that shared two nights by chance."""
    nights = Nights()
    nights.run("a", "F...F...F...F...F..F", fingerprint="f")
    nights.run("b", "F.F.F.F.F.F.F.F.....", fingerprint="g")
    nights.run("always", "F" * 20)
    nights.run("chance", "F...F...............")
    (problem,) = problems_of(nights, 19, failing("a", "f"))
    assert [(one.test_id, one.nights) for one in problem.companions] == [("b", 4)]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.text("F. ", min_size=6, max_size=6), min_size=1, max_size=7), st.randoms())
def test_every_failure_is_in_one_problem(stories: list[str], chance: object) -> None:
    """Whatever happened before, and in whatever order failures are named."""
    nights = Nights()
    nights.run("healthy", "......")
    for number, story in enumerate(stories):
        nights.run(f"t{number}", story)
    found = [failing(f"t{number}") for number, story in enumerate(stories) if story[-1] == "F"]
    problems = problems_of(nights, 5, *found)
    assert sorted(test.test_id for one in problems for test in one.tests if test.failed) == sorted(
        one.test_id for one in found
    )
    chance.shuffle(found)  # type: ignore[attr-defined]
    again = problems_of(nights, 5, *found)
    assert {(one.kind, tuple(names(one))) for one in again} == {(one.kind, tuple(names(one))) for one in problems}
