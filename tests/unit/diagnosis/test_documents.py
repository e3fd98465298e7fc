"""Files of evidence: read strictly, refused in one message, thinned when they are large."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recloser.diagnosis import documents
from recloser.diagnosis.documents import DocumentError, read_documents

GOOD = {"id": "a", "status_reason": None, "container_reason": "x", "exit_code": 1, "log_tail": ["y"]}


def written(folder: Path, content: object) -> Path:
    """A file of evidence."""
    file = folder / "evidence.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return file


def test_a_document_becomes_symptoms(tmp_path: Path) -> None:
    """Every field is taken as it is."""
    (document,) = read_documents(written(tmp_path, [GOOD]))
    assert document.id == "a"
    assert (document.symptoms.container_reason, document.symptoms.exit_code, document.symptoms.log) == ("x", 1, ("y",))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not valid JSON"),
        (b"[{]", "not valid JSON"),
        (b'[{"id": "\xff"}]', "not UTF-8"),
        (b"[NaN]", "NaN is not a JSON value"),
        (b"[" * 100_000, "nested too deeply"),
        ({"id": "a"}, "expected a list of documents, found an object"),
        ([1], "document 1: expected an object, found a number"),
        ([{"id": "a"}], "status_reason, container_reason, exit_code, log_tail missing"),
        ([GOOD | {"id": 7}], "id: expected a string, found a number"),
        ([GOOD | {"status_reason": ["x"]}], "status_reason: expected a string or null, found a list"),
        ([GOOD | {"exit_code": "1"}], "exit_code: expected an exit code or null, found a string"),
        ([GOOD | {"exit_code": True}], "exit_code: expected an exit code or null, found a boolean"),
        ([GOOD | {"exit_code": 10**30}], "exit_code: expected an exit code or null"),
        ([GOOD | {"log_tail": "x"}], "log_tail: expected a list of strings, found a string"),
        ([GOOD | {"log_tail": ["x", 1]}], "log_tail: expected a list of strings, found a number"),
        ([GOOD, GOOD], "document 2: the id 'a' is already taken"),
    ],
)
def test_bad_files_are_one_message(tmp_path: Path, content: object, said: str) -> None:
    """The message names the document and what was expected."""
    with pytest.raises(DocumentError, match=said):
        read_documents(written(tmp_path, content))


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is read."""
    with pytest.raises(DocumentError, match="cannot be read"):
        read_documents(tmp_path / "nothing.json")
    monkeypatch.setattr(documents, "SIZE_LIMIT", 3)
    with pytest.raises(DocumentError, match="at most 3 are read"):
        read_documents(written(tmp_path, [GOOD]))


LINES = st.lists(
    st.one_of(st.text(max_size=12), st.sampled_from(['", "', '\\", "', ", ", '"', "\\", "],["])), max_size=40
)


@settings(max_examples=300)
@given(st.lists(LINES, min_size=1, max_size=3))
def test_a_thinned_file_keeps_all_but_the_middle_of_logs(
    tmp_path_factory: pytest.TempPathFactory, logs: list[list[str]]
) -> None:
    """Whatever the lines hold, what is left out is the middle of a list, and every other value stays."""
    content = [GOOD | {"id": str(n), "log_tail": log} for n, log in enumerate(logs)]
    file = written(tmp_path_factory.mktemp("thin"), content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "WHOLE", 0)
        patch.setattr(documents, "BLOCK", 2)
        found = read_documents(file)
    assert [document.id for document in found] == [item["id"] for item in content]
    for document, log in zip(found, logs, strict=True):
        kept = list(document.symptoms.log)
        cut = next((n for n, (a, b) in enumerate(zip(kept, log, strict=False)) if a != b), len(kept))
        assert kept[:cut] == log[:cut]
        assert kept[cut:] == log[len(log) - len(kept) + cut :]
