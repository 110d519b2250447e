"""Erasing a customer in every collection of intake: words go, what is counted on stays, open work is waited for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.intake.domain.privacy.holdings import HOLDINGS
from shared.errors import Unavailable
from shared.forgetting import ERASED
from shared.history import History
from shared.mongo.runtime import Runtime
from tests.every_role import ROLES
from tests.unit.intake.on_duty import Intake, organisation

NAME, PHONE, UNIT = "测试甲", "13800000001", "A-1234"
PERSON = {"kind": "person", "name": NAME, "phone": PHONE, "unit": UNIT}
#: What somebody typed, in words no code holds.
WORDS = "住在河边的那位女士"


class Office(Intake):
    """An office of one profile whose people hold every role."""

    def __init__(self, folder: Path, profile: str, **sections: Any) -> None:
        super().__init__("test-org", organisations=organisation(folder, profile, **sections))

    @property
    def database(self) -> Any:
        runtime: Runtime = self.runtime
        return runtime.database

    def ask(self, method: str, actor: str = "u-1", **arguments: Any) -> Any:
        return self.do(method, actor, *ROLES, **arguments)

    def contact(self, category: str = "enquiry", **customer: Any) -> Any:
        return self.ask(
            "register_contact",
            channel="phone",
            category=category,
            received_at="2025-03-03T08:00:00+08:00",
            customer=customer or PERSON,
            text="别的事" if customer else f"{WORDS}，电话{PHONE}",
        )

    def erase(self, customer: str) -> Any:
        asked = self.ask(
            "request_personal_data",
            kind="erase",
            customer_id=customer,
            purpose="service",
            reason=f"{NAME}来电要求",
        )
        self.ask("decide_data_request", "u-2", id=asked["request_id"], granted=True, reason="已核实。")
        return self.report()

    def report(self) -> Any:
        (row,) = self.ask("list_data_requests")
        return row

    def documents(self) -> dict[str, list[dict[str, Any]]]:
        names = [name for name in self.database.list_collection_names() if name in HOLDINGS]
        return {name: list(self.database[name].find()) for name in names}

    def where(self, text: str) -> set[str]:
        """Return the collections in which ``text`` still stands."""
        return {name for name, rows in self.documents().items() if text in repr(rows)}

    def whole(self) -> bool:
        """Return whether every history still verifies."""
        rows = [row for rows in self.documents().values() for row in rows]
        return not any(History.from_documents(row["_id"], row["history"]).verify() for row in rows)


def full_office(folder: Path, **sections: Any) -> tuple[Office, str]:
    """Return an office that wrote about one customer in every way it has, and the customer."""
    office = Office(folder, "logistics", **sections)
    customer = office.contact()["customer_id"]
    (request,) = office.ask("list_requests")
    office.ask("act_on_request", id=request["request_id"], action="note", filled={"topic": WORDS})
    office.ask("transfer_request", id=request["request_id"], staff="u-3", reason=f"{NAME}要求")
    dossier = office.ask("open_dossier", kind="client_file", about="customer", about_id=customer)
    papers = [{"item": "papers", "make": "copy", "reference": f"ID-{PHONE}"}]
    office.ask("hand_in_documents", id=dossier["dossier_id"], documents=papers)
    head = {"name": NAME, "customer_id": customer, "unit": UNIT}
    office.ask("check_in_visit", desk="front", purpose="claim", fee_due="12.50", **head)
    values = {"client": customer, "content": WORDS, "requirement": NAME}
    record = office.ask("open_record", register="consignment", values=values)["record_id"]
    sets = {"insurance_number": f"P-{PHONE}", "insured_value": "100.00"}
    office.ask("act_on_record", id=record, action="insure", values=sets)
    office.ask("correct_record", id=record, values={"content": f"{WORDS}，改"}, reason=f"{NAME}更正")
    told = {"caller": f"{NAME}，+86 138-0000-0001"}
    text = f"{NAME}（{UNIT}）漏水，电话138 0000 0001，已派工"
    office.ask("write_duty_log", desk="front", kind="work", text=text, fields=told, unit=UNIT)
    office.ask("write_duty_log", desk="front", kind="work", text=f"别家的{NAME}来过")
    office.ask("search_conflicts", kind="phone", text=PHONE)
    office.ask("enter_account", name=NAME, phone=PHONE, contact_name=NAME, customer_id=customer)
    other = office.contact(kind="person", name="测试乙", phone="13800000002")["customer_id"]
    # Who came through the other: words about one customer in the file of another.
    notes = {"name": NAME, "phone": PHONE}
    relations = office.database["customers"]
    row = {"kind": "introduced", "to": customer, "notes": notes, "since": office.clock.now()}
    relations.update_one({"_id": other}, {"$set": {"relations": [row]}})
    return office, customer


def close_all(office: Office, customer: str) -> None:
    """Let everything that was open come to its end."""
    for request in office.ask("list_requests", customer_id=customer):
        office.ask("act_on_request", id=request["request_id"], action="finish", filled={"outcome": WORDS})
    for row in office.documents()["visits"]:
        office.ask("move_visit", id=row["_id"], action="call")
        office.ask("move_visit", id=row["_id"], action="close", outcome=f"{NAME}已缴费")
    for row in office.documents()["records"]:
        for action in ("dispatch", "deliver"):
            office.ask("act_on_record", id=row["_id"], action=action)


def counts(report: Any) -> dict[str, int]:
    return {row["what"]: row["count"] for row in report["reached"]}


def waiting(report: Any) -> dict[str, str]:
    return {row["what"]: row["source"] for row in report["remaining"] if not row["lasting"]}


#: What of a full office is reached once nothing is open: the other customer's file for the words in it.
EVERYTHING = {
    "account": 1,
    "contact": 1,
    "customer": 1,
    "data_request": 1,
    "dossier": 1,
    "log_entry": 1,
    "record": 1,
    "relation": 1,
    "request": 1,
    "search": 1,
    "visit": 1,
}


def test_nothing_of_an_erased_customer_is_left_in_any_collection(tmp_path: Path) -> None:
    """Guards erasure: wherever somebody wrote about the customer the words are gone, and the history verifies."""
    office, customer = full_office(tmp_path)
    close_all(office, customer)
    report = office.erase(customer)
    assert counts(report) == EVERYTHING
    assert report["erased"] == sum(EVERYTHING.values())
    assert waiting(report) == {}
    other = "别家的测试甲来过"
    entries = office.documents()["log_entries"]
    assert [row["text"] for row in entries if row["text"] == other] == [other]
    office.database["log_entries"].delete_one({"text": other})
    assert {word: office.where(word) for word in (NAME, PHONE, WORDS, "138-0000", "138 0000")} == {
        word: set() for word in (NAME, PHONE, WORDS, "138-0000", "138 0000")
    }
    assert office.where("测试乙") == {"customers"}
    assert office.whole()


def test_no_event_ever_carried_what_is_erased(tmp_path: Path) -> None:
    """Guards everybody else's databases: what never left intake need not be erased anywhere else."""
    office, customer = full_office(tmp_path)
    close_all(office, customer)
    office.erase(customer)
    events = repr([unsent.entry.data for unsent in office.published])
    assert not [word for word in (NAME, PHONE, UNIT, WORDS, "138-0000", "138 0000") if word in events]
    (done,) = office.told("data_request_done")
    assert {row["what"]: row["count"] for row in done["reached"]} == EVERYTHING
    assert {row["subject"] for row in office.told("personal_data_erased")} == EVERYTHING.keys()


def test_an_entry_of_the_duty_log_stays_with_a_mark_where_the_customer_stood(tmp_path: Path) -> None:
    """Guards the signed log (值班日志): nothing but the personal words is taken out, and everybody can see that."""
    daily = {"roles": ["supervisor"], "days": 1, "source": "organisation"}
    office, customer = full_office(tmp_path, duty={"daily": daily})
    office.at("2025-03-04 08:00")
    office.ask("sign_duty_log", "u-2", desk="front", period="2025-03-03")
    before = {row["_id"]: row for row in office.documents()["log_entries"]}
    report = office.erase(customer)
    (changed,) = [row for row in office.documents()["log_entries"] if row != before[row["_id"]]]
    # Wide brackets fold with the digits that may be wide too.
    assert changed["text"] == f"{ERASED}({UNIT})漏水,电话{ERASED},已派工"
    assert changed["fields"] == {"caller": f"{ERASED},{ERASED}"}
    same = ("written_by", "written_at", "desk", "day", "kind", "unit_id")
    assert [changed[name] for name in same] == [before[changed["_id"]][name] for name in same]
    assert [row["signed_by"] for row in office.documents()["log_pages"]] == ["u-2"]
    stays = {"what": "log_entry", "count": 1, "source": "design", "lasting": True}
    assert stays in report["remaining"]
    assert office.whole()


def test_sums_and_choices_stay_when_the_words_go(tmp_path: Path) -> None:
    """Guards the accounts: what was insured and paid is still there, and the report says by which rule."""
    office, customer = full_office(tmp_path)
    close_all(office, customer)
    report = office.erase(customer)
    (record,) = office.documents()["records"]
    assert record["values"]["insured_value"] == "100.00"
    assert {record["values"][name] for name in ("content", "requirement", "insurance_number")} == {ERASED}
    assert record["values"]["client"] == customer
    assert {"what": "record", "count": 1, "source": "A-LOG-16", "lasting": True} in report["remaining"]
    (visit,) = office.documents()["visits"]
    assert (str(visit["fee_due"]), visit["name"], visit["purpose"]) == ("12.50", ERASED, "claim")


def test_open_work_keeps_its_words_until_it_ends_and_then_loses_them(tmp_path: Path) -> None:
    """Guards both sides: nobody loses the request they work on, and nothing is forgotten to be erased after."""
    office, customer = full_office(tmp_path)
    (dossier,) = office.documents()["dossiers"]
    office.ask("amend_dossier", id=dossier["_id"], retention_years=5)
    report = office.erase(customer)
    assert waiting(report) == {
        "request": "A-LOG-11",
        "visit": "design",
        "record": "A-LOG-16",
        "dossier": "A-LOG-68",
    }
    assert office.where(WORDS) == {"requests", "records"}
    close_all(office, customer)
    office.at("2025-03-05 09:30")
    office.service.erase_personal_data()
    assert office.where(WORDS) == set()
    assert waiting(office.report()) == {"dossier": "A-LOG-68"}
    assert office.where(PHONE) == {"dossiers"}
    office.at("2030-03-03 09:00")
    office.service.erase_personal_data()
    assert waiting(office.report()) == {}
    assert office.where(PHONE) == set()
    assert counts(office.report()) == EVERYTHING
    assert office.whole()


def test_erasing_again_finds_nothing(tmp_path: Path) -> None:
    """Guards idempotency: later rounds, and a second request, change nothing of what is empty."""
    office, customer = full_office(tmp_path)
    close_all(office, customer)
    office.erase(customer)

    def others() -> dict[str, list[dict[str, Any]]]:
        return {name: rows for name, rows in office.documents().items() if name != "data_requests"}

    before = others()
    for day in ("2025-03-04 08:00", "2025-03-05 08:30", "2025-03-06 09:00"):
        office.at(day)
        assert not office.service.erase_personal_data()
        assert others() == before
    assert counts(office.report()) == EVERYTHING


@pytest.mark.parametrize("after_it", [False, True])
@pytest.mark.parametrize(
    "name", ["accounts", "account_searches", "data_requests", "log_entries", "records", "requests"]
)
def test_a_crash_in_any_collection_is_caught_up_with_the_same_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, after_it: bool
) -> None:
    """Guards a process that dies in the midst: the next round finishes, and counts what was done before it died."""
    office, customer = full_office(tmp_path)
    close_all(office, customer)
    holders = office.service.app.eraser._elsewhere._holders
    real: Callable[..., Any] = holders.save

    def dies(where: str, changes: Sequence[Any]) -> Any:
        if where == name and changes:
            if after_it:
                real(where, changes)
            raise Unavailable("the process died")
        return real(where, changes)

    with monkeypatch.context() as patched:
        patched.setattr(holders, "save", dies)
        with pytest.raises(Unavailable):
            office.erase(customer)
    assert office.told("data_request_done") == []
    office.service.erase_personal_data()
    assert counts(office.report()) == EVERYTHING
    erased = [row["subject_id"] for row in office.told("personal_data_erased")]
    assert len(erased) == len(set(erased))
    assert office.where(PHONE) == set()
    assert office.whole()
