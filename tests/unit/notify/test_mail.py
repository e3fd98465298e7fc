"""Mail over a server with TLS that takes, refuses, puts off and hangs up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recloser.notify.channels.mail import Mail
from recloser.values import DeliveryState
from tests.fakes.mail import HANG_UP, HANG_UP_AFTER, HOST, FakeMail
from tests.unit.notify.nights import Office, failure

TABLE = {"kind": "email", "host": HOST, "sender": "nightly@grid.example", "to": ["a@grid.example", "b@grid.example"]}


@pytest.fixture
def mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMail]:
    """A mail server whose certificate this process trusts."""
    with FakeMail(tmp_path) as fake:
        monkeypatch.setenv("SSL_CERT_FILE", str(fake.authority))
        yield fake


def way_to(fake: FakeMail, **more: Any) -> Mail:
    """The way to a server."""
    login = {"user": fake.user, "password": fake.password}
    return Mail(HOST, "nightly@grid.example", ("a@grid.example", "b@grid.example"), port=fake.port, **(login | more))


@pytest.fixture
def readers(office: Office, mail: FakeMail) -> Office:
    """A target whose alerts go to two readers."""
    office.declare(notify={"channels": {"readers": TABLE}})
    office.channels = {"readers": way_to(mail)}
    return office


def test_the_end_answers_the_beginning(readers: Office, mail: FakeMail) -> None:
    """Two messages, one thread, readable as plain text."""
    readers.night(0, failure("a", title="é fails", evidence=("E  assert 1 == 2",)))
    readers.night(1)
    first, end = mail.messages
    assert first["Subject"] == "demo: 1 new (warning)"
    assert "é fails" in first.get_content()
    assert "E  assert 1 == 2" in first.get_content()
    assert end["In-Reply-To"] == first["Message-ID"]
    (delivery, _) = readers.store.outbox.deliveries("demo")
    assert delivery.receipt == "250 2.0.0 Ok: queued as 4F2A"


@pytest.mark.parametrize("reply", ["451 4.3.0 Try again later", "421 4.7.0 Too busy", HANG_UP])
def test_what_is_put_off_is_sent_later_and_once(reply: str, readers: Office, mail: FakeMail) -> None:
    """A reply that begins with 4, or a server that hangs up with nothing taken."""
    mail.script.append(reply)
    assert readers.night(0, failure("a")).count(DeliveryState.DELIVERED) == len(mail.messages) == 1


def test_one_that_may_have_been_taken_is_repeated_under_the_same_id(readers: Office, mail: FakeMail) -> None:
    """SMTP allows no more: mailboxes that know the Message-ID show it once."""
    mail.script.append(HANG_UP_AFTER)
    readers.night(0, failure("a"))
    first, again = mail.messages
    assert first["Message-ID"] == again["Message-ID"]
    assert first.as_bytes() == again.as_bytes()


def test_what_is_refused_is_dead(readers: Office, mail: FakeMail) -> None:
    """A reply that begins with 5 is final."""
    mail.script.append("554 5.7.1 Spam")
    assert readers.night(0, failure("a")).count(DeliveryState.DEAD) == 1
    (delivery,) = readers.store.outbox.deliveries("demo")
    assert delivery.error == "the mail server says 554 5.7.1 Spam"


def test_a_reader_who_is_refused_is_named(readers: Office, mail: FakeMail) -> None:
    """The other one gets it; both refused is final or not, by the milder reply."""
    mail.refused = {"b@grid.example": "550 5.1.1 no such user"}
    readers.night(0, failure("a"))
    (delivery,) = readers.store.outbox.deliveries("demo")
    assert delivery.receipt.endswith("refused for b@grid.example")
    mail.refused["a@grid.example"] = "450 4.2.0 greylisted"
    readers.tell(1)
    assert readers.send(limit_s=1).count(DeliveryState.PENDING) == 1


def test_a_wrong_password_is_dead_and_not_shown(readers: Office, mail: FakeMail) -> None:
    """The server says so, and the row does not repeat it."""
    readers.channels = {"readers": way_to(mail, password="hunter2-hunter2")}
    readers.night(0, failure("a"))
    (delivery,) = readers.store.outbox.deliveries("demo")
    assert delivery.state is DeliveryState.DEAD
    assert "535" in delivery.error
    assert "hunter2" not in delivery.model_dump_json()


@pytest.mark.parametrize(
    ("server", "trusted", "said", "state"),
    [
        ({"offers_tls": False}, True, "does not offer what is asked for", DeliveryState.DEAD),
        ({}, False, "CERTIFICATE_VERIFY_FAILED", DeliveryState.PENDING),
        ({"implicit_tls": True}, False, "CERTIFICATE_VERIFY_FAILED", DeliveryState.PENDING),
    ],
)
def test_nothing_is_said_in_the_open(  # noqa: PLR0917 - by name
    server: dict[str, bool],
    trusted: bool,  # noqa: FBT001
    said: str,
    state: DeliveryState,
    office: Office,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server without TLS, or that nobody vouches for, gets neither password nor mail."""
    with FakeMail(tmp_path, **server) as fake:
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(fake.authority))
        office.declare(notify={"channels": {"readers": TABLE}})
        office.channels = {"readers": way_to(fake, tls="tls" if server.get("implicit_tls") else "starttls")}
        office.tell(0, failure("a"))
        office.send(limit_s=1)
        assert fake.messages == []
    (delivery,) = office.store.outbox.deliveries("demo")
    assert (delivery.state, said in delivery.error) == (state, True)


def test_tls_from_the_first_byte(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other way to encrypt, on a port of its own."""
    with FakeMail(tmp_path, implicit_tls=True) as fake:
        monkeypatch.setenv("SSL_CERT_FILE", str(fake.authority))
        office.declare(notify={"channels": {"readers": TABLE}})
        office.channels = {"readers": way_to(fake, tls="tls", user=None, password=None)}
        office.night(0, failure("a", title="two\nlines\r\nBcc: evil@example.org"))
        (message,) = fake.messages
    assert message["Bcc"] is None
