"""A failure's text without what changes from run to run, so that equal failures read equal.

Every pattern takes linear time on hostile text: its repetitions are possessive or bounded, and it starts only where the
character before shows that no longer match began earlier.
"""

import re


def mask(text: str) -> str:
    """The text with a word in place of each time, identifier, address, path, encoded run and number.

    The entries of what looks like a dictionary or a set are sorted, because their order is no part of a failure.
    """
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return _SPACES.sub(" ", _sorted_braces(text)).strip()


def _path(match: re.Match[str]) -> str:
    """Nothing of a temporary path says anything; of another one the last name does."""
    *folders, name = re.split(r"[\\/]+", match[0].rstrip("\\/"))
    return "<tmp>" if any(map(_TEMPORARY.match, folders)) else f"<path>/{name}"


def _hexadecimal(match: re.Match[str]) -> str:
    """Of one case with a digit and a letter; else it is a number or a word."""
    run = match[0]
    letters = run.translate(_NO_DIGITS)
    mixed = letters and letters != run and (letters.islower() or letters.isupper())
    return "<hex>" if mixed else run


def _encoded(match: re.Match[str]) -> str:
    """A long run of letters and digits is an encoding where all three kinds are mixed in it, else a name."""
    run = match[0]
    mixed = run != run.lower() and run != run.upper() and sum(map(str.isdigit, run[:100])) > 1
    return "<encoded>" if mixed or run.endswith("=") else run


def _sorted_braces(text: str) -> str:
    """The innermost braces with their entries in order, then those around them, a few levels deep."""
    for _ in range(_DEPTH):
        ordered = _BRACES.sub(lambda match: f"\x02{', '.join(sorted(match[1].split(', ')))}\x03", text)
        if ordered == text:
            break
        text = ordered
    return text.translate(_BACK)


_DEPTH = 4
_TEMPORARY = re.compile(r"\.?te?mp(?!late)|pytest-of-|folders$", re.IGNORECASE)
_BRACES = re.compile(r"\{([^{}]*+)\}")
_BACK = str.maketrans("\x02\x03", "{}")
_NO_DIGITS = str.maketrans("", "", "0123456789")
_SPACES = re.compile(r"[^\S\n]++")

_NAME = r"[\w.@%+=~$#-]++"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d)?+(?:[.,]\d{1,9})?+(?: ?[AP]M\b)?+(?: ?(?:Z\b|UTC\b|GMT\b|[+-]\d\d:?\d\d))?+"

# In the order of the reference (test-intelligence, 2.5): a later mask must not break up what an earlier one stands for.
_MASKS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # escapes of a terminal
        (r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?", ""),
        (r"\x1b\][^\x07\x1b\n]*+(?:\x07|\x1b\\)?|\x1b[ -/]{0,3}[0-~]?|[\x02\x03]", ""),
        # times
        (rf"(?<![\w.-])\d{{4}}([-/.])\d{{1,2}}\1\d{{1,2}}(?:[T _]{_CLOCK})?+", "<time>"),
        (rf"\b(?:\d{{1,2}} {_MONTH}|{_MONTH} {{1,2}}\d{{1,2}})\b(?:,? \d{{4}})?+(?:,? {_CLOCK})?+", "<time>"),
        (rf"(?<![\w.:]){_CLOCK}(?![\w:])", "<time>"),
        # identifiers; addresses of memory, of hosts
        (r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![0-9A-Za-z])", "<uuid>"),
        (r"(?<![0-9A-Za-z])0[xX][0-9A-Fa-f]++", "<address>"),
        (r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)(?::\d{1,5})?+", "<host>"),
        (r"\[(?=[^\]\s]{0,40}:)[0-9A-Fa-f:.%]{2,45}\](?::\d{1,5})?+", "<host>"),
        # paths, and what pytest and tempfile call theirs
        (rf"(?<![\w.~/\\])(?:file://)?(?:/{_NAME}){{2,}}+/?", _path),
        (rf"(?<![\w\\])[A-Za-z]:(?:[\\/]{{1,2}}{_NAME})++[\\/]?", _path),
        (r"(?<!\w)pytest-of-[\w.-]++(?:/[\w.-]++)*+|(?<!\w)pytest-\d++(?:/[\w.-]++)*+", "<tmp>"),
        (r"(?<!\w)tmp[a-z0-9_]{8}(?!\w)", "<tmp>"),
        # encoded runs
        (r"(?<![0-9A-Za-z.])[0-9A-Fa-f]{7,}+(?![0-9A-Za-z]|(?<=[0-9][eE])[-+][0-9])", _hexadecimal),
        (r"(?<![0-9A-Za-z+/])[0-9A-Za-z+/]{24,}+={0,2}", _encoded),
        # numbers, and lists of them
        (r"(?<![A-Za-z_\d])[-+]?\d++(?:[.,_]\d++)*+(?:[eE][-+]?\d++)?+", "<n>"),
        (r"<n>(?:(?:, ?|\s{1,4})<n>)++", "<n>"),
    )
)
