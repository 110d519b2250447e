"""A cable network's three stations: whose area an address lies in, who gets which order, and that none is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.requests.areas import SIDES, Area, area_of
from services.intake.rulebook import read_rulebooks
from shared.errors import ValidationFailed
from tests.unit.intake.on_duty import Intake
from tests.unit.intake.on_duty import organisation as staffed
from tests.unit.intake.requests_world import Desk, organisation, refused

NORTH = ["苏石路以北", "人民西路以北", "郴州大道以北、京广线以西"]
SOUTH = ["人民西路以南、洛仙岭以东、燕泉河以西", "洛仙岭以东，国庆路以西"]
EAST = ["人民东路以南、燕泉河以东、京广线以西", "苏石路以南", "环城南路以北、湘南大酒店以东"]
#: Beyond every border, on no line that is one, on two sides of one line, and between two areas.
NOWHERE = ["京广线以东", "五岭大道", "人民西路", "人民西路以南、人民西路以北", "石榴湾大桥以东", "城前岭以南"]
ORDERS = ("collect_fee", "repair", "inspect")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return the headquarters of a network."""
    return Desk(organisation(tmp_path, "cable-tv"), tmp_path)


def unit_of(desk: Desk, request: str) -> str:
    return str(desk.look(request, desk.person("m-1", "manager"))["owner"]["unit"])


def opened(desk: Desk, kind: str = "repair", **filled: object) -> str:
    return desk.open(kind, filled=filled)


@pytest.mark.rule("A-CAT-01")
def test_a_station_gets_orders_of_three_kinds_and_of_no_other(desk: Desk) -> None:
    """Promise: fees, repairs and inspections reach a station; there is no order of another kind."""
    for kind in ORDERS:
        assert unit_of(desk, opened(desk, kind, street="苏石路以北")) == "north"
    with pytest.raises(ValidationFailed, match="no kind of request 'other'"):
        opened(desk, "other", street="苏石路以北")
    with pytest.raises(ValidationFailed, match="takes nothing"):
        opened(desk, "enquiry", street="苏石路以北")
    assert {event["source"] for event in desk.events("request_opened")} <= {
        "A-CAT-05",
        "A-CAT-17",
        "A-CAT-18",
    }


@pytest.mark.rule("A-CAT-05")
@pytest.mark.parametrize("kind", ORDERS)
def test_an_address_outside_all_areas_waits_in_a_list_of_its_own(desk: Desk, kind: str) -> None:
    """Promise: what lies nowhere, or in two areas, is nobody's guess: it stands before headquarters until placed."""
    waiting = [opened(desk, kind, street=address) for address in NOWHERE] + [opened(desk, kind)]
    assert {event["source"] for event in desk.events("request_opened")} == {"A-CAT-05"}
    clerk = desk.person("c-1", "office_clerk")
    assert {row["request_id"] for row in desk.rows(clerk, unit="unassigned")} == set(waiting)
    desk.do("accept_request", clerk, id=waiting[0])
    desk.act(waiting[0], "locate", clerk, street="人民西路以南、燕泉河以西")
    assert unit_of(desk, waiting[0]) == "south"
    assert desk.events("request_passed_on")[-1]["change"] == "routed"
    assert waiting[0] not in {row["request_id"] for row in desk.rows(clerk, unit="unassigned")}
    # Nothing new is learned: it stays where it is, and whoever has taken it keeps it.
    desk.do("accept_request", desk.person("s-1", "south_station"), id=waiting[0])
    desk.act(waiting[0], "locate", clerk, street="燕泉河以西")
    owner = desk.look(waiting[0], clerk)["owner"]
    assert (owner["unit"], owner["staff"]) == ("south", "s-1")


@pytest.mark.rule("A-CAT-06")
def test_what_lies_north_of_the_streets_is_the_north_stations(desk: Desk) -> None:
    """Promise: three addresses north of the border go to the north station, one south of it does not."""
    assert [unit_of(desk, opened(desk, street=address)) for address in NORTH] == ["north"] * 3
    assert unit_of(desk, opened(desk, street="苏石路以南")) != "north"


@pytest.mark.rule("A-CAT-07")
def test_what_lies_between_the_hill_and_the_river_is_the_south_stations(desk: Desk) -> None:
    """Promise: south of 人民西路, between 洛仙岭 and 燕泉河; across the river it is another's."""
    assert [unit_of(desk, opened(desk, street=address)) for address in SOUTH] == ["south"] * 2
    assert unit_of(desk, opened(desk, street="燕泉河以东、洛仙岭以东")) != "south"


@pytest.mark.rule("A-CAT-08")
def test_what_lies_between_the_river_and_the_railway_is_the_east_stations(desk: Desk) -> None:
    """Promise: south of 人民东路, between 燕泉河 and the railway; beyond the railway it is nobody's."""
    assert [unit_of(desk, opened(desk, street=address)) for address in EAST] == ["east"] * 3
    assert unit_of(desk, opened(desk, street="人民东路以南、京广线以东")) == "unassigned"


def test_a_network_lists_the_streets_between_the_borders_itself(tmp_path: Path) -> None:
    """Promise: a street of the organisation's own list needs no side; one in two areas is placed by a person."""
    south = {
        "name": "城南",
        "streets": ["文化路", "五岭大道"],
        "borders": ["燕泉河以西", "人民西路以南"],
        "source": "organisation",
    }
    east = {"name": "城东", "streets": ["五岭大道"], "borders": ["燕泉河以东"], "source": "organisation"}
    own = {"requests": {"areas": {"south": south, "east": east}}}
    desk = Desk(organisation(tmp_path, "cable-tv", intake=own), tmp_path)
    assert unit_of(desk, opened(desk, street="文化路")) == "south"
    assert unit_of(desk, opened(desk, street="五岭大道")) == "unassigned"
    assert unit_of(desk, opened(desk, street="五岭大道、燕泉河以东")) == "east"


@pytest.mark.parametrize("borders", [["人民西路"], ["以北"], ["人民西路以北", "人民西路以南"], []])
def test_a_border_without_its_one_side_is_no_rulebook(tmp_path: Path, borders: list[str]) -> None:
    """Promise: the service does not start on an area whose border says nothing."""
    own = {"requests": {"areas": {"west": {"name": "城西", "borders": borders, "source": "organisation"}}}}
    organisation(tmp_path, "cable-tv", intake=own)
    assert any("areas.west" in fault.path for fault in read_rulebooks(tmp_path).faults)


_LINES = st.sampled_from(["人民西路", "燕泉河", "京广线", "国庆路"])
_BORDERS = st.builds(lambda line, side: f"{line}{side}", _LINES, st.sampled_from(sorted(SIDES)))


@given(st.lists(st.frozensets(_BORDERS, min_size=1), min_size=1, max_size=4), st.lists(_BORDERS, max_size=4))
def test_an_address_lies_in_one_area_or_in_none(borders: list[frozenset[str]], said: list[str]) -> None:
    """Promise: whatever the borders, nothing lies beyond a border of its area, and the order of areas is nothing."""
    areas = [Area(f"a{n}", "区", (), tuple(each), "design") for n, each in enumerate(borders)]
    found = area_of(areas, "、".join(said))
    assert found == area_of(areas[::-1], "，".join(reversed(said)))
    for area in areas:
        if area.code == found:
            assert set(area.borders) & set(said)
            assert not {f"{each[:-2]}{SIDES[each[-2:]]}" for each in area.borders} & set(said)


@pytest.mark.rule("A-CAT-10")
def test_headquarters_sees_the_open_orders_of_all_stations_and_a_station_its_own(desk: Desk) -> None:
    """Promise: 5, 3 and 4 open orders; a station is refused another's list."""
    for address, number in ((NORTH[0], 5), (SOUTH[0], 3), (EAST[0], 4)):
        for _ in range(number):
            opened(desk, street=address)
    clerk, northern = desk.person("c-1", "office_clerk"), desk.person("n-1", "north_station")
    rows = {unit: desk.rows(clerk, unit=unit) for unit in ("north", "south", "east")}
    assert {unit: len(found) for unit, found in rows.items()} == {"north": 5, "south": 3, "east": 4}
    assert {row["owner"]["unit"] for row in desk.rows(northern)} == {"north"}
    with refused("A-CAT-10"):
        desk.rows(northern, unit="south")
    with refused("A-CAT-10"):
        desk.act(rows["north"][0]["request_id"], "finish", northern)
    desk.act(rows["north"][0]["request_id"], "finish", northern, outcome="已修复")
    assert len(desk.rows(clerk, unit="north")) == 4


@pytest.mark.rule("A-CAT-12", "A-CAT-17")
def test_fees_of_group_accounts_and_of_upgrade_users_are_not_the_stations(desk: Desk) -> None:
    """Promise: of all the users of an area the station collects from those alone that are its own."""
    own = {opened(desk, "collect_fee", street=NORTH[0], user_class=each) for each in ("ordinary", "new")}
    group = opened(desk, "collect_fee", street=NORTH[0], user_class="group_account")
    assert desk.events("request_opened")[-1]["source"] == "A-CAT-12"
    upgraded = opened(desk, "collect_fee", street=NORTH[0], user_class="network_upgrade")
    assert desk.events("request_opened")[-1]["source"] == "A-CAT-17"
    assert {unit_of(desk, group), unit_of(desk, upgraded)} == {"headquarters"}
    northern = desk.person("n-1", "north_station")
    assert {row["request_id"] for row in desk.rows(northern, unit="north", kind="collect_fee")} == own
    # That the user is a group account may be learned at the door.
    late = next(iter(own))
    desk.act(late, "locate", northern, user_class="group_account")
    assert desk.look(late)["facts"]["routed_by"] == "A-CAT-12"
    assert unit_of(desk, late) == "headquarters"
    with refused("A-CAT-17"):
        opened(desk, "collect_fee", street=NORTH[0], user_class="somebody")


@pytest.mark.rule("A-CAT-14")
def test_headquarters_takes_the_call_and_the_station_of_the_address_the_order(desk: Desk) -> None:
    """Promise: a repair call becomes a repair order with headquarters, and the station's as soon as it is located."""
    call = desk.take(1, category="repair", channel="phone")
    question = desk.take(2, category="enquiry", channel="phone")
    seen = desk.look(call)
    assert (seen["kind"], seen["owner"]["unit"], seen["owner"]["role"]) == (
        "repair",
        "unassigned",
        "office_clerk",
    )
    assert desk.look(question)["owner"]["unit"] == "headquarters"
    assert desk.events("request_opened")[-1]["source"] == "A-CAT-14"
    desk.act(call, "locate", desk.person("c-1", "office_clerk"), street=EAST[0])
    seen = desk.look(call)
    assert seen["owner"] == {"unit": "east", "role": "east_station", "staff": None}
    assert (seen["contact_id"] is not None, seen["facts"]["routed_by"]) == (True, "A-CAT-18")


@pytest.mark.rule("A-CAT-18")
def test_a_fault_above_the_node_is_headquarters_and_an_emergency_takes_another_stations_crew(
    desk: Desk,
) -> None:
    """Promise: below the node the station repairs; people of another area come by an order of headquarters alone."""
    below = opened(desk, street=NORTH[0], above_node=False)
    above = opened(desk, street=NORTH[0], above_node=True)
    assert (unit_of(desk, below), unit_of(desk, above)) == ("north", "headquarters")
    order = {"crew_from": "south", "dispatch_no": "DD-7", "level": "urgent"}
    with refused("A-CAT-18"):
        desk.act(below, "send_crew", desk.person("n-1", "north_station"), **order)
    boss = desk.person("d-1", "deputy_manager")
    for part in order:
        with refused("A-CAT-18"):
            desk.act(below, "send_crew", boss, **{code: text for code, text in order.items() if code != part})
    desk.act(below, "send_crew", boss, **order)
    seen = desk.look(below)
    assert (seen["owner"]["unit"], seen["facts"]["dispatch_no"]) == ("north", "DD-7")
    (task,) = seen["tasks"]
    assert (task["code"], task["to"], task["source"]) == ("join_crew", "south_station", "A-CAT-18")
    desk.act(below, "join_crew", desk.person("s-1", "south_station"))
    assert desk.look(below)["tasks"][0]["done_at"] is not None


@pytest.mark.rule("A-CAT-04")
def test_headquarters_has_one_manager_one_deputy_one_clerk_and_blanks(tmp_path: Path) -> None:
    """Promise: the staffing table has the numbers the handbook gives, and none where it gives none."""
    intake = Intake("test-org", "2025-05-06 09:00", staffed(tmp_path, "cable-tv"))
    table = {row["post"]: row for row in intake.do("get_staffing", "m-1", "manager")["posts"]}
    wanted = {
        "manager": 1,
        "deputy_manager": 1,
        "office_clerk": 1,
        "supervisor": None,
        "fee_hall_staff": None,
    }
    assert {post: table[post]["planned"] for post in wanted} == wanted
    assert {table[post]["source"] for post in wanted} == {"A-CAT-04"}
    assert {post: table[post]["vacant"] for post in wanted} == wanted


@pytest.mark.rule("A-CAT-09")
def test_one_deputy_manager_heads_every_station_and_a_supervisor_stands_below(tmp_path: Path) -> None:
    """Promise: whoever works at a station reports to its deputy head, and that one to the one head of all three."""
    intake = Intake("test-org", "2025-05-06 09:00", staffed(tmp_path, "cable-tv"))
    people = [("M1", "headquarters", "manager"), ("D1", "headquarters", "deputy_manager")]
    for unit, head, worker in (("north", "S1", "N1"), ("south", "S2", "N2"), ("east", "S3", "N3")):
        people += [(head, unit, f"{unit}_deputy_head"), (worker, unit, f"{unit}_staff")]
    for staff, unit, post in people:
        intake.do("enter_member", "hr", "manager", staff=staff, unit=unit, post=post)
        intake.do("change_member", "hr", "manager", staff=staff, action="induct")
    for head, worker in (("S1", "N1"), ("S2", "N2"), ("S3", "N3")):
        assert intake.do("get_superior", worker, staff=worker)["superior"] == head
        assert intake.do("get_superior", head, staff=head)["superior"] == "D1"
    assert intake.do("get_superior", "D1", staff="D1")["sees"] == ["north", "south", "east"]
    table = {row["post"]: row for row in intake.do("get_staffing", "m-1", "manager")["posts"]}
    for unit in ("north", "south", "east"):
        head, others = table[f"{unit}_deputy_head"], table[f"{unit}_staff"]
        assert (head["planned"], head["vacant"], head["source"]) == (1, 0, "A-CAT-09")
        assert (others["planned"], others["vacant"], others["source"]) == (None, None, "A-CAT-09")
