"""Personal data and the door over the real bus: a flood of rubbish, a limited publisher, an erased customer."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import amqp
import pytest
from kombu.connection import Connection

from shared.errors import RuleRefused
from tests.integration.bus import Bus, eventually
from tests.integration.ear import Ear
from tests.integration.events import as_message, enquiry

IT, PLAZA, PROPERTY = "it-demo", "plaza-demo", "property-demo"
REPOSITORY = Path(__file__).parents[2]
#: What the document's examples are run with.
PROGRAMS = {"python": [sys.executable], "javascript": [shutil.which("node") or ""]}


def example(language: str) -> str:
    """Return the example in ``language`` that docs/publishing.md gives."""
    text = (REPOSITORY / "docs" / "publishing.md").read_text(encoding="utf-8")
    (code,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(code)


def test_a_thousand_wrong_events_are_counted_beyond_the_limit_and_sound_ones_get_through(bus: Bus) -> None:
    """The list of rejected events stays readable, the publisher is told once, and nothing sound is lost."""
    wrong = [as_message(enquiry(IT, channel="pager")) for _ in range(1000)]
    sound = [enquiry(IT) for _ in range(5)]
    for number, event in enumerate(sound):
        bus.send("crm", *wrong[number * 200 : number * 200 + 200], as_message(event))
    desk = bus.desk(IT)
    for event in sound:
        desk.contact_of(event)
    rejected = bus.database("intake")["rejected_events"]

    def all_accounted_for() -> None:
        hours = [row for row in desk.ask("intake.list_throttled") if row["publisher"] == "crm"]
        kept = rejected.count_documents({"org": IT, "publisher": "crm"})
        assert kept + sum(row["over"] for row in hours) == 1000
        # Two replicas of a moment, or the turn of an hour, may keep some more than the limit.
        assert kept < 1000
        assert {field["field"] for row in hours for field in row["fields"]} == {"data.channel"}

    eventually(all_accounted_for)
    assert bus.metric("intake", "kefu_external_events_throttled_total", publisher="crm") > 0


def test_a_publisher_sends_only_what_its_organisation_and_the_broker_let_it(bus: Bus) -> None:
    """A channel that is not listed is refused with field, reason and contract; another routing key by the broker."""
    message = as_message(enquiry(PROPERTY, channel="phone"))
    with Ear(bus.stack.broker_url("pub-property-fees"), "property-fees") as ear:
        bus.send("property-fees", message)
        heard = ear.rejection_of(message.body)
    assert [(row["field"], row["reason"]) for row in heard["reasons"]] == [
        ("data.channel", "is none this publisher may send for this organisation")
    ]
    assert heard["contract"].startswith("urn:kefu:contact.received:1")
    sound = enquiry(PROPERTY, channel="web")
    bus.publish("property-fees", sound)
    bus.desk(PROPERTY).contact_of(sound)
    with Connection(bus.stack.broker_url("pub-property-fees"), connect_timeout=5) as connection:
        channel = connection.channel()
        channel.confirm_select()
        forged = amqp.Message(as_message(enquiry(PROPERTY)).body, user_id="pub-property-fees")
        with pytest.raises(amqp.exceptions.AccessRefused, match=r"contact\.deleted"):
            channel.basic_publish_confirm(forged, "external.events", "contact.deleted")


def test_an_erased_customer_is_nowhere_and_comes_back_as_somebody_new(bus: Bus) -> None:
    """Read with an approval, erased with a second person's; then no process and no collection knows them."""
    customer = {"kind": "person", "name": "清除测试", "phone": "13955550001", "unit": "Z-77"}
    event = enquiry(PLAZA, customer=customer, text="我的电话是13955550001")
    spoilt = enquiry(PLAZA, customer=customer, channel="pager")
    bus.publish("hotline", event, spoilt)
    clerk = bus.desk(PLAZA, ("staff", "service_desk"), subject="stf_1")
    boss = bus.desk(PLAZA, ("staff", "supervisor"), subject="stf_2")
    contact = clerk.contact_of(event)
    file = contact["customer_id"]
    wanted = {"id": file, "names": ["phone"], "purpose": "service"}
    with pytest.raises(RuleRefused):
        clerk.do("intake.read_personal_data", **wanted)
    asked = {"customer_id": file, "purpose": "service", "reason": "客户来电"}
    reading = clerk.do("intake.request_personal_data", kind="read", **asked)["request_id"]
    boss.do("intake.decide_data_request", id=reading, granted=True, reason="同意")
    read = clerk.do("intake.read_personal_data", **wanted, request_id=reading)
    assert read["values"] == {"phone": "+8613955550001"}

    rejected = bus.database("intake")["rejected_events"]
    eventually(lambda: _holds(rejected.find_one({"event_id": spoilt["id"]})))
    erasing = clerk.do("intake.request_personal_data", kind="erase", **asked)["request_id"]
    with pytest.raises(RuleRefused):
        clerk.do("intake.decide_data_request", id=erasing, granted=True, reason="同意")
    boss.do("intake.decide_data_request", id=erasing, granted=True, reason="同意")

    def gone() -> None:
        for name in ("customers", "contacts", "rejected_events", "data_requests", "access_log"):
            assert "13955550001" not in repr(list(bus.database("intake")[name].find()))
        assert clerk.ask("intake.get_contact", id=contact["contact_id"])["text"] == "[已清除]"

    eventually(gone)
    assert clerk.ask("intake.get_contact_history", id=contact["contact_id"])["faults"] == []
    outcomes = [row["outcome"] for row in boss.ask("intake.access_log", customer_id=file)]
    assert sorted(outcomes) == ["read", "refused"]
    again = enquiry(PLAZA, customer=customer)
    bus.publish("hotline", again)
    assert clerk.contact_of(again)["customer_id"] != file


def _holds(found: object) -> None:
    assert found is not None


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install what the Node example needs, as locked beside this module, and return where it is."""
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed: the Node example is not run")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(Path(__file__).parent / "node" / name, folder)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "node_modules"


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_documents_examples_publish(
    bus: Bus, tmp_path: Path, language: str, request: pytest.FixtureRequest
) -> None:
    """What docs/publishing.md tells other systems to do works as it stands there."""
    modules = str(request.getfixturevalue("node_modules")) if language == "javascript" else ""
    event = enquiry(PLAZA)
    (tmp_path / "event.json").write_text(json.dumps(event, ensure_ascii=False), encoding="utf-8")
    program = tmp_path / "example"
    program.write_text(example(language), encoding="utf-8")
    url = bus.stack.broker_url("pub-hotline").replace("pyamqp:", "amqp:")
    done = subprocess.run(
        [*PROGRAMS[language], str(program)],
        cwd=tmp_path,
        env=os.environ | {"BROKER_URL": url, "NODE_PATH": modules},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "confirmed", done.stderr
    bus.desk(PLAZA).contact_of(event)
