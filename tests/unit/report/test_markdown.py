"""Hostile text, read by an independent Markdown parser, is text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recloser.report.markdown import EMPTY, Markdown, cell_code, code_span, escape_inline, fence, table_row, visible
from tests.unit.report.parsed import ATTACKS, PARSER, inlines, row_widths

WORD_JOINER = "\N{WORD JOINER}"
hostile = st.lists(st.sampled_from(ATTACKS) | st.text(max_size=6), min_size=1, max_size=5).map("".join)
anything = hostile | st.text(st.characters(exclude_categories=()), max_size=40)
CONTEXTS = ["{}", "- {}", "1. {}", "# {}", "text {}", "> {}"]


def shown(text: str) -> str:
    """How a line of prose should read."""
    return visible(" ".join(text.split()))


def read(tokens: list[object]) -> str:
    """How a line does read, without what has no width."""
    return "".join(token.content for token in tokens).replace(WORD_JOINER, "")  # type: ignore[attr-defined]


class TestInline:
    """Prose."""

    @given(anything, st.sampled_from(CONTEXTS))
    def test_is_one_text_wherever_it_stands(self, text: str, context: str) -> None:
        """Prose from outside is read as one text with the words it has, and as no markup."""
        lines = inlines(context.format(escape_inline(f"x{text}")))
        assert [[token.type for token in line] for line in lines] == [["text"]]
        assert read(lines[0]).removeprefix("text ") == shown(f"x{text}")

    @given(anything, st.sampled_from(CONTEXTS))
    def test_starts_no_block(self, text: str, context: str) -> None:
        """Prose at the start of a line opens no list, heading, quote, rule or code block."""
        wanted = [token.type for token in PARSER.parse(context.format("x"))]
        if shown(text):
            assert [token.type for token in PARSER.parse(context.format(escape_inline(text)))] == wanted

    @given(anything)
    def test_holds_nothing_a_reader_would_turn_into_a_link(self, text: str) -> None:
        """Addresses and mentions are parted, for readers that look for them in text."""
        line = escape_inline(text)
        assert not re.search(r"(?i)(https?|ftp)://|\bwww\.|(?<!\w)@\w|\w@[\w-]+\.\w", line)
        assert not re.search(r"[<>\n\r]", line)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Essential container in task exited", "Essential container in task exited"),
            ("set SOLVER_THREADS on i-1", "set SOLVER_THREADS on i-1"),
            ("pin optimo@sha256:ab12, see s3://b/k", "pin optimo@sha256:ab12, see s3://b/k"),
            ("a\n  b\tc ", "a b c"),
            ("<b>&", "&lt;b&gt;&amp;"),
            ("1. one", "1\\. one"),
            ("-x", "\\-x"),
            ("\x1b[2J", "␛\\[2J"),
        ],
    )
    def test_stays_readable_as_it_is(self, text: str, expected: str) -> None:
        """Plain text and names are left alone, so that the raw file reads well too."""
        assert escape_inline(text) == expected


class TestCodeSpan:
    """Names to copy."""

    @given(anything, st.sampled_from(CONTEXTS))
    def test_is_one_code_wherever_it_stands(self, text: str, context: str) -> None:
        """A name is read as code with exactly its characters, whatever backticks it holds."""
        lines = inlines(context.format(code_span(f"x{text}")))
        assert [[token.type for token in line if token.content != "text "] for line in lines] == [["code_inline"]]
        assert lines[0][-1].content == re.sub(r"[\n\t]", " ", visible(f"x{text}"))

    @given(st.text("` ", min_size=1, max_size=8))
    def test_keeps_spaces_and_backticks_at_its_ends(self, text: str) -> None:
        """What Markdown would strip is kept."""
        line = inlines(code_span(text))[0]
        assert [token.content for token in line] == [text if text.strip() else EMPTY]

    def test_of_nothing_says_so(self) -> None:
        """There is no empty code in Markdown."""
        assert code_span(" \n") == EMPTY


class TestTable:
    """Cells."""

    @given(st.lists(st.tuples(anything, anything), max_size=3))
    def test_keeps_its_columns(self, texts: list[tuple[str, str]]) -> None:
        """No text from outside adds a column, a row, or a link."""
        rows = [table_row([escape_inline(prose), cell_code(name)]) for prose, name in texts]
        table = "\n".join(["| a | b |", "| --- | --- |", *rows])
        assert row_widths(table) == [2] * (len(texts) + 1)
        kinds = {token.type for line in inlines(table)[2:] for token in line}
        assert kinds <= {"text", "code_inline"}
        assert [read(line) for line in inlines(table)[2::2]] == [shown(prose) for prose, _ in texts]

    @pytest.mark.parametrize("text", ["a|b", "a\\|b", "a\\\\|b", "|", "`|`"])
    def test_shows_a_pipe_as_a_pipe(self, text: str) -> None:
        """A name with a pipe reads as it is, however many backslashes stand before it."""
        table = f"| a |\n| --- |\n{table_row([cell_code(text)])}"
        assert read(inlines(table)[1]) == text


class TestFence:
    """Logs and diffs."""

    @given(anything)
    def test_is_one_block_with_its_lines(self, text: str) -> None:
        """A log or diff is read as one block of code that holds its lines, and no more."""
        tokens = PARSER.parse(f"before\n\n{fence(f'x{text}', 'diff')}\n\nafter")
        paragraph = ["paragraph_open", "inline", "paragraph_close"]
        assert [token.type for token in tokens] == [*paragraph, "fence", *paragraph]
        assert tokens[3].info == "diff"
        assert tokens[3].content == visible(f"x{text}").rstrip("\n") + "\n"

    def test_of_nothing_says_so(self) -> None:
        """An empty log is no empty box."""
        assert fence("\n") == EMPTY


class TestVisible:
    """Characters that are not meant to be seen."""

    @given(anything)
    def test_leaves_nothing_that_steers(self, text: str) -> None:
        """No control, no direction mark and no half character is left; any file can hold the rest."""
        result = visible(text)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", result)
        assert result.encode("utf-8").decode("utf-8") == result

    def test_counts_one_character_for_one(self) -> None:
        """What is replaced still shows that something was there."""
        assert visible("a\x1b[0m\u202eb\x9b\ud800\r\nc\rd") == "a␛[0m\N{REPLACEMENT CHARACTER}b" + (
            "\N{REPLACEMENT CHARACTER}" * 2 + "\nc\nd"
        )


def test_markdown_is_text_that_jinja_leaves_alone() -> None:
    """Safe text says so in the way Jinja asks for."""
    assert Markdown("<b>").__html__() == "<b>"
