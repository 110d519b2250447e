"""Talks are scanned for what must and must not be said, and nothing of them is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain.quality.rules import Phrase, Scan
from services.followup.domain.quality.scanning import By, Line, scan
from shared.errors import ValidationFailed
from tests.unit.followup.quality_world import Checking, organisation

CHAT = {"exact": 5, "brief": 4, "efficient": 4, "kind": 5}


@pytest.fixture
def shop(tmp_path: Path) -> Checking:
    """A shop that checks its chats."""
    return Checking(organisation(tmp_path, "online-store"))


def talk(*lines: str) -> list[dict[str, str]]:
    """Return a talk; what the agent says begins with an A, what the customer says with a C."""
    who = {"A": "agent", "C": "customer"}
    return [{"by": who[line[0]], "text": line[1:]} for line in lines]


def found(world: Checking, phrase: str, *lines: str) -> dict[str, Any]:
    """Return what one rule finds in a talk."""
    (finding,) = world.do("scan_talk", "qc-1", talk=talk(*lines), phrases=[phrase])
    assert isinstance(finding, dict)
    return finding


@pytest.mark.rule("B-ECM-08")
@pytest.mark.rule("B-WWS-18")
def test_a_chat_is_scored_exact_brief_efficient_and_kind_and_refusals_as_tactful(shop: Checking) -> None:
    """Promise: the four marks must be there; a refusal is judged where there was one."""
    sample = shop.drawn("chat_check", 3, number=3)
    first, second, third = (row["item"] for row in sample["items"])
    said = talk("C你好", "A感谢光临")
    for left_out in CHAT:
        with pytest.raises(ValidationFailed):
            shop.score(sample, first, talk=said, marks={key: CHAT[key] for key in CHAT if key != left_out})
    plain = shop.score(sample, first, talk=said, marks=CHAT)
    tactful = shop.score(sample, second, talk=said, marks=CHAT | {"tactful_refusal": True})
    blunt = shop.score(sample, third, talk=said, marks=CHAT | {"tactful_refusal": False})
    marks = {mark["item"]: mark for mark in blunt["marks"]}
    assert [marks[code]["source"] for code in CHAT] == ["B-ECM-08"] * 4
    assert (marks["tactful_refusal"]["passed"], marks["tactful_refusal"]["source"]) == (False, "B-WWS-18")
    assert [result["of"] for result in (plain, tactful, blunt)] == ["23", "24", "24"]
    assert [result["total"] for result in (plain, tactful, blunt)] == ["21", "22", "21"]


@pytest.mark.rule("B-ECM-09")
def test_a_chat_that_does_not_end_with_thanks_fails(shop: Checking) -> None:
    """Promise: thanks earlier, or of the customer, are not the thanks at the end."""
    ends = found(shop, "thanks_at_end", "C有货吗", "A有的", "A感谢您的光临", "C谢谢")
    assert (ends["passed"], ends["line"], ends["source"]) == (True, 3, "B-ECM-09")
    for lines in (("A感谢", "A再见"), ("A有货", "C谢谢")):
        assert found(shop, "thanks_at_end", *lines)["passed"] is False
    sample = shop.drawn("chat_check", 2, number=1)
    result = shop.score(sample, sample["items"][0]["item"], talk=talk("A有货", "C谢谢"), marks=CHAT)
    (thanks,) = (mark for mark in result["marks"] if mark["item"] == "thanks")
    assert (thanks["passed"], thanks["source"]) == (False, "B-ECM-09")
    assert "thanks" in shop.told("item_scored")[0]["failed"]


@pytest.mark.rule("B-WWS-19")
@pytest.mark.parametrize(
    ("lines", "passed"),
    [
        (("C颜色一样吗", "A图片与实物略有差别", "A显示器不同也会有色差", "C已拍下"), True),
        (("C颜色一样吗", "A图片与实物略有差别", "C已拍下", "A显示器不同也会有色差"), False),
        (("C颜色一样吗", "A一样的", "C已拍下"), False),
        (("C有货吗", "A有", "C已拍下"), None),
    ],
)
def test_both_points_on_colours_come_before_the_order(
    shop: Checking, lines: tuple[str, ...], *, passed: bool | None
) -> None:
    """Promise: one point, or a point after the order, is not enough; without colours there is nothing to say."""
    finding = found(shop, "colour_points", *lines)
    assert (finding["passed"], finding["source"]) == (passed, "B-WWS-19")


@pytest.mark.rule("B-WWS-20")
@pytest.mark.parametrize(
    ("lines", "passed"),
    [
        (("C能便宜点吗", "A可以的，请问要几件，发到哪里", "C两件", "A一共 99.5 元"), True),
        (("C能便宜点吗", "A99元，要几件，发到哪里"), False),
        (("C能便宜点吗", "A请问要几件", "A１２０元"), False),
        (("C能便宜点吗", "A抱歉，已是最低价"), None),
    ],
)
def test_quantity_and_destination_are_asked_before_any_price(
    shop: Checking, lines: tuple[str, ...], *, passed: bool | None
) -> None:
    """Promise: a price said first fails, also in wide digits, also in the very line that asks."""
    finding = found(shop, "discount", *lines)
    assert (finding["passed"], finding["source"]) == (passed, "B-WWS-20")


@pytest.mark.rule("B-WWS-21")
def test_an_absolute_promise_is_an_alert_with_its_place(shop: Checking) -> None:
    """Promise: "guaranteed tomorrow" of an agent is told at once; a customer who says it promises nothing."""
    broken = found(shop, "promise", "C急用", "A您放心，保证 明天到！")
    assert (broken["passed"], broken["alert"], broken["line"]) == (False, True, 2)
    assert (broken["words"], broken["source"]) == ("保证明天到", "B-WWS-21")
    kept = found(shop, "promise", "C保证明天到吗", "A一般两三天，我们尽快")
    assert (kept["passed"], kept["alert"]) == (True, False)
    sample = shop.drawn("chat_check", 2, number=1)
    shop.score(sample, sample["items"][0]["item"], talk=talk("A保证明天到，谢谢"), marks=CHAT)
    assert shop.told("item_scored")[0]["alerts"] == ["no_promise"]


@pytest.mark.rule("B-MBY-30")
def test_a_banned_phrase_is_marked_where_it_stands(shop: Checking) -> None:
    """Promise: "I cannot" is found, with its line; polite words are not."""
    finding = found(shop, "banned", "C能改地址吗", "A您好", "A我不能改")
    assert (finding["passed"], finding["line"], finding["words"]) == (False, 3, "我不能")
    assert finding["source"] == "B-MBY-30"
    assert found(shop, "banned", "C我不能等了", "A马上为您处理")["passed"] is True


@pytest.mark.rule("B-PRO-17")
def test_five_polite_phrases_are_looked_for(tmp_path: Path) -> None:
    """Promise: hello, please, thanks, sorry and goodbye are each an item, marked from the talk or by hand."""
    estate = Checking(organisation(tmp_path, "property"))
    sample = estate.drawn("politeness_check", 2, number=2)
    first, second = (row["item"] for row in sample["items"])
    said = talk("A您好，请讲", "C谢谢", "A对不起，再见")
    result = estate.score(sample, first, talk=said)
    five = {mark["item"]: mark["passed"] for mark in result["marks"]}
    assert five == {"hello": True, "please": True, "thanks": False, "sorry": True, "goodbye": True}
    assert {mark["source"] for mark in result["marks"]} == {"B-PRO-17"}
    assert (result["total"], result["of"]) == ("4", "5")
    with pytest.raises(ValidationFailed):
        estate.score(sample, second, marks={"hello": True})
    assert estate.score(sample, second, marks=dict.fromkeys(five, True))["percent"] == "100.00"


def test_nothing_of_a_talk_is_kept(shop: Checking) -> None:
    """Promise: what was said goes into no document, no event and no answer."""
    sample = shop.drawn("chat_check", 2, number=1)
    secret = "我的电话是一三八零零"
    answer = shop.score(sample, sample["items"][0]["item"], talk=talk(f"C{secret}", "A谢谢"), marks=CHAT)
    scanned = shop.do("scan_talk", "qc-1", talk=talk(f"C{secret}"))
    database = shop.runtime.database
    documents = [list(database[name].find()) for name in database.list_collection_names()]
    assert secret not in str((answer, scanned, documents, [each.entry for each in shop.published]))


def test_phrases_nobody_defined_are_refused(shop: Checking) -> None:
    """Promise: a wrong code is told, not passed over as if nothing had been found."""
    with pytest.raises(ValidationFailed):
        shop.do("scan_talk", "qc-1", talk=talk("A您好"), phrases=["atlantis"])


_lines = st.lists(
    st.builds(Line, st.sampled_from(list(By)), st.text("谢保证 明天到a", max_size=8)), max_size=8
)


@given(_lines, _lines)
def test_a_ban_broken_once_stays_broken_whatever_is_said_after(first: list[Line], more: list[Line]) -> None:
    """Promise: no later word makes up for a banned one, and the place told is that of the first."""
    ban = Phrase("ban", "ban", Scan.BANNED, (("保证明天到",),), "design", alert=True)
    (before,), (after,) = scan(first, [ban]), scan([*first, *more], [ban])
    if before.passed is False:
        assert (after.passed, after.line, after.alert) == (False, before.line, True)
    said = ["".join(line.text.split()) for line in [*first, *more] if line.by is By.AGENT]
    assert after.passed is not any("保证明天到" in text for text in said)
