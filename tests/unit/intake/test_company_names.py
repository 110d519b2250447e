"""Company names and numbers: what they are made of and by what two of them are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.same.licence_words import CITIES, FORMS, INDUSTRIES, PROVINCES
from services.intake.domain.same.likeness import Identity, likeness
from services.intake.domain.same.names import parse_licence, parse_phone, why_not_standard, why_several
from services.intake.domain.same.rules import Weight

_WORDS = st.one_of(
    st.sampled_from(sorted(PROVINCES | CITIES)),
    st.sampled_from(sorted(INDUSTRIES)),
    st.sampled_from(sorted(FORMS)),
    st.sampled_from(["省", "市", "华星", "(Hua Xing)", "店", "Ａ", "/"]),
    st.text(max_size=4),
)


@pytest.mark.rule("B-CRM-07")
@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("杭州华星贸易有限公司", ("杭州", "华星", "贸易", "有限公司")),
        ("浙江省杭州市华星信息技术股份有限公司", ("浙江省杭州市", "华星", "信息技术", "股份有限公司")),
        ("华星有限责任公司", ("", "华星", "", "有限责任公司")),
        ("北京大成律师事务所", ("北京", "大成", "", "律师事务所")),
        ("上海老王餐饮店", ("上海", "老王", "餐饮", "店")),
        ("深圳市华星实业集团(Huaxing)", ("深圳市", "华星", "实业", "集团(Huaxing)")),
        ("北京有限公司", ("", "北京", "", "有限公司")),
    ],
)
def test_a_licence_name_has_four_parts_of_which_the_industry_may_be_absent(
    name: str, parts: tuple[str, str, str, str]
) -> None:
    """Guards the key field: trade name and industry are found wherever the rest of the name ends."""
    found = parse_licence(name)
    assert (found.region, found.trade, found.industry, found.form) == parts


@given(st.lists(_WORDS, max_size=6).map("".join))
def test_the_parts_of_any_name_joined_give_the_name_back(name: str) -> None:
    """Guards that parsing loses nothing, whatever somebody enters."""
    found = parse_licence(name)
    assert str(found) == name
    assert bool(found.trade) == bool(name)


@pytest.mark.parametrize(
    "name", ["华星", "华星(Huaxing)", "华星（Huaxing Co., Ltd）", "Huaxing", "杭州360科技有限公司"]
)
def test_chinese_with_an_english_name_in_brackets_is_the_standard(name: str) -> None:
    """Guards that well-formed names are not turned away."""
    assert why_not_standard(name) is None
    assert why_several(name) is None


@pytest.mark.parametrize("name", ["Huaxing/华星", "Huaxing华星", "华星Huaxing", "Huaxing(华星)"])
def test_two_scripts_in_any_other_order_are_not(name: str) -> None:
    """Guards the one form in which both names may stand."""
    assert why_not_standard(name) is not None


@pytest.mark.parametrize("name", ["华星/华兴", "华星、华兴/华新", "A/B/C"])
def test_several_names_in_one_are_told_as_such(name: str) -> None:
    """Guards the way out: separate entries, then a merger."""
    assert why_several(name) is not None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("0571-87654321", "+86 571 8765 4321", True),
        ("0571-87654321", "010-87654321", False),
        ("13800138000", "+86 138 0013 8000", True),
    ],
)
def test_numbers_are_compared_with_their_area_code(one: str, other: str, same: bool) -> None:  # noqa: FBT001
    """Guards that the same digits in another city are another number."""
    first, second = parse_phone(one), parse_phone(other)
    assert first is not None
    assert second is not None
    assert (first.key == second.key) is same


def test_a_number_without_its_area_code_is_none() -> None:
    """Guards the search: half a number would meet strangers."""
    assert parse_phone("87654321") is None


def test_the_score_is_the_sum_of_the_weights_of_what_two_have_in_common() -> None:
    """Guards that the reasons told are those that were counted, and the weights those of the rulebook."""
    weights = (Weight("trade", 40, "x"), Weight("sound", 10, "x"), Weight("phone", 30, "x"))
    phone = parse_phone("0571-87654321")
    one = Identity(parse_licence("杭州华星贸易有限公司"), phone)
    alike = likeness(one, Identity(parse_licence("上海华星科技有限公司"), None), weights)
    assert (alike.points, alike.reasons) == (50, ("trade", "sound"))
    spoken = likeness(one, Identity(parse_licence("华兴贸易有限公司"), phone), weights)
    assert (spoken.points, spoken.reasons) == (40, ("sound", "phone"))
    assert likeness(one, Identity(parse_licence("东方公司"), None), weights).points == 0
