"""Text from jobs, logs and AWS is hostile and may hold secrets; this makes it fit to be shown and kept.

Three steps, in this order: remove what could act on a terminal or hide text, take out secrets, cut to length.
`shown` does all three; cutting first could leave the head of a secret behind. Everything runs in linear time.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import InitVar, dataclass, field
from typing import Protocol
from urllib.parse import quote, quote_plus, urlsplit

MASK = "[redacted]"
LIMIT = 2000
"""Characters of one line that are kept."""


class Secret(Protocol):
    """A value that does not show itself, such as pydantic's `SecretStr`."""

    def get_secret_value(self) -> str:
        """The value."""
        ...


@dataclass(frozen=True, repr=False)
class Redactor:
    """Replaces known secrets, in every form they are usually written in, and whatever looks like one."""

    secrets: InitVar[Iterable[str]]
    _forms: tuple[str, ...] = field(init=False)
    _short: frozenset[str] = field(init=False)

    def __post_init__(self, secrets: Iterable[str]) -> None:
        """Work the forms out once."""
        values = {value for value in secrets if value.strip()}
        forms = {form for value in values for form in _forms_of(value)}
        object.__setattr__(self, "_forms", tuple(sorted(form for form in forms if len(form) >= _SHORTEST)))
        object.__setattr__(self, "_short", frozenset(value for value in values if len(value) < _SHORTEST))

    def __call__(self, text: str) -> str:
        """The text without secrets; the words around them stay."""
        if text.strip() in self._short:
            return MASK
        text = _masked(text, _merged(_found(text, self._forms)))
        for pattern in _PATTERNS:
            text = pattern.sub(_keep_lead, text)
        return text


def shown(text: str, redact: Redactor, *, limit: int = LIMIT) -> str:
    """One line of hostile text, fit to be shown: no control characters, no secrets, at most `limit` characters."""
    return _cut(redact(_tame(text)), limit)


def shown_lines(text: str, redact: Redactor, *, limit: int) -> str:
    """Many lines of hostile text, fit to be shown; of what is longer than `limit` the head and the tail are kept."""
    text = redact("\n".join(_tame(line) for line in text.replace("\r\n", "\n").split("\n")))
    if len(text) <= limit:
        return text
    head, tail = text[: limit // 2], text[-(limit // 2) :]
    return f"{head}\n[… {len(text) - len(head) - len(tail)} characters …]\n{tail}"


def clean(text: str, limit: int = LIMIT) -> str:
    """One line of hostile text without control characters, cut to `limit`; secrets are left to a `Redactor`."""
    return _cut(_tame(text), limit)


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret, judged by the words the name is made of; in doubt, yes."""
    words = [word.upper() for word in _WORD.findall(name)]
    if not words or (_ABOUT_A_SECRET.fullmatch(words[-1]) and not _is_key_id(words)):
        return False
    return any(map(_SECRET.fullmatch, words)) or _ends_in_secret(words)


def secrets_of(environment: Mapping[str, Secret]) -> tuple[str, ...]:
    """The values of a job's environment that must never be shown: by name, and passwords inside URLs."""
    found: dict[str, None] = {}
    for name, secret in environment.items():
        value = secret.get_secret_value()
        if value and is_secret_name(name):
            found[value] = None
        if password := _url_password(value):
            found[password] = None
    return tuple(found)


_SHORTEST = 6
_SHORTEST_ENCODED = 8

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET = re.compile(
    "PASSWORD|PASSWD|PASSPHRASE|PASSCODE|TOKEN|SECRETS?|CREDENTIALS?|CREDS|APIKEY|AUTHORIZATION|DSN|SIGNATURE|COOKIE"
)
_ABOUT_A_SECRET = re.compile("ARN|COUNT|ENABLED|EXPIRY|FILE|ID|LENGTH|LIMIT|NAME|PATH|PREFIX|REGION|TTL|TYPE|UR[IL]")
_HARMLESS_BEFORE_KEY = re.compile(
    "BUCKET|CACHE|CASE|DATA|DICT|FILE|FOREIGN|GROUP|HASH|INPUT|ITEM|JOB|OBJECT|OUTPUT|PARTITION|PRIMARY|PUBLIC|RANGE|"
    "RESULT|ROW|S|SORT|STATUS|TABLE"
)


def _is_key_id(words: list[str]) -> bool:
    return words[-3:] == ["ACCESS", "KEY", "ID"]


def _ends_in_secret(words: list[str]) -> bool:
    if _is_key_id(words):
        return True
    if words[-1] in {"PASS", "PW", "PWD"}:
        return words not in (["PWD"], ["OLD", "PWD"], ["OLDPWD"])
    if words[-1] not in {"KEY", "KEYS"}:
        return False
    owner = [word for word in words[:-1] if not word.isdigit()]
    return not owner or not _HARMLESS_BEFORE_KEY.fullmatch(owner[-1])


def _url_password(value: str) -> str | None:
    if "://" not in value or "@" not in value:
        return None
    try:
        return urlsplit(value).password
    except ValueError:
        return None


def _forms_of(value: str) -> Iterator[str]:
    yield from (value, value.strip(), _tame(value))
    yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= _SHORTEST_ENCODED)
    if len(value) < _SHORTEST_ENCODED:
        return
    data = value.encode("utf-8", "surrogatepass")
    for safe in ("", "/"):
        yield from _cases(quote(data, safe=safe))
        yield from _cases(quote_plus(data, safe=safe))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1])
    yield from (html.escape(value), html.escape(value, quote=False))
    for core in _base64_of(data):
        yield from (core, core.replace("+", "-").replace("/", "_"))


def _cases(quoted: str) -> Iterator[str]:
    yield quoted
    yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), quoted)


def _base64_of(data: bytes) -> Iterator[str]:
    """The value encoded alone, and the part of it that stays the same wherever it stands in an encoded text."""
    yield base64.b64encode(data).decode()
    for before in range(3):
        whole = (before + len(data)) * 4 // 3
        yield base64.b64encode(bytes(before) + data).decode()[(before * 4 + 2) // 3 : whole]


def _found(text: str, forms: Iterable[str]) -> Iterator[tuple[int, int]]:
    for form in forms:
        at = text.find(form)
        while at >= 0:
            yield at, at + len(form)
            at = text.find(form, at + 1)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping secrets hide together, so that no end of one sticks out from under the other."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _masked(text: str, spans: list[tuple[int, int]]) -> str:
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], MASK]
        at = end
    return "".join([*parts, text[at:]])


def _keep_lead(match: re.Match[str]) -> str:
    return (match["lead"] if "lead" in match.re.groupindex else "") + MASK


# Each pattern starts at a fixed word and every repetition that may fail is bounded, so the time stays linear.
# `lead` is what is kept; the rest of the match is replaced.
_NAME = (
    r"(?:passw(?:or)?d|passphrase|(?<=[A-Za-z0-9_-])pwd|secret(?:[_-]?(?:access[_-]?)?key)?|token|credentials?|"
    r"(?:api|private|access|account|encryption|signing)[_-]?key)"
)
# What follows `token:` in plain messages about a secret that is not there; those must stay readable.
_PROSE = (
    r"(?:is|was|are|has|must|not|no|none|null|true|false|missing|required|field|found|using|unable|could|cannot|failed|"
    r"error|invalid|expired|empty|unset|undefined|expected|unexpected|unknown|denied|to|for|from|in|of|the|a|an|str|int|"
    r"string|\$\w{1,64})(?:[\s.,;:)\]}]|$)"
)
_QUOTE = r"(?:\\{0,3}[\"'])?"
_IS = rf"{_QUOTE}\s{{0,4}}(?:=>|[:=])\s{{0,4}}{_QUOTE}"
_VALUE = (
    r"(?:(?<=\\[\"'])[^\"'\\]+|(?<=[^\\]\")(?:[^\"\\]|\\[\s\S])+|(?<=[^\\]')(?:[^'\\]|\\[\s\S])+|"
    rf"(?<![\"'])(?![\[\]{{}}]|{_PROSE})(?:[^\s\"',;&<>()\\]|\\(?![\"']))+)"
)
_SCHEME = r"(?:(?:basic|bearer|digest|token|negotiate|apikey|aws4-hmac-sha256)\s{1,4})?"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        # private keys: the block, as far as it is there, and lines of a block that came one by one
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[^-]|-(?!----))*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?",
        r"(?m)^(?=[0-9+/]{0,63}[A-Z])(?=[0-9A-Z+/]{0,63}[a-z])[A-Za-z0-9+/]{64}$",
        # tokens that are known by their shape
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
        r"xox[abeoprs]-[A-Za-z0-9-]{10,}",
        r"(?P<lead>hooks\.slack\.com/[a-z]{1,20}/)[A-Za-z0-9/]{8,}",
        r"(?:gh[oprsu]_[A-Za-z0-9]|github_pat_[A-Za-z0-9_]|glpat-[A-Za-z0-9_-])[A-Za-z0-9_-]{15,}",
        r"(?<![A-Za-z0-9])A(?:KI|SI)A[A-Z0-9]{16}(?![A-Za-z0-9])",
        r"(?:FwoG|IQoJ|FQoG)[A-Za-z0-9/+=]{60,}",
        r"(?i)(?P<lead>secret[ _-]?(?:access[ _-]?)?key\W{0,5})(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])",
        # headers, addresses, and names with values
        rf"(?i)(?P<lead>authorization{_IS}{_SCHEME})(?:credential=[^\"'\r\n]+|[^\s\"',]+)",
        r"(?i)(?P<lead>\bbearer\s{1,4})[A-Za-z0-9._~+/=-]{16,}",
        r"(?P<lead>://[^/\s:@\"']{0,128}:)[^/\s]{1,256}(?=@)",
        r"(?i)(?P<lead>[?&](?:x-amz-(?:signature|security-token|credential)|sig|signature|access_token)=)[^&\s\"'<>]+",
        rf"(?i)(?P<lead>(?<!\d{{12}}:){_NAME}{_IS}){_VALUE}",
    )
)

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor movements
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # titles, links, device strings
    r"|\x1b[ -/]*[0-~]"
)
_SPACES = re.compile(r"[\t-\r\x85\u2028\u2029]")
# control characters; marks that reverse or hide text
_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f]"
)
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def _tame(text: str) -> str:
    text = _UNSEEN.sub("", _SPACES.sub(" ", _ESCAPES.sub("", text)))
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text).rstrip()


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    kept = limit - len(f"… [+{len(text)} characters]")
    return f"{text[:kept]}… [+{len(text) - kept} characters]" if kept > 0 else text[:limit].rstrip()
