"""The document tells the truth: it is valid, names every path, and every answer is what it says."""

import jsonschema
import pytest
from openapi_spec_validator import validate

from gridmodel import __version__
from gridmodel.app import COMPUTED, create_app
from gridmodel.config import Config


@pytest.fixture(scope="module")
def document(client):
    """The document as it is served."""
    return client.get("/api/openapi.json").get_json()


def resolved(document, node):
    """A part of the document without references, `nullable` written as JSON Schema does."""
    if isinstance(node, list):
        return [resolved(document, item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        part = document
        for name in node["$ref"].removeprefix("#/").split("/"):
            part = part[name]
        return resolved(document, part)
    plain = {key: resolved(document, value) for key, value in node.items() if key != "nullable"}
    if "minimum" in plain and plain.pop("exclusiveMinimum", False):
        plain["exclusiveMinimum"] = plain.pop("minimum")
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


def schema_of(document, path, method, status):
    """The schema of an answer."""
    answer = resolved(document, document["paths"][path][method]["responses"][str(status)])
    return answer["content"]["application/json"]["schema"]


def test_the_document_is_valid(document):
    """OpenAPI 3.0, as a validator not ours reads it; of this version."""
    validate(document)
    assert document["info"]["version"] == __version__


def test_every_path_is_in_it_and_no_other(document):
    """With the methods it answers."""
    rules = create_app(Config()).url_map.iter_rules()
    answered = {rule.rule: {method.lower() for method in rule.methods - {"HEAD", "OPTIONS"}} for rule in rules}
    assert {path: set(methods) for path, methods in document["paths"].items()} == answered


def test_every_example_is_answered_as_the_document_says(client, document):
    """The example fits the schema of the request, its answer the schema of the answer."""
    for path in COMPUTED:
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        jsonschema.validate(body["example"], resolved(document, body["schema"]))
        answer = client.post(path, json=body["example"])
        assert answer.status_code == 200
        jsonschema.validate(answer.get_json(), schema_of(document, path, "post", 200))


@pytest.mark.parametrize("path", ["/api/health", "/api/network"])
def test_what_is_read_is_what_the_document_says(client, document, path):
    """The answers without a request body."""
    jsonschema.validate(client.get(path).get_json(), schema_of(document, path, "get", 200))


@pytest.mark.parametrize(
    ("path", "method", "body", "status"),
    [
        ("/api/history", "get", None, 404),
        ("/api/generate-data", "post", {}, 400),
        ("/api/advanced/opf", "post", {"n_buses": 14, "load_scale": 9}, 422),
    ],
)
def test_every_refusal_is_what_the_document_says(client, path, method, body, status):
    """One shape for all of them."""
    document = client.get("/api/openapi.json").get_json()
    answer = client.open(path, method=method, json=body)
    assert answer.status_code == status
    jsonschema.validate(answer.get_json(), schema_of(document, path, method, status))
