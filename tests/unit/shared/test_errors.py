from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nameko.exceptions import serialize

from shared.errors import (
    ERRORS,
    Conflict,
    KefuError,
    Problem,
    RuleRefused,
    Unavailable,
    ValidationFailed,
    error_from_dict,
)

JSON_VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.lists(
        st.dictionaries(st.sampled_from(["field", "reason", "x"]), st.integers() | st.none()), max_size=2
    )
)


@pytest.mark.parametrize("kind", ERRORS.values())
def test_every_error_survives_the_journey_over_rpc_whole(kind: type[KefuError]) -> None:
    """The caller gets the class, the message, every problem, the rule and the details the service raised."""
    raised = kind(
        "wrong",
        problems=(Problem("data.phone", "is missing"), Problem("data.due", "lies in the past")),
        rule="R-1",
        details={"state": "closed"},
    )
    raised.args = (raised.as_dict(),)
    sent = json.loads(json.dumps(serialize(raised)))
    arrived = error_from_dict(sent["exc_args"][0])
    assert type(arrived) is kind
    assert (arrived.message, arrived.problems, arrived.rule, arrived.details) == (
        raised.message,
        raised.problems,
        raised.rule,
        raised.details,
    )


def test_what_an_error_does_not_have_is_left_out_of_its_shape() -> None:
    """Programs read the presence of ``problems`` and ``rule`` as a fact."""
    assert Conflict("changed meanwhile").as_dict() == {"code": "conflict", "message": "changed meanwhile"}


def test_only_what_may_pass_by_itself_is_transient() -> None:
    """Anything else tried again would be refused again, for ever."""
    assert {kind for kind in ERRORS.values() if kind.transient} == {Conflict, Unavailable}


def test_an_unknown_code_gives_the_base_class() -> None:
    """A newer service may know errors this caller does not."""
    arrived = error_from_dict({"code": "teapot", "message": "short and stout"})
    assert type(arrived) is KefuError
    assert arrived.message == "short and stout"


@pytest.mark.parametrize(
    "shape",
    [
        {"code": "validation_failed", "message": "m", "problems": None},
        {"code": "validation_failed", "message": "m", "problems": [{"field": "only"}]},
        {"code": "validation_failed", "message": "m", "problems": ["text"]},
        {"code": "validation_failed", "message": "m", "problems": 7},
        {"code": "rule_refused", "message": "m", "details": "text"},
    ],
)
def test_a_misshapen_answer_still_gives_the_error_it_names(shape: dict[str, Any]) -> None:
    """Rebuilding an error never raises one of its own: that would hide what the service said."""
    arrived = error_from_dict(shape)
    assert type(arrived) is ERRORS[shape["code"]]
    assert arrived.message == "m"


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["code", "message", "problems", "rule", "details"]), JSON_VALUES))
def test_no_shape_at_all_makes_rebuilding_fail(shape: dict[str, Any]) -> None:
    """Whatever JSON object arrives as an error, an error comes out."""
    assert isinstance(error_from_dict(shape), KefuError)


def test_an_error_reads_as_its_message() -> None:
    """Logs and the command line show what was wrong, not a tuple."""
    assert str(ValidationFailed("the phone is missing")) == "the phone is missing"
    assert RuleRefused("not yet", rule="R-7").as_dict()["rule"] == "R-7"
