"""What answers come to: averages, satisfied shares, gaps, response; exact, and nothing where nobody answered."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.domain.surveys.figures import wilson
from services.followup.domain.surveys.sampling import Stratum, allocate, draw, wanted
from tests.unit.followup.survey_office import SurveyOffice, overall


def _asked(office: SurveyOffice, people: int, kind: str, **plan: Any) -> str:
    office.people(people)
    return office.launched(kind=kind, where={}, **plan)


@pytest.mark.rule("A-TEL-02")
def test_24_of_30_are_satisfied_80_percent(tmp_path: Path) -> None:
    """Four and five of five count as satisfied."""
    centre = SurveyOffice(tmp_path, "call-centre")
    wave = _asked(centre, 30, "caller_satisfaction")
    centre.fill(wave, overall(*[4] * 10, *[5] * 14, *[3] * 6))
    (row,) = centre.get(wave)["figures"]["dimensions"]
    assert (row["answers"], row["satisfied"]) == (30, "80.0")


@pytest.mark.rule("A-LOG-18")
def test_scores_5_4_3_4_are_a_level_of_4(tmp_path: Path) -> None:
    """The service level is the average."""
    client = SurveyOffice(tmp_path, "logistics")
    people = client.people(4)
    plan = {"kind": "client_satisfaction", "purpose": "年度调查。", "method": "letter", "size": 4}
    wave = client.plan(**plan, customers=people)
    client.move(wave, "rehearse")
    client.move(wave, "launch", "post_service_supervisor")
    client.fill(wave, [{"scores": {"service": score}} for score in (5, 4, 3, 4)])
    (row,) = client.get(wave)["figures"]["dimensions"]
    assert Decimal(row["average"]) == Decimal("4.0")


@pytest.mark.rule("B-ITS-22")
def test_each_of_the_five_dimensions_has_its_average(tmp_path: Path) -> None:
    """An answer that leaves one of the five out is refused."""
    company = SurveyOffice(tmp_path, "it-service")
    wave = _asked(company, 3, "user_satisfaction", method="fax")
    codes = ("installation", "operation", "implementation", "after_sales", "training")
    rows = [dict(zip(codes, scores, strict=True)) for scores in ((5, 4, 3, 2, 1), (4, 4, 4, 4, 4))]
    company.fill(wave, [{"scores": row, "channel": "fax"} for row in rows])
    third = company.invitations(wave, state="invited")[0]["invitation_id"]
    partly = {"invitation_id": third, "scores": {"installation": 5}}
    assert company.enter(wave, [partly])["refused"] == 1
    table = {row["dimension"]: row["average"] for row in company.get(wave)["figures"]["dimensions"]}
    assert table == dict(zip(codes, ("4.50", "4.00", "3.50", "3.00", "2.50"), strict=True))


@pytest.mark.rule("B-JKC-04")
def test_perceived_less_expected_is_the_gap(tmp_path: Path) -> None:
    """4.2 perceived where 4.0 was expected is +0.2."""
    plaza = SurveyOffice(tmp_path, "commercial-plaza")
    wave = _asked(plaza, 5, "expectation", method="on_site")
    perceived = (5, 4, 4, 4, 4)
    plaza.fill(wave, [{"scores": {"perceived": each, "expected": 4}} for each in perceived])
    first, second = plaza.get(wave)["figures"]["dimensions"]
    assert (first["average"], second["average"]) == ("4.20", "4.00")
    assert Decimal(first["gap"]) == Decimal("0.2")
    assert first["gap"].startswith("+")


@pytest.mark.rule("B-DET-15")
def test_of_200_asked_88_answered_and_the_next_quarter_is_held_against_it(tmp_path: Path) -> None:
    """The response is 44 % with the bounds of the true one, and the wave before stands beside the new one."""
    office = SurveyOffice(tmp_path, "standard", now="2025-02-10T09:00:00+08:00")
    first = _asked(office, 200, "satisfaction")
    office.fill(first, overall(*[4] * 88))
    seen = office.get(first)["figures"]
    assert (seen["sent"], seen["answered"], seen["rate"]) == (200, 88, "44.0")
    assert seen["interval"] == ["37.3", "50.9"]
    assert office.get(first)["previous"] is None
    office.pass_time("2025-05-10T09:00:00+08:00")
    second = office.launched(kind="satisfaction", where={}, size=10)
    office.fill(second, overall(5, 5))
    before = office.get(second)["previous"]
    assert (before["wave_id"], before["rate"]) == (first, "44.0")
    assert before["dimensions"][0]["average"] == "4.00"


@pytest.mark.rule("A-WHB-10")
def test_of_200_owners_150_answered_75_percent(tmp_path: Path) -> None:
    """The owner opinion survey form (业户意见调查表) goes to every home."""
    estate = SurveyOffice(tmp_path, "property")
    wave = _asked(estate, 200, "owner_opinion")
    estate.fill(wave, overall(*[4] * 150))
    assert estate.get(wave)["figures"]["rate"] == "75.0"


@pytest.mark.rule("B-DUT-27")
def test_a_wave_of_60_answers_has_its_table(tmp_path: Path) -> None:
    """A row for each thing rated: how many, how well, how many satisfied."""
    estate = SurveyOffice(tmp_path, "property")
    wave = _asked(estate, 60, "residents")
    estate.fill(wave, [{"scores": {"service": 5, "safety": 3 + each % 2}} for each in range(60)])
    rows = estate.get(wave)["figures"]["dimensions"]
    table = [(row["name"], row["answers"], row["average"], row["satisfied"]) for row in rows]
    assert table == [("服务态度", 60, "5.00", "100.0"), ("秩序维护", 60, "3.50", "50.0")]


@pytest.mark.rule("B-STD-06")
@pytest.mark.rule("A-GEN-05")
def test_needs_and_channels_are_counted(tmp_path: Path) -> None:
    """Phone 5, web 3, shop 2, ten in all; what people need stands beside their scores."""
    office = SurveyOffice(tmp_path, "standard")
    wave = _asked(office, 12, "satisfaction")
    channels = ["phone"] * 5 + ["web"] * 3 + ["shop"] * 2
    answers = [
        {"scores": {"overall": 4}, "channel": channel, "tags": ["price", "speed"][: number % 3]}
        for number, channel in enumerate(channels)
    ]
    office.fill(wave, answers)
    figures = office.get(wave)["figures"]
    assert figures["channels"] == {"phone": 5, "shop": 2, "web": 3}
    assert sum(figures["channels"].values()) == figures["answered"] == 10
    assert figures["tags"] == {"price": 6, "speed": 3}


_NPS = """overrides:
  - version: "2026.1"
    effective_from: 2020-01-01
    followup:
      surveys:
        promoters:
          name: 净推荐值
          methods: [link]
          dimensions:
            recommend: {name: 推荐意愿, least: 0, most: 10, recommends: true, source: organisation}
          source: organisation
"""


def test_net_promoters_are_promoters_less_detractors(tmp_path: Path) -> None:
    """Nine and ten promote, up to six detract, seven and eight do neither."""
    office = SurveyOffice(tmp_path, "standard", _NPS)
    wave = _asked(office, 8, "promoters")
    office.fill(wave, [{"scores": {"recommend": each}} for each in (10, 9, 9, 8, 7, 6, 0)])
    (row,) = office.get(wave)["figures"]["dimensions"]
    assert row["nps"] == "14.3"


def test_without_answers_there_are_no_figures(tmp_path: Path) -> None:
    """No answers is not nought percent satisfied; nobody asked is not nought percent back."""
    office = SurveyOffice(tmp_path, "standard")
    wave = _asked(office, 2, "satisfaction")
    figures = office.get(wave)["figures"]
    (row,) = figures["dimensions"]
    assert figures["no_answers"] is True
    assert (row["average"], row["satisfied"], row["nps"], row["gap"]) == (None, None, None, None)
    nobody = office.launched(kind="satisfaction", where={"grade": "none"})
    empty = office.get(nobody)
    assert (empty["sent"], empty["coverage"], empty["figures"]["rate"]) == (0, None, None)


def test_the_same_seed_asks_the_same_and_every_layer_its_share(tmp_path: Path) -> None:
    """Of 30 important and 70 ordinary customers 20 percent are 6 and 14; another seed asks others."""
    office = SurveyOffice(tmp_path, "standard")
    office.people(30, grade="important")
    office.people(70, grade="ordinary")
    plan: dict[str, Any] = {"kind": "satisfaction", "where": {}, "percent": 20, "stratify": "grade"}
    waves = [office.launched(**plan, seed=seed) for seed in ("spring", "spring", "autumn")]
    asked = [[row["customer_id"] for row in office.invitations(wave)] for wave in waves]
    assert set(asked[0]) == set(asked[1]) != set(asked[2])
    strata = [{row["stratum"]: row["asked"] for row in office.get(wave)["strata"]} for wave in waves]
    assert strata == [{"important": 6, "ordinary": 14}] * 3


@given(
    sizes=st.dictionaries(st.text(min_size=1, max_size=3), st.integers(0, 40), min_size=1, max_size=5),
    percent=st.decimals("0.01", 100, places=2),
    seed=st.text(max_size=5),
)
def test_every_layer_gets_its_share_and_exactly_so_many_are_drawn(
    sizes: dict[str, int], percent: Decimal, seed: str
) -> None:
    """Within one of its exact share, in sum what was wanted, and all of 100 percent."""
    everybody = sum(sizes.values())
    total = wanted(everybody, None, percent)
    shares = allocate(sizes, total)
    assert sum(shares.values()) == total
    for code, size in sizes.items():
        stratum = Stratum(code, size, shares[code])
        assert shares[code] <= size
        assert not everybody or abs(shares[code] - Decimal(size * total) / everybody) < 1
        for number in range(size + 2):
            stratum, _ = draw(stratum, seed, f"cu_{number}")
        assert stratum.chosen == shares[code]


def test_20_percent_of_three_are_one_and_all_are_all() -> None:
    """Rounded up, so that a small target is not left out."""
    assert (wanted(3, None, Decimal(20)), wanted(3, None, Decimal(100)), wanted(3, None, None)) == (1, 3, 3)


def test_everybody_has_the_same_chance() -> None:
    """Over a thousand seeds each of ten is drawn about three hundred times."""
    times = dict.fromkeys(range(10), 0)
    for seed in range(1000):
        stratum = Stratum("", 10, 3)
        for number in times:
            stratum, taken = draw(stratum, str(seed), f"cu_{number}")
            times[number] += taken
    assert all(240 < drawn < 360 for drawn in times.values())


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_bounds_hold_the_share_and_lie_between_nought_and_a_hundred(part: int, whole: int) -> None:
    """Wilson's interval never leaves the scale, as the simple one does."""
    part = min(part, whole)
    low, high = map(Decimal, wilson(part, whole) or ())
    share = Decimal(100 * part) / whole
    assert 0 <= low <= share + Decimal("0.05")
    assert share - Decimal("0.05") <= high <= 100
