"""Objects by URI."""

from pathlib import Path

import pytest

from recloser.aws import AccessRefused, NotFound, ObjectsGateway, Rejected, Unreachable, split_uri
from tests.unit.aws.wire import Wire


@pytest.fixture
def objects(wire: Wire) -> ObjectsGateway:
    """The gateway on the wire."""
    return ObjectsGateway(wire.client("s3"))


@pytest.mark.parametrize(
    ("uri", "expected"),
    [("s3://b/k", ("b", "k")), ("s3://b/a/b c.csv", ("b", "a/b c.csv")), ("s3://b/a//b", ("b", "a//b"))],
)
def test_a_uri_is_bucket_and_key(uri: str, expected: tuple[str, str]) -> None:
    """Everything after the bucket's slash is the key."""
    assert split_uri(uri) == expected


@pytest.mark.parametrize("uri", ["", "s3://", "s3://b", "s3://b/", "s3:///k", "https://b/k", "b/k", "S3//b/k"])
def test_anything_else_is_refused(uri: str) -> None:
    """The message shows what was given and what is expected."""
    with pytest.raises(Rejected, match=r"is not s3://BUCKET/KEY"):
        split_uri(uri)


def test_a_whole_bucket_is_never_emptied(wire: Wire, objects: ObjectsGateway) -> None:
    """A forgotten prefix must not cost somebody's data."""
    with pytest.raises(Rejected):
        objects.delete_prefix("s3://b/")
    assert wire.requests == []


def test_absent_and_refused_are_different_answers(wire: Wire, objects: ObjectsGateway) -> None:
    """HEAD has no body: the status alone tells."""
    wire.answer("", status=404)
    assert objects.head("s3://b/k") is None
    wire.answers.clear()
    wire.answer("", status=403)
    with pytest.raises(AccessRefused) as caught:
        objects.head("s3://b/k")
    assert caught.value.action == "s3:GetObject"


def test_no_more_is_read_than_asked_for(wire: Wire, objects: ObjectsGateway) -> None:
    """A large object does not fill the memory."""
    wire.answer(b"x" * 1_000_000)
    assert objects.read("s3://b/k", 10) == b"x" * 10


def test_a_body_that_breaks_off_is_a_transient_error(wire: Wire, objects: ObjectsGateway) -> None:
    """Half an object is never taken for the whole."""
    wire.answer(b"half", Content_Length="8", Connection="close")
    with pytest.raises(Unreachable) as caught:
        objects.read("s3://b/k", 100)
    assert caught.value.is_transient


def test_reading_what_is_not_there_is_an_error(wire: Wire, objects: ObjectsGateway) -> None:
    """Unlike asking whether it is there."""
    wire.answer("<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>", status=404)
    with pytest.raises(NotFound, match="gone"):
        objects.read("s3://b/k", 1)


def test_a_file_that_cannot_be_read_is_named(wire: Wire, objects: ObjectsGateway, tmp_path: Path) -> None:
    """Nothing is written when there is nothing to write."""
    with pytest.raises(Rejected, match=r"cannot read .*/absent.csv: No such file"):
        objects.put("s3://b/k", tmp_path / "absent.csv")
    assert wire.requests == []
