from __future__ import annotations

from marshmallow import RAISE, Schema, ValidationError, fields, validates_schema

from shared.errors import Problem
from shared.messaging.problems import flatten_errors


class _Part(Schema):
    phone = fields.String(required=True)


class _Whole(Schema):
    parts = fields.List(fields.Nested(_Part(unknown=RAISE)))
    amount = fields.Integer()

    @validates_schema
    def _check(self, data: dict[str, object], **_: object) -> None:
        if data.get("amount") == 13:
            message = "is unlucky"
            raise ValidationError(message)


def _problems(data: dict[str, object]) -> set[Problem]:
    try:
        _Whole(unknown=RAISE).load(data)
    except ValidationError as error:
        return set(flatten_errors(error.normalized_messages(), "data"))
    return set()


def test_a_problem_deep_inside_is_named_by_its_whole_path() -> None:
    """The sender finds the field without guessing."""
    found = _problems({"parts": [{"phone": "1"}, {"x": 1}], "amount": "many", "more": 1})
    assert {problem.field for problem in found} == {
        "data.parts.1.phone",
        "data.parts.1.x",
        "data.amount",
        "data.more",
    }
    assert all(problem.reason for problem in found)


def test_a_problem_of_the_whole_is_named_by_the_place_it_is_in() -> None:
    """Checks over several fields belong to no single one."""
    assert _problems({"amount": 13}) == {Problem("data", "is unlucky")}
    assert flatten_errors({"_schema": ["is wrong"]}) == (Problem("(whole)", "is wrong"),)


def test_a_field_name_from_outside_is_cut_and_made_printable() -> None:
    """The sender's own text ends up in logs and on terminals."""
    (found,) = _problems({"evil\x1b[31m\ud800" + "x" * 500: 1})
    assert found.field.startswith("data.evil?[31m?xxx")
    assert len(found.field) <= len("data.") + 80


def test_a_single_reason_needs_no_list() -> None:
    """Both forms occur in what validators raise."""
    assert flatten_errors({"a": "is wrong"}) == (Problem("a", "is wrong"),)
