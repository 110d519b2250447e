"""The receipt for a complaint: at once, once, to whoever wrote, with the number it runs under."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.followup.rulebook import PROFILES, load_rulebooks
from shared.regulations.errors import RegulationError
from tests.unit.followup.fakes import ORGANISATIONS, World, opened

ORG = "plaza-demo"


@pytest.mark.rule("B-STD-10")
@pytest.mark.parametrize("channel", ["web", "app", "online", "chat", "wechat", "email"])
def test_whoever_complains_in_writing_hears_at_once_that_it_arrived(world: World, channel: str) -> None:
    """Guards the receipt: asked for with the very event, the rule behind it named, the number in its words."""
    outcomes = [delivery.outcome for delivery in world.tell(opened(channel=channel), opened(channel=channel))]
    assert outcomes == ["done", "duplicate"]
    (message,) = world.repository.all_messages()
    (entry,) = message.history
    assert (entry.type, message.requested_at) == ("message_requested", world.clock.now())
    assert (entry.data["template"], entry.data["template_source"]) == ("complaint_receipt", "B-STD-10")
    text = world.desk.render(ORG, message.id, {})["text"]
    assert "已收到" in text
    assert "PLZ-20261116-00001" in text


@pytest.mark.parametrize("channel", ["phone", "letter"])
def test_whoever_calls_or_sends_a_letter_gets_no_electronic_receipt(world: World, channel: str) -> None:
    """Guards against messages nobody asked for."""
    (delivery,) = world.tell(opened(channel=channel))
    assert delivery.outcome == "done"
    assert world.repository.all_messages() == []


def test_two_replicas_that_take_the_same_event_send_one_receipt(world: World) -> None:
    """Guards the customer against hearing it twice: the message's id follows from the event."""
    world.tell(opened())
    (delivery,) = world.replica().tell(opened())
    assert delivery.outcome == "duplicate"
    assert len(world.repository.all_messages()) == 1


def test_a_receipt_that_names_no_template_is_refused_at_the_start(tmp_path: Path) -> None:
    """Guards against a rulebook that only fails when the first complaint comes in."""
    profile = yaml.safe_load((PROFILES / "standard.yaml").read_text(encoding="utf-8"))
    broken: dict[str, Any] = copy.deepcopy(profile)
    broken["versions"][0]["receipt"]["message"] = "no_such_template"
    profiles, organisations = tmp_path / "profiles", tmp_path / "organisations"
    profiles.mkdir()
    organisations.mkdir()
    (profiles / "standard.yaml").write_text(yaml.safe_dump(broken, allow_unicode=True), encoding="utf-8")
    follower = (ORGANISATIONS / "shop-demo.yaml").read_text(encoding="utf-8").partition("overrides:")[0]
    follower = follower.replace("profile: online-store", "profile: standard")
    (organisations / "shop-demo.yaml").write_text(follower, encoding="utf-8")
    with pytest.raises(RegulationError) as error:
        load_rulebooks(organisations, profiles)
    assert "is no template: there is complaint_receipt" in str(error.value)
