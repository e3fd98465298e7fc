"""How one service is brought to run on this machine, and how it is asked: everything but when.

It may be used by one thread only.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recloser.processes import Identity, identity, is_alive
from recloser.redaction import Redactor, shown
from recloser.services import environment, postgresql
from recloser.services.errors import NotStartedError
from recloser.services.group import Group, Launch
from recloser.services.logs import ServiceLog
from recloser.services.ports import free_port, listeners, listens, reachable
from recloser.services.question import Question
from recloser.services.records import MARK, ServiceRecord, declaration_of, end_members, sweep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recloser.services.probe import Answer
    from recloser.services.records import Records
    from recloser.target import Service


@dataclass(frozen=True, slots=True)
class Site:
    """Where the services of one run live."""

    folder: Path
    """Of the target; commands run there."""
    records: Records
    log_dir: Path
    python: str
    ambient: Mapping[str, str]
    """Our environment."""


class Launcher:
    """Brings one service to run."""

    def __init__(self, name: str, service: Service, site: Site, urls: Mapping[str, str]) -> None:
        """Prepare; nothing is started.

        Args:
            name: What the service is called.
            service: Its declaration.
            site: Where it lives.
            urls: Of the services it needs, by the variable each is told in.

        Raises:
            NotStartedError: Its log cannot be written.
        """
        self._name, self._service, self._site = name, service, site
        self._mark = site.records.mark(name)
        self._environment = environment.of_service(service, urls, site.ambient) | {MARK: self._mark}
        self._password = secrets.token_hex(16)
        hidden = environment.secrets(service, urls.values(), site.ambient)
        self._redact = Redactor((*hidden, self._password))
        self._port = service.port
        self._question = Question(service, self._command)
        self._folder: Path | None = None
        self._launch: Launch | None = None
        self._noted = False
        try:
            self.log = ServiceLog(site.log_dir / f"{name}.log", self._redact)
        except OSError as error:
            raise NotStartedError(f"its log cannot be written: {error}") from error

    @property
    def interval_s(self) -> float:
        """From one question to the next."""
        return self._question.interval_s

    @property
    def url(self) -> str:
        """Where its users find it; empty where it has no address."""
        if self._port is None:
            return ""
        if self._service.postgresql:
            return postgresql.url(self._port, self._password)
        return f"http://{reachable(self._service.host)}:{self._port}"

    def told(self, text: str) -> str:
        """Words that may come from anybody, fit to be shown."""
        return shown(text, self._redact, limit=600)

    def running(self) -> ServiceRecord | None:
        """The service where another living process of ours runs it; what a dead one left is ended first.

        Raises:
            NotStartedError: Another declaration of it runs, or what was left cannot be ended.
        """
        sweep(self._site.records, self._name)
        record = self._site.records.read(self._name)
        if record is None:
            return None
        if record.declaration != self._declaration:
            raise NotStartedError(
                f"process {record.supervisor.pid} runs it as it was declared otherwise: end that process first"
            )
        return record

    def adopt(self, record: ServiceRecord) -> bool:
        """Whether the recorded service is what listens there and answers; its address is taken over then."""
        if not is_alive(record.leader) or record.listener is None:
            return False
        self._port = record.port
        with contextlib.suppress(OSError):
            if record.folder is not None:
                self._password = postgresql.password_in(Path(record.folder))
        if record.port is not None:
            found = [listener.identity for listener in listeners(self._service.host, record.port)]
            # where the system tells of nobody who listens, it has to do that the leader lives
            if record.listener not in found and any(found):
                return False
        return self._service.test == "none" or self.ask().up

    def prepare(self) -> None:
        """Make what it needs to be started: of a PostgreSQL, the cluster.

        Raises:
            NotStartedError: That cannot be made.
        """
        if self._service.postgresql:
            self._port = self._service.port or free_port()
            place = self._site.records.root / f"{self._name}.data"
            cluster = postgresql.make_cluster(place, self._port, self._password, self._environment)
            self._launch, self._folder = cluster.launch, cluster.folder
        else:
            self._launch = self._command(self._service.command)

    def start(self) -> Group:
        """Start it; recorded before anybody is told.

        Raises:
            NotStartedError: A stranger has its port, its command cannot be run, or that cannot be recorded.
        """
        self._refuse_strangers()
        if self._launch is None:
            raise NotStartedError("it was not prepared")
        group = Group(self._launch, self.log.take)
        try:
            self._note(group, None)
        except OSError as error:
            group.end(0)
            raise NotStartedError(f"it cannot be recorded in {self._site.records.root}: {error.strerror}") from error
        return group

    def answers(self, group: Group) -> None:
        """It is up: note who listens, so that it can be told from strangers."""
        listener = None if self._port is None else listens(group.leader, self._service.host, self._port)
        with contextlib.suppress(OSError):  # then nobody adopts it, which harms nothing
            self._note(group, listener or group.leader)

    def end(self, group: Group, grace_s: float) -> None:
        """End one start of it, and what its guardian could not see to because it was killed.

        Args:
            group: That start; may have ended.
            grace_s: How long it may take to end by itself.
        """
        group.hear()
        if group.is_unguarded:
            end_members(self._recorded(group, None), self._mark)
        group.end(grace_s)
        self.log.end()

    def ask(self) -> Answer:
        """Ask once whether it is up."""
        return self._question.ask(self._port)

    def clean(self) -> None:
        """Forget what was started here; it is gone."""
        if self._noted:
            self._site.records.forget(self._name)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _declaration(self) -> str:
        return declaration_of(self._service, self._site.folder)

    def _command(self, words: tuple[str, ...]) -> Launch:
        told = (word.replace("{python}", self._site.python) for word in words)
        command = tuple(environment.with_port(word, self._service) for word in told)
        return Launch(command, self._site.folder, self._environment)

    def _refuse_strangers(self) -> None:
        if self._port is None:
            return
        found = listeners(self._service.host, self._port)
        if found:
            who = ", ".join(listener.described(self._redact) for listener in found)
            raise NotStartedError(f"port {self._port} is taken by a stranger, {who}: end it, or declare another port")

    def _note(self, group: Group, listener: Identity | None) -> None:
        self._site.records.write(self._name, self._recorded(group, listener))
        self._noted = True

    def _recorded(self, group: Group, listener: Identity | None) -> ServiceRecord:
        return ServiceRecord(
            declaration=self._declaration,
            supervisor=identity(os.getpid()) or Identity(os.getpid(), 0),
            guardian=group.guardian,
            leader=group.leader,
            listener=listener,
            port=self._port,
            folder=None if self._folder is None else str(self._folder),
        )
