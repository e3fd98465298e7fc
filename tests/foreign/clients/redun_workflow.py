"""A redun workflow: an array of tasks on Batch, one more on their results."""

from redun import task

redun_namespace = "recloser"


@task(executor="batch")
def double(number: int) -> int:
    """One child of the array."""
    return 2 * number


@task(executor="batch")
def total(numbers: list[int]) -> int:
    """A single job."""
    return sum(numbers)


@task()
def main() -> int:
    """The workflow."""
    return total([double(number) for number in range(5)])
