"""The dry run: what would be sent, as files; one for each notice, one for each issue."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from recloser.notify.channels.issue_text import body, comment, cycle_line, title
from recloser.notify.errors import Postponed
from recloser.notify.words import plain
from recloser.report.markdown import fence
from recloser.values import Purpose, Receipt

if TYPE_CHECKING:
    from pathlib import Path

    from recloser.notify.clock import Clock
    from recloser.store import Claim


@dataclass(frozen=True)
class Folder:
    """Notices as files, named so that they sort by time; the same one again is the same file."""

    folder: Path
    secrets: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where they are."""
        return "folder:notices"

    def send(self, claim: Claim, clock: Clock) -> Receipt:  # noqa: ARG002 - a receiver may need the time
        """Write it as Markdown and as JSON."""
        delivery = claim.delivery
        name = f"{delivery.notice.at:%Y%m%d-%H%M%S}-{delivery.notice.purpose}-{_short(delivery.key)}"
        text = self.folder / f"{name}.md"
        _write(self.folder / f"{name}.json", delivery.notice.model_dump_json(indent=2))
        _write(text, f"{fence(plain(delivery.notice))}\n")
        return Receipt(text=f"written to {text.name}")


@dataclass(frozen=True)
class FolderTracker:
    """Issues as files: the JSON is kept, the Markdown is made of it."""

    folder: Path
    secrets: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where they are."""
        return "folder:issues"

    def send(self, claim: Claim, clock: Clock) -> Receipt:  # noqa: ARG002 - a receiver may need the time
        """Open, comment, reopen or close the file of a fingerprint; the same night again changes nothing."""
        notice, fingerprint = claim.delivery.notice, claim.delivery.thread
        file = self.folder / f"issue-{_short(fingerprint)}.json"
        issue = _read(file) or {"title": title(notice), "body": body(notice), "comments": {}}
        is_green = notice.purpose is Purpose.ISSUE_GREEN
        did = "opened" if "state" not in issue else "closed" if is_green else "commented"
        if did != "opened":
            issue["comments"][cycle_line(notice)] = comment(notice)
        issue["state"] = "closed" if is_green else "open"
        _write(file, json.dumps(issue, indent=2))
        _write(file.with_suffix(".md"), _markdown(issue))
        return Receipt(text=f"{did} {file.stem}", reference=file.stem, open=not is_green)


def _markdown(issue: dict[str, Any]) -> str:
    head = f"{fence(issue['title'])}\n\nstate: {issue['state']}\n\n{issue['body']}"
    return "\n\n---\n\n".join([head, *issue["comments"].values()]) + "\n"


def _short(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:16]


def _read(file: Path) -> dict[str, Any] | None:
    try:
        read: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Postponed(f"{file} cannot be read: {error}") from None
    return read


def _write(file: Path, text: str) -> None:
    """Whole or not at all."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.getpid()}.part")
        draft.write_text(text, encoding="utf-8", errors="replace")
        draft.replace(file)
    except OSError as error:
        raise Postponed(f"{file} cannot be written: {error.strerror}") from None
