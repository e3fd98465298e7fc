"""Image names and tags."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.aws import ImageReference, ImagesGateway, MalformedAnswer, parse_image
from tests.unit.aws.wire import Wire

ANY_TIME = settings(deadline=None)
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = "sha256:" + "0" * 64
PART = st.from_regex(r"[a-z0-9]+([._-][a-z0-9]+)*", fullmatch=True)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("optimo", ImageReference(repository="optimo")),
        ("team/optimo:v1", ImageReference(repository="team/optimo", tag="v1")),
        (f"{ECR}/optimo:v1",
         ImageReference(registry=ECR, account="123456789012", region="eu-west-1", repository="optimo", tag="v1")),
        (f"{ECR}/team/optimo:v1@{DIGEST}",
         ImageReference(registry=ECR, account="123456789012", region="eu-west-1", repository="team/optimo", tag="v1",
                        digest=DIGEST)),
        (f"optimo@{DIGEST}", ImageReference(repository="optimo", digest=DIGEST)),
        ("localhost/optimo", ImageReference(registry="localhost", repository="optimo")),
        ("127.0.0.1:5000/optimo", ImageReference(registry="127.0.0.1:5000", repository="optimo")),
        ("public.ecr.aws/x/y:1", ImageReference(registry="public.ecr.aws", repository="x/y", tag="1")),
    ],
)  # fmt: skip
def test_a_name_is_taken_apart(image: str, expected: ImageReference) -> None:
    """As Docker does it: a first part with a dot or a port is a registry."""
    assert parse_image(image) == expected


@ANY_TIME
@given(st.sampled_from(["", f"{ECR}/", "host:5000/"]), PART, st.none() | PART, st.sampled_from(["", f"@{DIGEST}"]))
def test_the_parts_make_the_name_again(registry: str, repository: str, tag: str | None, digest: str) -> None:
    """Nothing is lost and nothing is guessed."""
    parsed = parse_image(f"{registry}{repository}{f':{tag}' if tag else ''}{digest}")
    assert (parsed.repository, parsed.tag) == (repository, tag)
    assert (parsed.registry or "") + ("/" if parsed.registry else "") == registry
    assert (f"@{parsed.digest}" if parsed.digest else "") == digest


@pytest.mark.parametrize("image", ["", ":v1", f"{ECR}/", "@sha256:0"])
def test_a_name_without_repository_is_refused(image: str) -> None:
    """An empty name is a mistake, not an image."""
    with pytest.raises(ValueError, match="names no image repository"):
        parse_image(image)


def test_a_tag_stands_for_a_digest_or_for_nothing(wire: Wire) -> None:
    """A missing tag is told in `failures`, a missing repository as an error; both mean there is no such image."""
    images = ImagesGateway(wire.client("ecr"))
    wire.answer({"images": [{"imageId": {"imageDigest": DIGEST, "imageTag": "v1"}}], "failures": []})
    wire.answer({"images": [], "failures": [{"failureCode": "ImageNotFound"}]})
    wire.refuse("RepositoryNotFoundException")
    assert [images.digest("optimo", "v1") for _ in range(3)] == [DIGEST, None, None]


def test_an_index_names_the_architectures_it_is_built_for(wire: Wire) -> None:
    """Attestations are of no platform; a single manifest and an unknown tag say nothing."""
    images = ImagesGateway(wire.client("ecr"))
    built = ["amd64", "arm64", "unknown"]
    index = {"manifests": [{"platform": {"os": "linux", "architecture": name}} for name in built]}
    wire.answer({"images": [{"imageManifest": json.dumps(index)}], "failures": []})
    wire.answer({"images": [{"imageManifest": json.dumps({"layers": []})}], "failures": []})
    wire.answer({"images": [], "failures": [{"failureCode": "ImageNotFound"}]})
    assert [images.architectures("optimo", DIGEST) for _ in range(3)] == [("amd64", "arm64"), (), ()]
    assert wire.requests[0].json["imageIds"] == [{"imageDigest": DIGEST}]


def test_nonsense_is_a_typed_error(wire: Wire) -> None:
    """An answer without images and failures is no answer."""
    wire.answer({"images": [7]})
    with pytest.raises(MalformedAnswer):
        ImagesGateway(wire.client("ecr")).digest("optimo", "v1")
