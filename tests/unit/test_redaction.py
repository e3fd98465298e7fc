"""Secrets and terminal tricks do not survive; what a diagnosis needs does."""

import base64
import json
import re
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from recloser.redaction import LIMIT, MASK, Redactor, clean, is_secret_name, secrets_of, shown

ANY_TIME = settings(deadline=None)
NO_SECRETS = Redactor(())
PRINTABLE = st.characters(exclude_categories=["C", "Z"])
SECRETS = st.text(PRINTABLE, min_size=6, max_size=40).filter(lambda secret: secret not in MASK)
SURROUNDINGS = st.text(max_size=200)
LOG_LINES = st.text(
    st.one_of(st.sampled_from("\x1b[]mK\x07\\ \t\r\n\x9b\x9c\u202e\u200b\ud800password:=token\"'"), st.characters()),
    max_size=400,
)

HARMLESS = """
An error occurred (AccessDenied) when calling the GetObject operation: User: arn:aws:sts::000000000000:assumed-role/a-1/b is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::in/load.csv" because no policy allows it
An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: The security token included in the request is invalid.
OutOfMemoryError: Container killed due to memory usage
CannotPullContainerError: manifest for 000000000000.dkr.ecr.us-east-1.amazonaws.com/optimo:v9 not found: manifest unknown
pull access denied: Your authorization token has expired. Reauthenticate and try again.
no basic auth credentials
INFO:botocore.credentials:Found credentials in environment variables.
KeyError: 'OPTIMO_API_TOKEN'
RuntimeError: OPTIMO_API_TOKEN is not set
OPTIMO_DB_PASSWORD: field required
SyntaxError: Unexpected token: }
arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf
arn:aws:iam::123456789012:role/optimo-job
s3://grid-inputs/ieee14/load.csv
optimo-heal-0f1e2d3c-a1
http://127.0.0.1:4566/bucket/key@2
sha256:61afdd9ca0d362552cd0bf067857bd1c5ef5a439b47d969d088703aff6d5d082
primary_key: job_id, sort key=started_at
""".strip().splitlines()  # noqa: E501 - whole messages, as they are logged

SHAPES = {
    "password=hunter22 next": f"password={MASK} next",
    'DB_PASSWORD: "hun ter22" next': f'DB_PASSWORD: "{MASK}" next',
    '{"password": "hun\\"ter22", "n": 1}': f'{{"password": "{MASK}", "n": 1}}',
    '"{\\"api_key\\": \\"hunter22\\"}"': f'"{{\\"api_key\\": \\"{MASK}\\"}}"',
    "INFO:root:token: hunter22, next": f"INFO:root:token: {MASK}, next",
    "--api-key=hunter22 next": f"--api-key={MASK} next",
    "client_secret => 'hunter22'": f"client_secret => '{MASK}'",
    "Authorization: Basic dXNlcjpodW50ZXIyMg== next": f"Authorization: Basic {MASK} next",
    "authorization: hunter22hunter22 next": f"authorization: {MASK} next",
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIA/2026, Signature=aa": f"Authorization: AWS4-HMAC-SHA256 {MASK}",
    "sent Bearer abcdefghijklmnop next": f"sent Bearer {MASK} next",
    "postgresql://me:hunt@er22@db/x": f"postgresql://me:{MASK}@db/x",
    "/k?X-Amz-Signature=abcd&X-Amz-Date=2": f"/k?X-Amz-Signature={MASK}&X-Amz-Date=2",
    "/k?a=1&X-Amz-Security-Token=IQoJb3 next": f"/k?a=1&X-Amz-Security-Token={MASK} next",
    "key AKIAIOSFODNN7EXAMPLE next": f"key {MASK} next",
    "aws secret access key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY next": f"aws secret access key {MASK} next",
    "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln next": f"jwt {MASK} next",
    "slack xoxb-1234567890-abc next": f"slack {MASK} next",
    "https://hooks.slack.com/services/T000/B000/XXXX next": f"https://hooks.slack.com/services/{MASK} next",
    "github ghp_abcdefghijklmnopqrstuvwxyz0123456789 next": f"github {MASK} next",
    "session FwoGZXIvYXdzE" + "a" * 80 + " next": f"session {MASK} next",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- next": f"{MASK} next",
    "-----BEGIN PRIVATE KEY-----\nMIIE and no end": MASK,
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj": MASK,
}


@ANY_TIME
@given(SECRETS, SURROUNDINGS, SURROUNDINGS)
def test_a_known_secret_never_survives(secret: str, before: str, after: str) -> None:
    """Wherever a known secret stands in a text, it is not there afterwards."""
    assert secret not in Redactor([secret])(before + secret + after).replace(MASK, "")


@ANY_TIME
@given(*[st.text("abcdefgh", min_size=6, max_size=12)] * 2)
def test_overlapping_secrets_hide_together(one: str, other: str) -> None:
    """No end of a secret sticks out where two secrets overlap."""
    shared = one + "#" + other
    assert Redactor([one + "#", "#" + other])(f"<{shared}>").strip("<>") == MASK


@ANY_TIME
@given(SECRETS.filter(lambda secret: len(secret) >= 8), st.binary(max_size=8), st.binary(max_size=8))
def test_encoded_forms_of_a_secret_do_not_survive(secret: str, before: bytes, after: bytes) -> None:
    """URL-encoding, JSON and base64, alone or inside more, do not carry a secret past."""
    redact = Redactor([secret])
    assert json.dumps(secret)[1:-1] not in redact(json.dumps({"value": secret})).replace(MASK, "")
    assert quote(secret, safe="") not in redact(f"https://x/?value={quote(secret, safe='')}&n=1").replace(MASK, "")
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    visible = base64.b64decode(redact(encoded).split(MASK)[0] + "==")
    assert secret.encode() not in visible
    assert MASK in redact(encoded)


@ANY_TIME
@given(SECRETS, st.integers(0, 60))
def test_a_cut_line_does_not_show_the_head_of_a_secret(secret: str, offset: int) -> None:
    """Secrets are taken out before a line is cut, so none is cut in half."""
    line = shown("." * (LIMIT - offset) + secret + "!" * 100, Redactor([secret]))
    assert len(line) <= LIMIT
    assert secret[:6] not in line.replace(MASK, "") or secret[:6] in "." * 6 + "!" * 6


def test_control_characters_inside_a_secret_do_not_hide_it() -> None:
    """Escapes are removed first, so they cannot split a secret into harmless halves."""
    assert shown("pw hun\x1b[31mter\u200b22!", Redactor(["hunter22"])) == f"pw {MASK}!"


def test_lines_of_a_secret_of_several_lines_are_secret() -> None:
    """A key that is logged line by line is recognised by its lines."""
    assert Redactor(["first-line-1\nsecond-line-2"])("saw second-line-2") == f"saw {MASK}"


def test_a_short_secret_is_hidden_only_when_it_is_the_whole_text() -> None:
    """Replacing three letters everywhere would make reports unreadable."""
    redact = Redactor(["abc"])
    assert redact(" abc ") == MASK
    assert redact("abcdef") == "abcdef"


@pytest.mark.parametrize(("text", "expected"), SHAPES.items(), ids=range(len(SHAPES)))
def test_what_looks_like_a_secret_is_replaced_and_the_rest_reads_on(text: str, expected: str) -> None:
    """Unknown secrets are recognised by the words or the shape around them."""
    assert NO_SECRETS(text) == expected


@pytest.mark.parametrize("text", HARMLESS)
def test_what_a_diagnosis_needs_survives(text: str) -> None:
    """Messages of AWS, ARNs, URIs and names are not taken for secrets."""
    assert shown(text, NO_SECRETS) == text


@ANY_TIME
@given(LOG_LINES)
def test_redaction_is_idempotent(text: str) -> None:
    """What was redacted once is not changed again."""
    once = NO_SECRETS(text)
    assert NO_SECRETS(once) == once


@ANY_TIME
@given(LOG_LINES, st.integers(1, 300))
def test_a_clean_line_cannot_act_on_a_terminal(text: str, limit: int) -> None:
    """No control character, no surrogate, no reversal; bounded; clean twice is clean once."""
    line = clean(text, limit)
    assert not [char for char in line if unicodedata.category(char) in {"Cc", "Cs"}]
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", line)
    assert len(line) <= limit
    assert clean(line, limit) == line
    line.encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[1;31mERROR\x1b[0m\tbad", "ERROR bad"),
        ("\x1b]0;own your title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("half an escape \x1b]0;unfinished", "half an escape 0;unfinished"),
        ("abc\u202edef\r\n", "abcdef"),
        ("bad \ud800 half", "bad \ufffd half"),
    ],
)
def test_escapes_and_marks_are_removed(text: str, expected: str) -> None:
    """Colours, titles, links and reversals go; the words stay."""
    assert clean(text) == expected


def test_a_long_line_says_how_much_is_missing() -> None:
    """The count of what was cut adds up."""
    line = clean("x" * 5000, 100)
    kept, missing = re.fullmatch(r"(x+)… \[\+(\d+) characters\]", line).groups()  # type: ignore[union-attr]
    assert len(kept) + int(missing) == 5000


@pytest.mark.parametrize(
    "name",
    ["PASSWORD", "DB_PASSWORD", "dbPassword", "OPTIMO_API_KEY", "APIKey", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY",
     "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "SMTP_PASS", "DB_PWD", "client-secret", "CREDENTIALS", "SIGNING_KEY",
     "OPTIMO_LICENSE_KEY", "KEY", "SENTRY_DSN"],
)  # fmt: skip
def test_names_of_secrets_are_recognised(name: str) -> None:
    """A word in the name tells."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["OPTIMO_KEYS_PER_PAGE", "OPTIMO_INPUT_KEY", "S3_KEY", "PARTITION_KEY", "PUBLIC_KEY", "PWD", "OLDPWD", "MONKEY",
     "TOKEN_LIMIT", "PASSWORD_FILE", "DB_SECRET_ARN", "OPTIMO_CASE", "KEYBOARD", "COMPASS", "BUCKET", ""],
)  # fmt: skip
def test_other_names_are_not(name: str) -> None:
    """Names about keys of data, or about a secret rather than holding it, are shown."""
    assert not is_secret_name(name)


def test_the_secrets_of_an_environment_are_found_by_name_and_inside_urls() -> None:
    """Only what must be hidden is; an ordinary value stays readable."""
    environment = {
        "OPTIMO_CASE": "ieee14",
        "API_TOKEN": "t0ken-value",
        "STORE": "postgresql://me:hunter22@db/x",
        "EMPTY_TOKEN": "",
        "BROKEN": "http://[@",
    }
    assert secrets_of({name: SecretStr(value) for name, value in environment.items()}) == ("t0ken-value", "hunter22")


def test_a_redactor_does_not_show_its_secrets() -> None:
    """Printing a redactor must not undo it."""
    assert "hunter22" not in repr(Redactor(["hunter22"]))


@ANY_TIME
@given(st.text(), SECRETS)
def test_text_without_secrets_is_left_alone(text: str, secret: str) -> None:
    """Redaction changes nothing it has no reason to change."""
    assume(secret not in text)
    assert Redactor([secret])(text) == NO_SECRETS(text)


@pytest.mark.parametrize(
    "piece",
    ["token", "-eyJ", "://a:", "a", "\x1b[", "\x1b]", "password=\\", 'token: "a\\', "bearer  ", "secret key ", "A1",
     "-----BEGIN PRIVATE KEY-----", "authorization: ", "FwoG", "xoxb-", "auth_"],
)  # fmt: skip
def test_hostile_repetition_ends(piece: str) -> None:
    """Time grows with the length of a text, not with its square: otherwise this would not end within the time limit."""
    assert len(shown(piece * (400_000 // len(piece)), NO_SECRETS)) <= LIMIT
