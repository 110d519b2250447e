"""The mechanism: files that inherit, versions with dates, organisations, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from textwrap import dedent
from typing import Any
from zoneinfo import ZoneInfo

import marshmallow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import NotFound
from shared.regulations import RegulationError, Rulebooks, Sourced
from shared.regulations.fields import (
    REQUIRED,
    Flag,
    Row,
    Table,
    Text,
    Whole,
    source,
    sourced,
    sourced_duration,
)
from shared.regulations.loading import Loaded, load, read_all
from shared.worktime import Duration


@dataclass(frozen=True)
class Lamp:
    code: str
    watts: int
    source: str


@dataclass(frozen=True)
class House:
    limit: Sourced[Duration] | None = None
    lit: Sourced[bool] | None = None
    lamps: tuple[Lamp, ...] = ()


class LampRow(Row):
    builds = Lamp
    code = Text(**REQUIRED)
    watts = Whole(least=1, **REQUIRED)
    source = source()


class HouseSchema(Row):
    builds = House
    limit = sourced_duration()
    lit = sourced(Flag())
    lamps = Table(LampRow(), **REQUIRED)


STANDARD = """
    profile: standard
    versions:
      - version: "1"
        effective_from: 2020-01-01
        limit: {amount: 3, unit: hours, source: B-AAA-01}
        lamps:
          hall: {watts: 40, source: B-AAA-02}
    """
VILLA = """
    profile: villa
    extends: standard
    versions:
      - version: "1"
        effective_from: 2020-01-01
        lamps:
          attic: {watts: 25, source: B-BBB-01}
    """
HILL = """
    org: hill
    name: 山居（测试）
    profile: villa
    number_prefix: HIL
    calendar: cn
    time_zone: Asia/Shanghai
    publishers: [post]
    roles: [owner]
    """

Write = Callable[[str, str], Path]
Load = Callable[[], Rulebooks[House]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file below the test's own directory; begins with two profiles and an organisation."""

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    write_file("profiles/standard.yaml", STANDARD)
    write_file("profiles/villa.yaml", VILLA)
    write_file("organisations/hill.yaml", HILL)
    return write_file


@pytest.fixture
def load_all(tmp_path: Path, write: Write) -> Load:
    """Loads what has been written."""

    def load_files() -> Rulebooks[House]:
        def read(sections: Any) -> House:
            house: House = HouseSchema().load(sections)
            return house

        return load(tmp_path / "profiles", tmp_path / "organisations", read, "houses", ("houses", "streets"))

    return load_files


NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def refusal(load_all: Load) -> str:
    with pytest.raises(RegulationError) as caught:
        load_all()
    return str(caught.value)


def test_a_profile_inherits_what_its_base_says_and_adds_its_own(load_all: Load) -> None:
    """Mappings merge over ``extends``; rows come in the order of the files, the base's first."""
    house = load_all().for_org("hill", NOW).sections

    expected = House(
        limit=Sourced(Duration(3, "hours"), "B-AAA-01"),
        lamps=(Lamp("hall", 40, "B-AAA-02"), Lamp("attic", 25, "B-BBB-01")),
    )
    assert house == expected


def test_a_statement_with_a_source_replaces_what_it_covers_whole(write: Write, load_all: Load) -> None:
    """No part of a base's statement survives under another's source."""
    write("profiles/villa.yaml", VILLA + "    limit: {amount: 5, unit: days, source: B-BBB-02}\n")

    house = load_all().for_org("hill", NOW).sections

    assert house.limit == Sourced(Duration(5, "days"), "B-BBB-02")


def test_null_takes_an_inherited_value_away(write: Write, load_all: Load) -> None:
    """An organisation or profile can leave a mechanism of its base unarmed."""
    write("profiles/villa.yaml", VILLA + "    limit: null\n")

    assert load_all().for_org("hill", NOW).sections.limit is None


def test_a_changed_value_may_not_keep_the_source_of_the_old_one(write: Write, load_all: Load) -> None:
    """Overriding a number inside a statement without a new source would lie about where it comes from."""
    write("profiles/villa.yaml", VILLA + "    limit: {amount: 5}\n")

    assert re.search(
        r"villa\.yaml: limit\.amount: changes a value of B-AAA-01 without naming a source", refusal(load_all)
    )


def test_an_organisation_decides_what_its_handbook_leaves_open(write: Write, load_all: Load) -> None:
    """Overrides are the topmost layer, and only those of the part being loaded count."""
    overrides = """
    overrides:
      - version: "a"
        effective_from: 2020-01-01
        houses:
          lit: {value: true, source: organisation}
        streets:
          lit: {value: false, source: organisation}
    """
    write("organisations/hill.yaml", HILL + overrides)

    regulation = load_all().for_org("hill", NOW)

    assert regulation.sections.lit == Sourced(value=True, source="organisation")
    assert regulation.version == "standard:1,villa:1,hill:a"


def test_the_source_of_any_value_can_be_asked_for(load_all: Load) -> None:
    """``source_of`` gives a value's own source or that of the statement around it, and KeyError otherwise."""
    regulation = load_all().for_org("hill", NOW)

    assert regulation.source_of("limit") == "B-AAA-01"
    assert regulation.source_of("lamps.attic.watts") == "B-BBB-01"
    with pytest.raises(KeyError, match=r"no value at 'lamps\.cellar'"):
        regulation.source_of("lamps.cellar")
    with pytest.raises(KeyError, match="nothing at 'lamps' names"):
        regulation.source_of("lamps")


TWO_VERSIONS = """
      - version: "2"
        effective_from: 2026-07-01
        lamps:
          attic: {watts: 60, source: B-BBB-01}
    """


@pytest.mark.rule("B-RET-34", "B-SFM-10")
def test_a_matter_begun_before_a_new_version_stays_under_the_old_one(write: Write, load_all: Load) -> None:
    """A version comes into force on its date and the older one stays readable for what was begun under it."""
    write("profiles/villa.yaml", VILLA.rstrip() + TWO_VERSIONS)
    books = load_all()

    before = books.for_org("hill", datetime(2026, 6, 30, 12, 0, tzinfo=UTC))
    after = books.for_org("hill", datetime(2026, 7, 1, 12, 0, tzinfo=UTC))

    assert [lamp.watts for lamp in before.sections.lamps] == [40, 25]
    assert [lamp.watts for lamp in after.sections.lamps] == [40, 60]
    assert (before.effective_from, after.effective_from) == (date(2020, 1, 1), date(2026, 7, 1))
    assert books.of_version("hill", before.version) == before


def test_a_version_begins_at_the_organisations_own_midnight(write: Write, load_all: Load) -> None:
    """``effective_from`` is a local date: in Shanghai July begins at 16:00 UTC on 30 June."""
    write("profiles/villa.yaml", VILLA.rstrip() + TWO_VERSIONS)
    books = load_all()
    midnight = datetime(2026, 6, 30, 16, 0, tzinfo=UTC)

    assert books.for_org("hill", midnight - timedelta(milliseconds=1)).version == "standard:1,villa:1"
    assert books.for_org("hill", midnight).version == "standard:1,villa:2"


@pytest.fixture(scope="module")
def four_versions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rulebooks[House], dict[str, date]]:
    """A profile with four versions, two of them a day apart, and the dates they begin on."""
    begins = {"1": date(2020, 1, 1), "2": date(2026, 7, 1), "3": date(2026, 7, 2), "4": date(2027, 1, 1)}
    rows = "".join(
        f"  - {{version: '{name}', effective_from: {day}, lamps: {{}}}}\n" for name, day in begins.items()
    )
    root = tmp_path_factory.mktemp("versions")
    for folder, name, text in (
        ("p", "villa", f"profile: villa\nversions:\n{rows}"),
        ("o", "hill", dedent(HILL)),
    ):
        (root / folder).mkdir()
        (root / folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load(root / "p", root / "o", HouseSchema().load, "houses", ("houses",)), begins


@given(day=st.dates(date(2019, 12, 1), date(2027, 2, 1)), second=st.integers(0, 86_399))
def test_at_every_moment_the_latest_version_begun_is_in_force(
    day: date, second: int, four_versions: tuple[Rulebooks[House], dict[str, date]]
) -> None:
    """Looked up by bisection, checked against a plain search through the dates."""
    books, begins = four_versions
    at = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("Asia/Shanghai")) + timedelta(seconds=second)

    begun = [name for name, begin in begins.items() if begin <= day]

    if begun:
        assert books.for_org("hill", at.astimezone(UTC)).version == f"villa:{begun[-1]}"
    else:
        with pytest.raises(NotFound, match="no rulebook in force"):
            books.for_org("hill", at.astimezone(UTC))


def test_a_version_outlives_the_profile_the_organisation_left(write: Write, load_all: Load) -> None:
    """An organisation that changes its profile keeps the rules its old matters were begun under."""
    old = load_all().for_org("hill", NOW)
    write("profiles/hut.yaml", VILLA.replace("villa", "hut").replace("25", "5"))
    write("organisations/hill.yaml", HILL.replace("villa", "hut"))

    books = load_all()

    assert books.for_org("hill", NOW).version == "standard:1,hut:1"
    assert books.of_version("hill", old.version) == old


@pytest.mark.parametrize("version", ["standard:1,villa:9", "standard:1,castle:1", "", "villa", "hill:a"])
def test_a_version_no_file_holds_is_not_found(version: str, load_all: Load) -> None:
    """A matter that names such a version gets a clear refusal, not another version's rules."""
    with pytest.raises(NotFound, match="no rulebook version"):
        load_all().of_version("hill", version)


def test_layers_that_make_no_rulebook_are_not_found(write: Write, load_all: Load) -> None:
    """A version whose layers are on file but do not hold together is refused, saying what is missing."""
    overrides = """
    overrides:
      - version: "a"
        effective_from: 2020-01-01
        houses:
          lit: {value: true, source: organisation}
    """
    write("organisations/hill.yaml", HILL + overrides)

    with pytest.raises(NotFound, match=r"cannot use its rulebook version 'hill:a'.*\n.*lamps: is missing"):
        load_all().of_version("hill", "hill:a")


def test_an_unknown_organisation_is_not_found(load_all: Load) -> None:
    """Every way in refuses an organisation that does not exist."""
    books = load_all()

    for ask in (
        lambda: books.organisation("moon"),
        lambda: books.for_org("moon", NOW),
        lambda: books.of_version("moon", "standard:1,villa:1"),
    ):
        with pytest.raises(NotFound, match="organisation 'moon' does not exist"):
            ask()


def test_a_moment_without_a_time_zone_is_refused(load_all: Load) -> None:
    """A naive moment would silently mean the machine's own zone."""
    with pytest.raises(ValueError, match="no time zone"):
        load_all().for_org("hill", datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_organisations_are_listed_with_what_they_are(load_all: Load) -> None:
    """The command line and the checks on publishers read them here."""
    (hill,) = load_all().organisations

    assert (hill.id, hill.profile, hill.number_prefix, hill.calendar) == ("hill", "villa", "HIL", "cn")
    assert hill.publishers == frozenset({"post"})
    assert load_all().organisation("hill") == hill


BAD_PROFILES = {
    "an unknown key": ("walls: 4", "villa.yaml: walls: unknown key"),
    "an unknown key in a row": (
        "lamps: {hall: {watts: 40, colour: red, source: B-BBB-01}}",
        "villa.yaml: lamps.hall.colour: unknown key",
    ),
    "a wrong unit": (
        "limit: {amount: 3, unit: fortnights, source: B-BBB-01}",
        "villa.yaml: limit: the unit must be one of",
    ),
    "an amount of nothing": (
        "limit: {amount: 0, unit: hours, source: B-BBB-01}",
        "villa.yaml: limit.amount: must be from 1 up: 0",
    ),
    "an end of day for hours": (
        "limit: {amount: 3, unit: hours, end_of_day: true, source: B-BBB-01}",
        "villa.yaml: limit: from_next_day and end_of_day go with days and working_days, not hours",
    ),
    "a value without a source": (
        "lamps: {attic: {watts: 25}}",
        "villa.yaml: lamps.attic.source: is missing: every value names its source",
    ),
    "a source that is no rule": (
        "lit: {value: true, source: hearsay}",
        "villa.yaml: lit.source: must be a rule id such as B-RET-32, or 'design': 'hearsay'",
    ),
    "a profile deciding for an organisation": (
        "lit: {value: true, source: organisation}",
        "villa.yaml: lit.source: must be a rule id",
    ),
    "text for a flag": (
        "lit: {value: 'yes', source: B-BBB-01}",
        "villa.yaml: lit.value: must be true or false",
    ),
    "a key that is no text": ("lit: {[a, b]: 1}", "villa.yaml: is not valid YAML: a key must be text"),
    "a day that no calendar has": (
        "lit: {value: true, source: B-BBB-01, since: 2026-02-30}",
        "villa.yaml: is not valid YAML: day is out of range for month",
    ),
    "a value that holds itself": (
        "lit: &lit {value: *lit, source: B-BBB-01}",
        "villa.yaml: is nested deeper than 30 levels",
    ),
    "a key written twice": (
        "lit: {value: true, value: false, source: B-BBB-01}",
        "villa.yaml: is not valid YAML: the key 'value' is written twice",
    ),
}


@pytest.mark.parametrize(("line", "expected"), BAD_PROFILES.values(), ids=BAD_PROFILES.keys())
def test_a_bad_value_is_refused_with_file_path_and_reason(
    line: str, expected: str, write: Write, load_all: Load
) -> None:
    """The service does not start with a rulebook that says something it cannot mean."""
    head = VILLA[: VILLA.index("lamps:")]
    write("profiles/villa.yaml", f"{head}{line}\n")

    assert expected in refusal(load_all)


BAD_FRAMES = {
    "another name than the file": (("profile: villa", "profile: manor"), "profile: must be 'villa'"),
    "an unknown base": (("extends: standard", "extends: palace"), "extends: there is no profile 'palace'"),
    "itself as base": (
        ("extends: standard", "extends: villa"),
        "extends: the profiles extend each other in a circle: villa -> villa",
    ),
    "no date": (("effective_from: 2020-01-01", "note: x"), "versions.0.effective_from: must be a date"),
    "a moment for a date": (
        ("effective_from: 2020-01-01", "effective_from: 2020-01-01 10:00:00"),
        "versions.0.effective_from: must be a date",
    ),
    "a number for a version": (('version: "1"', "version: 1.0"), "versions.0.version: must be text"),
    "no versions": (("versions:", "editions:"), "versions: must list at least one version"),
}


@pytest.mark.rule("B-RET-34")
@pytest.mark.parametrize(("change", "expected"), BAD_FRAMES.values(), ids=BAD_FRAMES.keys())
def test_a_bad_frame_is_refused(change: tuple[str, str], expected: str, write: Write, load_all: Load) -> None:
    """Name, base, version and date of entry into force are what everything else hangs on."""
    write("profiles/villa.yaml", VILLA.replace(*change))

    assert f"villa.yaml: {expected}" in refusal(load_all)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            ("2026-07-01", "2020-01-01"),
            "effective_from 2020-01-01 is given more than once; two versions may not",
        ),
        (('version: "2"', 'version: "1"'), "version 1 is given more than once"),
    ],
)
def test_versions_may_not_overlap(
    change: tuple[str, str], expected: str, write: Write, load_all: Load
) -> None:
    """Of two versions with one date nobody could say which is in force."""
    write("profiles/villa.yaml", VILLA.rstrip() + TWO_VERSIONS.replace(*change))

    assert f"villa.yaml: versions: {expected}" in refusal(load_all)


def test_profiles_that_extend_each_other_are_refused(write: Write, load_all: Load) -> None:
    """A circle has no base; the message shows it."""
    write(
        "profiles/standard.yaml",
        STANDARD.replace("profile: standard", "profile: standard\n    extends: villa"),
    )

    assert "in a circle: villa -> standard -> villa" in refusal(load_all)


def test_a_version_that_begins_next_year_is_checked_today(write: Write, load_all: Load) -> None:
    """A bad version must not wait for the day it comes into force, nor for an organisation to follow it."""
    hut = VILLA.replace("villa", "hut").rstrip() + TWO_VERSIONS.replace("watts: 60", "watts: none")
    write("profiles/hut.yaml", hut)

    assert "hut.yaml: lamps.attic.watts: must be a whole number: 'none'" in refusal(load_all)


def test_a_start_goes_through_the_profiles_that_are_followed_and_no_others(
    write: Write, tmp_path: Path
) -> None:
    """A slip in a handbook that nobody here works by keeps no department from its work; a check still finds it."""
    write("profiles/hut.yaml", VILLA.replace("villa", "hut").replace("25", "none"))
    read = partial(
        read_all, tmp_path / "profiles", tmp_path / "organisations", HouseSchema().load, "houses", ("houses",)
    )

    assert read(unfollowed=False).sound().for_org("hill", NOW).sections.lamps
    assert [Path(fault.file).name for fault in read().faults] == ["hut.yaml"]

    write("organisations/hill.yaml", HILL.replace("villa", "hut"))
    assert [Path(fault.file).name for fault in read(unfollowed=False).faults] == ["hut.yaml"]


def test_sections_that_are_the_same_are_typed_once(write: Write, tmp_path: Path) -> None:
    """Every restart goes through all rulebooks: twenty organisations on one handbook cost one of them."""
    for name in ("dale", "glen"):
        write(f"organisations/{name}.yaml", HILL.replace("hill", name).replace("HIL", name.upper()))
    calls: list[Any] = []

    def read(sections: Any) -> House:
        calls.append(sections)
        house: House = HouseSchema().load(sections)
        return house

    books = load(tmp_path / "profiles", tmp_path / "organisations", read, "houses", ("houses", "streets"))
    assert len(calls) == 2, "the base by itself, and what all three follow"
    assert len({id(books.for_org(name, NOW).sections) for name in ("hill", "dale", "glen")}) == 1
    write("profiles/villa.yaml", VILLA.replace("25", "26"))
    other = load(tmp_path / "profiles", tmp_path / "organisations", read, "houses", ("houses", "streets"))
    assert len(calls) == 3
    assert other.for_org("hill", NOW).sections != books.for_org("hill", NOW).sections


BAD_ORGANISATIONS = {
    "an unknown profile": (("profile: villa", "profile: igloo"), "profile: there is no profile 'igloo'"),
    "an unknown key": (("calendar: cn", "calendar: cn\n    motto: x"), "motto: unknown key"),
    "another name than the file": (("org: hill", "org: dale"), "org: must be 'hill'"),
    "no time zone": (("Asia/Shanghai", "Asia/Nowhere"), "time_zone: 'Asia/Nowhere' is no time zone"),
    "a prefix in small letters": (("HIL", "hil"), "number_prefix: 'hil' does not have the form"),
    "no publishers": (("publishers: [post]", "publishers: post"), "publishers: must be a list"),
    "no calendar": (("calendar: cn", "calendar: "), "calendar: is missing or not text"),
    "a calendar that does not exist": (
        ("calendar: cn", "calendar: atlantis"),
        "calendar: there is no calendar called 'atlantis'",
    ),
    "no roles": (("roles: [owner]", "note: x"), "roles: must be a list of names"),
    "a role that is no name": (("roles: [owner]", "roles: [The Owner]"), "roles: must be a list of names"),
}


@pytest.mark.parametrize(("change", "expected"), BAD_ORGANISATIONS.values(), ids=BAD_ORGANISATIONS.keys())
def test_a_bad_organisation_is_refused(
    change: tuple[str, str], expected: str, write: Write, load_all: Load
) -> None:
    """An organisation's own file is checked as strictly as a profile."""
    write("organisations/hill.yaml", HILL.replace(*change))

    assert f"hill.yaml: {expected}" in refusal(load_all)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("rooms: {lit: {value: true, source: organisation}}", "overrides.0.rooms: unknown part; known are"),
        (
            "houses: {lit: {value: true, source: B-AAA-01}}",
            "overrides.0.houses.lit.source: must be 'organisation'",
        ),
        ("houses: {lit: {value: 7, source: organisation}}", "lit.value: must be true or false: 7"),
        ("houses: [lit]", "overrides.0.houses: must be a mapping"),
    ],
)
def test_a_bad_override_is_refused(override: str, expected: str, write: Write, load_all: Load) -> None:
    """An organisation decides for itself, not in the name of a handbook nor about what does not exist."""
    rows = f'    overrides:\n      - {{version: "a", effective_from: 2020-01-01, {override}}}\n'
    write("organisations/hill.yaml", HILL.rstrip(" ") + rows)

    assert f"hill.yaml: {expected}" in refusal(load_all)


def test_two_organisations_may_not_number_alike(write: Write, load_all: Load) -> None:
    """Numbers are told apart by the prefix, so two organisations may not share one."""
    write("organisations/vale.yaml", HILL.replace("org: hill", "org: vale"))

    assert "vale.yaml: number_prefix: HIL is already used by hill" in refusal(load_all)


def test_an_organisation_may_not_be_called_like_a_profile(write: Write, load_all: Load) -> None:
    """Both names stand in a version, which must say one thing only."""
    write("organisations/villa.yaml", HILL.replace("org: hill", "org: villa").replace("HIL", "VIL"))

    assert "villa.yaml: org: 'villa' is the name of a profile already" in refusal(load_all)


def test_a_profile_that_cannot_be_read_is_one_fault_and_not_one_of_all_that_rest_on_it(
    write: Write, load_all: Load
) -> None:
    """A broken base does not hide behind "there is no such profile" at everything that names it."""
    write("profiles/standard.yaml", "{unclosed: [")

    assert refusal(load_all).count("\n") == 1


def refuse_everything_but_aaa(profile: str, source: str) -> str | None:
    return None if source.startswith("B-AAA") else f"{profile} may not cite {source}"


def roles_of(house: House) -> list[tuple[str, str]]:
    return [(f"lamps.{lamp.code}.watts", f"role_{lamp.watts}") for lamp in house.lamps]


def read(tmp_path: Path, **checks: Any) -> Loaded[House]:
    return read_all(
        tmp_path / "profiles",
        tmp_path / "organisations",
        HouseSchema().load,
        "houses",
        ("houses", "streets"),
        **checks,
    )


def test_a_source_that_may_not_be_cited_is_a_fault_where_it_stands(tmp_path: Path, write: Write) -> None:
    """Which rules there are and whose they are is asked of the caller, once a file and never of `design`."""
    write("profiles/villa.yaml", VILLA + "    lit: {value: true, source: design}\n")

    faults = read(tmp_path, refuse_source=refuse_everything_but_aaa).faults

    assert [(Path(fault.file).name, fault.path, fault.reason) for fault in faults] == [
        ("villa.yaml", "lamps.attic.source", "villa may not cite B-BBB-01")
    ]


def test_a_role_nobody_holds_is_a_fault_at_the_file_that_names_it(tmp_path: Path, write: Write) -> None:
    """The base names one, the profile another; the organisation lists which of them it has."""
    write("organisations/hill.yaml", HILL.replace("[owner]", "[role_40]"))

    faults = read(tmp_path, roles=roles_of).faults

    assert [(Path(fault.file).name, fault.path) for fault in faults] == [("villa.yaml", "lamps.attic.watts")]
    assert "nobody of hill holds the role 'role_25'" in faults[0].reason


def test_what_is_sound_can_be_read_beside_what_is_not(tmp_path: Path, write: Write) -> None:
    """Profiles are built by themselves, and ``sound`` refuses only when there is a fault."""
    loaded = read(tmp_path)

    assert loaded.sound() is loaded.rulebooks
    assert {name: [r.version for r in versions] for name, versions in loaded.profiles.items()} == {
        "standard": ["standard:1"],
        "villa": ["standard:1,villa:1"],
    }
    with pytest.raises(RegulationError, match="may not cite"):
        read(tmp_path, refuse_source=refuse_everything_but_aaa).sound()


def test_every_value_knows_the_file_it_comes_from(load_all: Load) -> None:
    """What is inherited names the base's file, what is the profile's own names the profile's."""
    regulation = load_all().for_org("hill", NOW)

    assert Path(regulation.file_of("limit.amount")).name == "standard.yaml"
    assert Path(regulation.file_of("lamps.attic")).name == "villa.yaml"
    assert regulation.content["limit"]["amount"] == 3


def test_all_problems_of_all_files_come_in_one_message(write: Write, load_all: Load) -> None:
    """Whoever mends the files sees everything at once, each problem once."""
    write("profiles/standard.yaml", STANDARD.replace("hours", "fortnights"))
    write("profiles/villa.yaml", VILLA.replace("25", "-1"))
    write("organisations/hill.yaml", HILL.replace("cn", ""))

    with pytest.raises(RegulationError) as caught:
        load_all()

    files = [Path(fault.file).name for fault in caught.value.faults]
    assert files == ["hill.yaml", "standard.yaml", "villa.yaml"]
    assert str(caught.value).startswith("the rulebooks have 3 problems:\n")


@pytest.mark.parametrize("content", ["", "- a\n- b", "just text", "{unclosed: [", "\tx: 1"])
def test_a_file_that_holds_no_mapping_is_refused(content: str, write: Write, load_all: Load) -> None:
    """Empty, broken and foreign files are named, never skipped."""
    path = write("profiles/villa.yaml", content)

    assert str(path) in refusal(load_all)


def test_yaml_cannot_make_the_loader_run_code(write: Write, load_all: Load) -> None:
    """Rulebooks are data: a tag that would build an object is refused."""
    write("profiles/villa.yaml", VILLA + '    lit: !!python/object/apply:os.system ["true"]\n')

    assert "villa.yaml: is not valid YAML: could not determine a constructor" in refusal(load_all)


def test_empty_directories_are_refused(tmp_path: Path) -> None:
    """A wrong path in the settings must not start a service without rules."""
    with pytest.raises(RegulationError) as caught:
        load(tmp_path / "a", tmp_path / "b", HouseSchema().load, "houses", ("houses",))

    assert [fault.reason for fault in caught.value.faults] == [
        "holds no profile file (*.yaml)",
        "holds no organisation file (*.yaml)",
    ]


def test_other_errors_of_a_schema_are_not_hidden(tmp_path: Path, write: Write) -> None:
    """Only what marshmallow finds wrong is a fault of the file; a fault of the program stays one."""

    def broken(_: object) -> House:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        load(tmp_path / "profiles", tmp_path / "organisations", broken, "houses", ("houses", "streets"))


def test_a_fault_of_the_whole_content_names_the_topmost_file(tmp_path: Path, write: Write) -> None:
    """What no single value causes is reported at the file that made the rulebook complete."""

    def never(_: object) -> House:
        raise marshmallow.ValidationError("does not hang together")

    with pytest.raises(RegulationError, match=r"villa\.yaml: does not hang together"):
        load(tmp_path / "profiles", tmp_path / "organisations", never, "houses", ("houses", "streets"))
