"""The fields of a step that hold numbers, sums, and what an earlier step says: read strictly, from file and form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.complaints.domain.path.filling import fill
from services.complaints.domain.path.rules import FieldKind, FieldRule, PathStep, SameAs
from shared.errors import RuleRefused, ValidationFailed
from shared.regulations import RegulationError
from tests.unit.complaints.offer_world import books

CLAIM = PathStep(
    code="claim",
    name="索赔",
    source="A-LOG-26",
    form=(
        FieldRule("policy", "保单号", FieldKind.OF_STEP, same_as=SameAs("register", "policy")),
        FieldRule("amount", "金额", FieldKind.AMOUNT),
        FieldRule("pieces", "件数", FieldKind.COUNT, required=False),
    ),
)
REGISTERED = {("register", "policy"): "PL-1"}


def filled(**given: Any) -> dict[str, Any]:
    return fill(CLAIM, given, {}, None, REGISTERED)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("0", "0.00"), ("5000", "5000.00"), ("0.1", "0.10"), ("007.25", "7.25"), ("999999999999.99",) * 2],
)
def test_a_sum_is_kept_exact_in_one_shape(text: str, kept: str) -> None:
    """Guards sums: never a float, always two decimals, so that equal sums look equal."""
    assert filled(amount=text)["amount"] == kept


@pytest.mark.parametrize(
    "wrong", ["-1", "+1", "1.234", "1e5", "1,000", "½", "１２", "NaN", " 1", "", 5, 5.0, True]
)
def test_what_is_no_sum_is_refused(wrong: Any) -> None:
    """Guards against whatever a language might take for a number."""
    with pytest.raises(ValidationFailed) as error:
        filled(amount=wrong)
    assert [problem.field for problem in error.value.problems] == ["filled.amount"]


@pytest.mark.parametrize("wrong", ["0", "-1", "1.0", "01", "1e3", "一", "10000000000", 3, True])
def test_a_count_is_a_whole_number_above_nothing(wrong: Any) -> None:
    """Guards quantities on papers."""
    assert filled(amount="1", pieces="12")["pieces"] == "12"
    with pytest.raises(ValidationFailed):
        filled(amount="1", pieces=wrong)


def test_a_field_of_an_earlier_step_repeats_it_and_nothing_else() -> None:
    """Guards the link between two forms: filled by itself, refused where it differs or the earlier one is silent."""
    assert filled(amount="1")["policy"] == "PL-1"
    assert filled(amount="1", policy="PL-1")["policy"] == "PL-1"
    with pytest.raises(RuleRefused) as other:
        filled(amount="1", policy="PL-2")
    assert other.value.rule == "A-LOG-26"
    with pytest.raises(RuleRefused) as silent:
        fill(CLAIM, {"amount": "1"}, {}, None, {})
    assert [problem.field for problem in silent.value.problems] == ["filled.policy"]


PATH = """
overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    complaints:
      path:
        extra:
          name: 附加
          grants: [{{role: staff}}]
          after: [register]
          form: {{policy: {field}}}
          source: organisation
"""


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("{name: x, kind: of_step}", "goes with the kind of_step"),
        ("{name: x, same_as: {step: register, field: policy}}", "goes with the kind of_step"),
        ("{name: x, kind: of_step, same_as: {step: register, field: gone}}", "there is no field 'gone'"),
        ("{name: x, kind: of_step, same_as: {step: gone, field: policy}}", "of a step 'gone' before it"),
    ],
)
def test_a_file_whose_field_repeats_nothing_is_refused(tmp_path: Path, field: str, words: str) -> None:
    """Guards the files: what a form repeats must be there before it, or no case could ever go on."""
    with pytest.raises(RegulationError) as error:
        books(tmp_path, "cargo", "logistics", PATH.format(field=field))
    assert words in str(error.value)
