"""The commands that talk to a running stack: what they send, what they print, how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from typer.testing import CliRunner, Result

from kefu.cli import calling, deadletters, publishing, rejecting
from kefu.cli.app import app
from kefu.cli.publishing import example_event
from kefu.secrets import Secrets, prepare
from services.intake.handlers.reading import ContactReader
from services.intake.rulebook import load_rulebooks
from shared.clock import SystemClock
from shared.errors import (
    Conflict,
    DeadlineExceeded,
    KefuError,
    NotFound,
    Problem,
    RuleRefused,
    Unavailable,
    ValidationFailed,
)
from shared.identity import Caller, TokenVerifier, key_source
from shared.messaging.dead_letters import DeadLetter, Replayed
from shared.messaging.publisher import Fate, Outgoing

ROOT = Path(__file__).parents[3]


class Service:
    """Stands in for the RPC client; remembers every call and gives the answer prepared, or raises it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}

    def __call__(self, *_: object, **__: object) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def call(self, method: str, /, **arguments: Any) -> Any:
        self.calls.append((method, arguments))
        answer = self.answers.get(method, {})
        if callable(answer):
            answer = answer(**arguments)
        if isinstance(answer, KefuError):
            raise answer
        return answer


class Bus:
    """Stands in for the publisher; every message meets the fate set."""

    def __init__(self) -> None:
        self.url = ""
        self.sent: list[Outgoing] = []
        self.fate = Fate.CONFIRMED

    def __call__(self, url: str) -> Self:
        self.url = url
        return self

    def publish(self, batch: Sequence[Outgoing]) -> list[Fate]:
        self.sent += batch
        return [self.fate for _ in batch]

    def close(self) -> None:
        return


class Letters:
    """Stands in for the dead-letter queues."""

    def __init__(self, letters: dict[str, list[DeadLetter]]) -> None:
        self.letters = letters
        self.replayed: list[tuple[str, int]] = []
        self.result = Replayed(1, 0)

    def __call__(self, _url: str) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def depth(self, queue: str) -> int:
        if queue not in self.letters:
            raise NotFound("no such queue")
        return len(self.letters[queue])

    def peek(self, queue: str, limit: int) -> list[DeadLetter]:
        return self.letters[queue][:limit]

    def replay(self, queue: str, limit: int) -> Replayed:
        self.replayed.append((queue, limit))
        return self.result


@pytest.fixture(autouse=True)
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Secrets:
    made = prepare(tmp_path / "secrets")
    monkeypatch.setenv("KEFU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KEFU_BROKER_URL", "pyamqp://operator:pw@broker.invalid/kefu")
    monkeypatch.setenv("KEFU_SECRETS_DIR", str(made.directory))
    monkeypatch.delenv("KEFU_TOKEN", raising=False)
    return made


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    stand_in = Service()
    monkeypatch.setattr(calling, "RpcClient", stand_in)
    monkeypatch.setattr(rejecting, "RpcClient", stand_in)
    return stand_in


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Bus:
    stand_in = Bus()
    monkeypatch.setattr(publishing, "PipelinedPublisher", stand_in)
    return stand_in


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    letter = DeadLetter(
        "Undecodable: [no] JSON", 1, "pub-hotline", "contact.received", "text/plain", b"13800000001"
    )
    stand_in = Letters({"dlq.evt-external--intake": [letter, letter]})
    monkeypatch.setattr(deadletters, "DeadLetters", stand_in)
    return stand_in


def kefu(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=stdin)


def caller_of(token: str, secrets: Secrets) -> Caller:
    return TokenVerifier(key_source(file=secrets.jwks_file, url=None), SystemClock()).verify(token)


def orgs_of(service: Service, secrets: Secrets) -> Iterator[str]:
    return (caller_of(arguments["token"], secrets).org for _, arguments in service.calls)


def test_an_answer_is_printed_as_json(service: Service) -> None:
    """Scripts read it; Chinese stays Chinese."""
    service.answers["intake.get_contact"] = {"text": "电梯坏了"}
    result = kefu("rpc", "intake.get_contact", '{"id": "ct_1"}', "--org", "plaza-demo")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"text": "电梯坏了"}
    assert "电梯坏了" in result.stdout
    method, arguments = service.calls[0]
    assert (method, arguments["id"]) == ("intake.get_contact", "ct_1")


def test_every_command_gets_a_key_of_its_own_unless_one_is_given(service: Service) -> None:
    """Two calls are two commands; a call repeated by hand with its key is one."""
    for extra in ((), (), ("--key", "mine")):
        kefu("rpc", "complaints.reply", "{}", "--org", "plaza-demo", *extra)
    keys = [arguments["idempotency_key"] for _, arguments in service.calls]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"


def test_a_call_is_made_for_the_organisation_and_roles_named(service: Service, secrets: Secrets) -> None:
    """Whoever asks for a role gets that and no other."""
    kefu("rpc", "intake.list_rejected", "--org", "shop-demo", "--role", "supervisor", "--role", "system")
    caller = caller_of(service.calls[0][1]["token"], secrets)
    assert caller.org == "shop-demo"
    assert caller.roles == {"supervisor", "system"}


def test_a_token_brought_along_is_used_as_it_is(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment with its own login gives out tokens; the option goes before the environment."""
    monkeypatch.setenv("KEFU_TOKEN", "from-environment")
    kefu("rpc", "intake.count_contacts")
    kefu("rpc", "intake.count_contacts", "--token", "from-option")
    assert [arguments["token"] for _, arguments in service.calls] == ["from-environment", "from-option"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("rpc", "count_contacts", "--org", "plaza-demo"),
        ("rpc", "intake.count_contacts", "{", "--org", "plaza-demo"),
        ("rpc", "intake.count_contacts", "[]", "--org", "plaza-demo"),
        ("rpc", "intake.count_contacts", '{"token": "x"}', "--org", "plaza-demo"),
        ("rpc", "intake.count_contacts"),
        ("rpc", "intake.count_contacts", "--unknown"),
        ("publish",),
        ("publish", "/nowhere/at/all.json"),
        ("nonsense",),
    ],
)
def test_wrong_usage_ends_with_two_and_calls_nobody(
    arguments: tuple[str, ...], service: Service, bus: Bus
) -> None:
    """A script can tell its own mistake from a refusal."""
    result = kefu(*arguments)
    assert result.exit_code == 2
    assert result.stderr
    assert not result.stdout
    assert not service.calls
    assert not bus.sent


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("no such case"), 1),
        (Conflict("changed meanwhile"), 1),
        (RuleRefused("not yet", rule="B-JKC-52"), 1),
        (DeadlineExceeded("no answer"), 3),
        (Unavailable("the broker is away"), 3),
    ],
)
def test_refusals_and_absences_have_codes_of_their_own(service: Service, error: KefuError, code: int) -> None:
    """A script can tell 'no' from 'nobody there'."""
    service.answers["complaints.close_case"] = error
    result = kefu("rpc", "complaints.close_case", '{"id": "cs_1"}', "--org", "plaza-demo")
    assert result.exit_code == code
    assert error.message in result.stderr
    assert not result.stdout


def test_an_error_names_every_field_and_the_rule(service: Service) -> None:
    """Whoever can mend it reads what to mend; brackets are shown as they are."""
    problems = (Problem("text", "must not be [blank]"), Problem("round", "is missing"))
    service.answers["complaints.reply"] = ValidationFailed("wrong", problems=problems, rule="B-JKC-61")
    result = kefu("rpc", "complaints.reply", "{}", "--org", "plaza-demo")
    assert "text: must not be [blank]" in result.stderr
    assert "round: is missing" in result.stderr
    assert "B-JKC-61" in result.stderr


def test_a_token_says_who_for_whom_and_how_long(secrets: Secrets) -> None:
    """It is signed with the stack's own key and runs out."""
    result = kefu("token", "--org", "it-demo", "--role", "staff", "--subject", "stf_1", "--hours", "2")
    caller = caller_of(result.stdout.strip(), secrets)
    assert (caller.subject, caller.org) == ("stf_1", "it-demo")
    assert caller.roles == {"staff"}
    assert kefu("token", "--org", "it-demo", "--role", "staff", "--hours", "0").exit_code == 2


def test_the_example_event_is_one_that_intake_takes() -> None:
    """The first event a newcomer publishes must work, today and at any hour."""
    now = datetime.now(UTC)
    reader = ContactReader(load_rulebooks(ROOT / "organisations"), timedelta(minutes=5))
    body = json.dumps(example_event(now)).encode()
    reading = reader.read(body, "application/cloudevents+json", "contact.received", "pub-hotline", now)
    assert reading.intent.category == "complaint"


def test_an_event_goes_out_under_its_publishers_own_user(bus: Bus, secrets: Secrets) -> None:
    """The broker vouches for the user, so it must be the one that connects."""
    event = json.dumps(example_event(datetime.now(UTC)), indent=2)
    result = kefu("publish", "-", "--publisher", "crm", stdin=event)
    assert result.exit_code == 0
    assert "confirmed" in result.stdout
    assert bus.url.startswith("pyamqp://pub-crm:")
    (sent,) = bus.sent
    assert (sent.exchange, sent.routing_key, sent.user_id) == (
        "external.events",
        "contact.received",
        "pub-crm",
    )
    assert json.loads(sent.body) == json.loads(event)


def test_every_line_is_an_event(bus: Bus, tmp_path: Path) -> None:
    """A file of JSON lines is published in order; --type is the routing key of all."""
    path = tmp_path / "events.jsonl"
    path.write_text('{"id": "a", "type": "x"}\n\n{"id": "b", "type": "y"}\n', encoding="utf-8")
    result = kefu("publish", str(path))
    assert [message.routing_key for message in bus.sent] == ["x", "y"]
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["a", "b"]
    kefu("publish", str(path), "--type", "z")
    assert [message.routing_key for message in bus.sent[2:]] == ["z", "z"]
    assert len({message.message_id for message in bus.sent[:2]}) == 2


@pytest.mark.parametrize("text", ['{"id": "a"}\nnonsense', '"text"', "[1]", '{"id": "a"}\n[]', " "])
def test_nothing_is_published_of_a_file_with_a_bad_line(bus: Bus, text: str) -> None:
    """Half a file would have to be sorted out by hand."""
    result = kefu("publish", "-", stdin=text)
    assert result.exit_code == 2
    assert not bus.sent


@pytest.mark.parametrize("fate", [Fate.RETURNED, Fate.REFUSED])
def test_a_message_the_broker_did_not_take_ends_with_one(bus: Bus, fate: Fate) -> None:
    """A script notices; the words say what to look at."""
    bus.fate = fate
    result = kefu("publish", "-", stdin='{"id": "a", "type": "x"}')
    assert result.exit_code == 1
    assert fate.value in result.stdout


def test_an_unknown_publisher_is_told_who_there_is(bus: Bus) -> None:
    """A typing error is mended in one look."""
    result = kefu("publish", "-", "--publisher", "hotlin", stdin='{"id": "a", "type": "x"}')
    assert result.exit_code == 1
    assert "pub-hotline" in result.stderr
    assert not bus.sent


def test_dead_letters_are_shown_without_what_they_hold(letters: Letters) -> None:
    """A body may hold a phone number; it is shown only to whoever asks for it."""
    result = kefu("dlq", "show", "evt-external--intake")
    assert result.exit_code == 0
    assert "Undecodable: [no] JSON" in result.stdout
    assert "13800000001" not in result.stdout
    assert "13800000001" in kefu("dlq", "show", "evt-external--intake", "--body").stdout


def test_every_dead_letter_queue_is_listed(letters: Letters) -> None:
    """The queues are those of the services' entry points; one the broker lacks is told and ends nothing."""
    result = kefu("dlq", "list")
    rows = dict(line.split(None, 1) for line in result.stdout.splitlines() if line.strip().startswith("dlq."))
    counts = {queue: count.strip() for queue, count in rows.items()}
    assert counts["dlq.evt-external--intake"] == "2"
    assert counts["dlq.evt-followup--complaints"] == "not declared"


def test_a_replay_names_how_many_went_back(letters: Letters) -> None:
    """The name works with and without its prefix; what stayed is an error."""
    assert kefu("dlq", "replay", "evt-external--intake", "--limit", "1").exit_code == 0
    letters.result = Replayed(0, 1)
    result = kefu("dlq", "replay", "dlq.evt-external--intake")
    assert result.exit_code == 1
    assert "1 stayed" in result.stdout
    assert [queue for queue, _ in letters.replayed] == ["dlq.evt-external--intake"] * 2
    assert letters.replayed[0][1] == 1


REJECTED = {
    "rejected_id": "rj_1",
    "event_id": "e[1]",
    "event_type": "contact.received",
    "publisher": "hotline",
    "rejected_at": "2026-11-23T01:00:00.000Z",
    "size": 12,
    "reasons": [{"field": "data.text", "reason": "is missing"}],
    "contract": "urn:kefu:contact.received:1",
}


def test_rejected_events_of_all_organisations_are_listed(service: Service, secrets: Secrets) -> None:
    """Also those that belong to none, which nobody would look for."""
    service.answers["intake.list_rejected"] = [REJECTED]
    result = kefu("rejected", "list")
    assert set(orgs_of(service, secrets)) == {
        path.stem for path in (ROOT / "organisations").glob("*.yaml")
    } | {"-"}
    assert "e[1]" in result.stdout
    assert "data.text: is missing" in result.stdout


def test_a_rejected_event_is_found_in_whatever_organisation_keeps_it(
    service: Service, secrets: Secrets
) -> None:
    """Its id alone is enough; the right to personal data is asked for only with --body."""

    def get(*, token: str, **_: object) -> Any:
        caller = caller_of(token, secrets)
        body = {"body": "13800000001"} if "personal_data" in caller.roles else {}
        return REJECTED | body if caller.org == "shop-demo" else NotFound("not here")

    service.answers["intake.get_rejected"] = get
    result = kefu("rejected", "show", "rj_1")
    assert "shop-demo" in result.stdout
    assert "13800000001" not in result.stdout
    assert "13800000001" in kefu("rejected", "show", "rj_1", "--body").stdout
    assert kefu("rejected", "show", "rj_1", "--org", "it-demo").exit_code == 1


def test_output_to_a_file_has_no_colour(service: Service, letters: Letters) -> None:
    """Escape codes belong on terminals only."""
    service.answers["intake.count_contacts"] = NotFound("no")
    shown = kefu("dlq", "show", "evt-external--intake").stdout
    refused = kefu("rpc", "intake.count_contacts", "--org", "plaza-demo").stderr
    assert "\x1b" not in shown + refused
