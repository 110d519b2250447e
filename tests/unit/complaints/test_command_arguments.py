"""What the commands' arguments may hold: bad input is refused with field and reason, Chinese text is not."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import RAISE, Schema, ValidationError

from services.complaints import schemas
from shared.messaging.problems import flatten_errors

SOUND: dict[type[Schema], dict[str, Any]] = {
    schemas.ById: {"id": "cs_1"},
    schemas.ByContact: {"contact_id": "ct_1"},
    schemas.DecideValidity: {"id": "cs_1", "valid": True, "ground": "quality_defect", "reason": "属实"},
    schemas.AttemptContact: {"id": "cs_1", "outcome": "reached"},
    schemas.Progress: {"id": "cs_1", "step": "repair", "text": "进展"},
    schemas.Reply: {"id": "cs_1", "text": "答复", "prevention": "每月检修"},
    schemas.PauseClocks: {"id": "cs_1", "reason": "customer_away", "note": "客户外出"},
    schemas.ResumeClocks: {"id": "cs_1", "note": "已联系上"},
    schemas.RequestExtension: {
        "id": "cs_1",
        "clock": "close",
        "amount": 20,
        "reason": "parts",
        "note": "待件",
    },
    schemas.DecideExtension: {"id": "cs_1", "clock": "close", "granted": True, "note": "同意"},
    schemas.ListCases: {"state": "open", "level": "general"},
}
TEXT_FIELDS = [
    (schema, name)
    for schema, sound in SOUND.items()
    for name, value in sound.items()
    if isinstance(value, str)
]
FREE_TEXT = {"text", "prevention", "note"}


def faults(schema: type[Schema], data: dict[str, Any]) -> dict[str, str]:
    """Return the reasons by field that the RPC layer would tell the caller."""
    with pytest.raises(ValidationError) as refused:
        schema(unknown=RAISE).load(data)
    return {problem.field: problem.reason for problem in flatten_errors(refused.value.normalized_messages())}


@pytest.mark.parametrize("schema", SOUND, ids=lambda schema: schema.__name__)
def test_sound_arguments_are_taken_and_unknown_ones_refused(schema: type[Schema]) -> None:
    """Guards the tests below against refusing everything, and an extra argument against being ignored."""
    schema(unknown=RAISE).load(SOUND[schema])
    assert faults(schema, {**SOUND[schema], "extra": 1}) == {"extra": "Unknown field."}


@pytest.mark.parametrize(("schema", "name"), TEXT_FIELDS)
@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\u2028", "\ud800", "\ufffe"])
def test_control_characters_are_refused_in_every_text(
    schema: type[Schema], name: str, character: str
) -> None:
    """Guards databases, terminals and logs from characters nobody types."""
    for text in (f"a{character}b", f"a{character}", character):
        assert set(faults(schema, SOUND[schema] | {name: text})) == {name}


@pytest.mark.parametrize("character", ["\x00", "\n", " ", "\u2028"])
def test_nothing_hangs_on_to_a_time(character: str) -> None:
    """Guards the one field whose parser would pass over what follows a time."""
    moment = f"2026-03-02T09:00:00+08:00{character}"
    assert set(faults(schemas.Reply, SOUND[schemas.Reply] | {"final": False, "next_reply_at": moment})) == {
        "next_reply_at"
    }


@pytest.mark.parametrize(("schema", "name"), TEXT_FIELDS)
def test_no_code_or_id_ends_in_a_line_break(schema: type[Schema], name: str) -> None:
    """Guards codes that look the same and are not."""
    if name not in FREE_TEXT and (schema, name) != (schemas.DecideValidity, "reason"):
        assert set(faults(schema, SOUND[schema] | {name: SOUND[schema][name] + "\n"})) == {name}


@pytest.mark.parametrize(
    "text",
    ["　　尊敬的顾客：\n您好！", "第一行\n第二行\t缩进", "谢谢👨‍👩‍👧", "A\u00a0B", "é ü ß", "“引号”—破折号…"],
)
@pytest.mark.parametrize(("schema", "name"), [(schemas.Reply, "text"), (schemas.DecideValidity, "reason")])
def test_text_as_people_write_it_is_taken(schema: type[Schema], name: str, text: str) -> None:
    """Guards Chinese paragraphs, which begin with two full-width spaces, line breaks and symbols."""
    assert schema(unknown=RAISE).load(SOUND[schema] | {name: text})[name] == text


@pytest.mark.parametrize(("schema", "name"), TEXT_FIELDS)
@pytest.mark.parametrize("value", ["", "   ", "　", 7, True, [], {"$ne": None}])
def test_what_is_no_text_is_refused_where_text_belongs(
    schema: type[Schema], name: str, value: object
) -> None:
    """Guards against blank entries and against operators of the database."""
    assert set(faults(schema, SOUND[schema] | {name: value})) == {name}


@pytest.mark.rule("B-JKC-61")
@pytest.mark.parametrize("text", [None, "", " \n\t"])
def test_progress_without_a_description_is_refused(text: str | None) -> None:
    """Guards that the case's record is complete."""
    assert set(faults(schemas.Progress, {"id": "cs_1", "text": text})) == {"text"}
    assert faults(schemas.Progress, {"id": "cs_1"}) == {"text": "Missing data for required field."}


@pytest.mark.parametrize(
    ("schema", "changes", "field"),
    [
        (schemas.Reply, {"text": "长" * 4001}, "text"),
        (schemas.Reply, {"final": "yes"}, "final"),
        (schemas.Reply, {"next_reply_at": "2026-03-02T09:00:00+08:00"}, "next_reply_at"),
        (schemas.Reply, {"final": False, "next_reply_at": "2026-03-02T09:00:00"}, "next_reply_at"),
        (schemas.Reply, {"final": False, "next_reply_at": "morgen"}, "next_reply_at"),
        (schemas.DecideValidity, {"valid": "true"}, "valid"),
        (schemas.DecideValidity, {"valid": None}, "valid"),
        (schemas.DecideValidity, {"ground": "$where"}, "ground"),
        (schemas.DecideValidity, {"ground": "Großer Grund"}, "ground"),
        (schemas.AttemptContact, {"outcome": "perhaps"}, "outcome"),
        (schemas.ById, {"id": "x" * 65}, "id"),
        (schemas.RequestExtension, {"amount": 0}, "amount"),
        (schemas.RequestExtension, {"amount": 10_001}, "amount"),
        (schemas.RequestExtension, {"amount": "20"}, "amount"),
        (schemas.RequestExtension, {"clock": "Close"}, "clock"),
        (schemas.DecideExtension, {"granted": "yes"}, "granted"),
        (schemas.PauseClocks, {"clocks": "close"}, "clocks"),
        (schemas.ResumeClocks, {"clocks": None}, "clocks"),
        (schemas.ListCases, {"state": "lost"}, "state"),
        (schemas.ListCases, {"limit": 0}, "limit"),
        (schemas.ListCases, {"limit": 201}, "limit"),
        (schemas.ListCases, {"limit": "10"}, "limit"),
        (schemas.ListCases, {"skip": -1}, "skip"),
    ],
)
def test_a_bad_value_is_refused_at_its_field(
    schema: type[Schema], changes: dict[str, Any], field: str
) -> None:
    """Guards that the caller is told which argument to mend."""
    assert set(faults(schema, SOUND[schema] | changes)) == {field}
