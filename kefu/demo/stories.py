"""The three whole cases of the demo day: a commercial matter, a quality defect and who pays, a sales office."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kefu.demo.colleagues import Colleagues, Person
from kefu.demo.progress import Teller
from kefu.demo.scenes import Scene, Story, clock_of, taken
from kefu.demo.walking import Walker
from kefu.reach import Reach
from shared.errors import KefuError

#: What it costs to repair twelve shops, and what three of them would have been content with.
_SMALL, _LARGE = "4000.00", "60000.00"
_CARRIED = "At most half of a month's bonus is taken: docs/stories/retail-penalty.md plays the three months."
_DEPARTMENTS = ("销售部", "财务部", "工程部")


def tell_stories(reach: Reach, run: str, teller: Teller) -> list[Story]:
    """Play the whole cases, all at once, and return them with what was found.

    They run on the day's own clock, so what takes months is left out: a month closes at its end and not before.
    """
    plays = (
        (Story("A matter grows from 3 to 12 households 群诉", "plaza-demo", 15), _plaza),
        (Story("A quality defect and who pays for it 质量缺陷罚扣", "retail-demo", 11, _CARRIED), _retail),
        (Story("Three departments sign for a sales office 售楼处会签", "estate-demo", 9), _sales_office),
    )
    teller.begin("whole cases told", len(plays))
    with Colleagues(reach) as colleagues, ThreadPoolExecutor(len(plays)) as together:
        running = [
            together.submit(_tell, play, Scene(colleagues, reach, run, story), story) for story, play in plays
        ]
        for done, one in enumerate(running, 1):
            one.result()
            teller.advance(done)
    teller.end()
    return [story for story, _ in plays]


def _tell(play: Callable[[Scene], None], scene: Scene, story: Story) -> None:
    try:
        play(scene)
    except KefuError as error:
        story.failure = f"{story.org}, {story.title}: {error.message}"


def _person(name: str, *roles: str) -> Person:
    return Person(f"demo-{name}", ("staff", *roles))


def _plaza(scene: Scene) -> None:
    """Three households and no call in time; twelve in the end, so a higher approval, and the board is told."""
    handler, caller = _person("desk", "complaint_handler"), _person("caller", "followup_agent")
    head, vice = _person("head", "cs_head"), _person("vice", "cs_vice_president")
    problem = f"roof-{scene.run}"
    first, *_ = scene.complain(range(1, 4), hours_ago=4, problem=problem)
    case = scene.case_of(first, households=3, overdue=True)
    case_id = case["case_id"]
    scene.tell("3 households 三户漏水", "general", case["level"])
    scene.tell("nobody called within 3 hours 首次联系超时", "breached", clock_of(case, "first_contact"))
    scene.do(handler, "complaints.attempt_contact", id=case_id, outcome="unreachable")
    sent = scene.until(
        lambda: scene.ask("followup.list_messages", case_id=case_id), f"no message of {case_id} was sent"
    )
    scene.tell("not reached: the prescribed SMS 短信模板", "B-JKC-53", sent[0]["template_source"])
    scene.do(handler, "complaints.decide_validity", id=case_id, valid=True, reason="现场核实属实")
    entered = {"step": "enter_content", "filled": {"description": "三户顶棚漏水，商品受潮"}}
    scene.do(handler, "complaints.take_step", id=case_id, **entered)
    small = _offered(scene, handler, case_id, _SMALL)
    decision: dict[str, Any] = {"id": small, "approved": True, "amount": _SMALL}
    scene.refused(
        f"{_SMALL}, approved by the head 越权", "B-JKC-44", head, "complaints.decide_offer", **decision
    )
    made = scene.do(vice, "complaints.decide_offer", **decision)
    scene.tell(f"{_SMALL}, by the vice president 分管副总", "approved", made["state"])
    scene.do(handler, "complaints.answer_offer", id=small, accepted=True)
    scene.complain(range(4, 6), problem=problem)
    scene.tell(
        "5 households 五户", "important", scene.case_of(first, households=5, level="important")["level"]
    )
    scene.complain(range(6, 13), problem=problem)
    scene.tell("12 households 十二户", "major", scene.case_of(first, households=12, level="major")["level"])
    cashier = _person("cashier", "manager")
    paying = "the small offer is paid all the same 原审批失效"
    scene.refused(paying, "B-JKC-47", cashier, "complaints.pay_offer", id=small, evidence="V-1")
    scene.do(handler, "complaints.withdraw_offer", id=small, reason="按重大投诉重新审批")
    large = _approved_higher(scene, handler, case_id)
    scene.do(handler, "complaints.reply", id=case_id, text="顶棚已修复，赔偿已商定")
    scene.call_back(caller, case_id)
    _filed_and_paid(scene, handler, cashier, (first, case_id, large))


def _offered(scene: Scene, handler: Person, case_id: str, amount: str) -> str:
    terms = {"kind": "compensation", "reason": "顶棚漏水损坏商品", "amount": amount}
    return str(scene.do(handler, "complaints.propose_offer", case_id=case_id, **terms)["offer_id"])


def _approved_higher(scene: Scene, handler: Person, case_id: str) -> str:
    vice, senior = _person("vice", "cs_vice_president"), _person("senior", "cs_senior_executive")
    scene.do(handler, "complaints.declare_danger", id=case_id, danger="mass_complaint")
    large = _offered(scene, handler, case_id, _LARGE)
    decision: dict[str, Any] = {"id": large, "approved": True, "amount": _LARGE}
    decide = "complaints.decide_offer"
    scene.refused(f"{_LARGE} before the first report 未先报告", "B-JKC-45", senior, decide, **decision)
    scene.do(handler, "complaints.record_filing", id=case_id, unit="first_report", way="phone")
    scene.refused(f"{_LARGE}, by the vice president 越权", "B-JKC-47", vice, decide, **decision)
    scene.tell(
        f"{_LARGE}, by the senior executive 分管高管",
        "approved",
        scene.do(senior, decide, **decision)["state"],
    )
    scene.do(handler, "complaints.answer_offer", id=large, accepted=True)
    return large


def _filed_and_paid(scene: Scene, handler: Person, cashier: Person, about: tuple[str, str, str]) -> None:
    first, case_id, large = about
    paying: dict[str, Any] = {"id": large, "evidence": "V-2"}
    unfiled = "paid before the board is told 未报备董事局"
    scene.refused(unfiled, "B-JKC-47", cashier, "complaints.pay_offer", **paying)
    waiting = scene.ask("complaints.get_settlement", id=case_id)["filings_due"]
    units = sorted(unit["unit"] for unit in waiting)
    scene.tell("to be filed with 报备", "board", "board" if "board" in units else "none")
    for unit in units:
        scene.do(handler, "complaints.record_filing", id=case_id, unit=unit, way="paper")
    scene.do(cashier, "complaints.pay_offer", **paying)
    scene.tell("filed, paid, satisfied 结案", "closed", scene.case_of(first, state="closed")["state"])
    faults = scene.ask("complaints.get_case_history", id=case_id)["faults"]
    scene.tell("late, its history unbroken 超时留痕", "met_late, no faults", _record(scene, first, faults))


def _record(scene: Scene, contact_id: str, faults: list[Any]) -> str:
    return f"{clock_of(scene.case_of(contact_id), 'first_contact')}, {len(faults) or 'no'} faults"


def _retail(scene: Scene) -> None:
    """A torn seam goes from the store to the general manager and back, and the seamstress pays by the formula."""
    service, store = _person("service", "ops_cs"), _person("store", "store_staff")
    claim: dict[str, Any] = {
        "complainant_type": "end_consumer",
        "demand": "exchange",
        "problem": f"seam-{scene.run}",
    }
    (contact,) = scene.complain(range(21, 22), channel="counter", **claim)
    case_id = scene.case_of(contact)["case_id"]
    decision: dict[str, Any] = {"valid": True, "ground": "quality_defect", "reason": "缝线开裂"}
    early = "accepted before the store has looked 门店未核实"
    scene.refused(early, "B-RET-05", service, "complaints.decide_validity", id=case_id, **decision)
    looked = {"reason_stands": True, "finding": "缝线开裂"}
    step = "complaints.take_step"
    scene.do(store, step, id=case_id, step="store_check", filled=looked)
    scene.do(service, "complaints.decide_validity", id=case_id, **decision)
    scene.do(store, step, id=case_id, step="record_card")
    scene.do(store, step, id=case_id, step="store_attempt", filled={"can_solve": False})
    helper = _person("helper", "ops_supervisor")
    scene.do(helper, step, id=case_id, step="supervisor_attempt", filled={"can_solve": False})
    answer: dict[str, Any] = {"id": case_id, "text": "已换货", "prevention": "每批抽检缝线"}
    undecided = "answered before the general manager 未裁决"
    scene.refused(undecided, "B-RET-15", service, "complaints.reply", **answer)
    Walker(scene.colleagues).walk(scene.org, case_id, scene.key)
    scene.tell("up the chain to the general manager 总经理裁决", 1, taken(scene, case_id)["gm_decision"])
    scene.refused("answered by the store 门店越权答复", "B-RET-15", store, "complaints.reply", **answer)
    scene.do(service, "complaints.reply", **answer)
    scene.do(_person("head", "cs_head"), "complaints.close_case", id=case_id)
    case = scene.case_of(contact, state="closed")
    scene.tell("closed within seven days 七日内结案", "closed, on time", f"closed, {_in_time(case)}")
    scene.tell("steps on its way, the answer among them 环节", 16, sum(taken(scene, case_id).values()))
    _the_seamstress_pays(scene, case_id)


def _in_time(case: dict[str, Any]) -> str:
    return "on time" if case["on_time"] else "late"


def _the_seamstress_pays(scene: Scene, case_id: str) -> None:
    office, leader = _person("office", "hr_admin"), _person("leader", "general_manager")
    finding: dict[str, Any] = {"area": "production", "department": "sewing", "reason": "未按标准检验缝线"}
    whole = "the department blamed without a reason 责任到部门"
    attribute = "complaints.attribute_liability"
    scene.refused(whole, "B-RET-23", office, attribute, case_id=case_id, level="department", **finding)
    # Of each run another one, or what she owes would add up from run to run.
    seamstress = f"demo-seamstress-{scene.run}"
    scene.do(office, attribute, case_id=case_id, level="person", persons=[seamstress], **finding)
    points = [{"staff": seamstress, "points": "8"}]
    basis = {"loss": "10500", "total_points": "120", "points": points, "reason": "按罚扣判定基准"}
    made = scene.do(office, "complaints.propose_penalty", case_id=case_id, **basis)
    decision: dict[str, Any] = {"id": made["penalty_id"], "approved": True}
    own = "one's own notice approved 自行审批"
    scene.refused(own, "B-RET-22", office, "complaints.decide_penalty", **decision)
    scene.do(leader, "complaints.decide_penalty", **decision)
    (line,) = scene.ask("complaints.explain_penalty", who=office, id=made["penalty_id"])["lines"]
    trace = {step["what"]: step["value"] for step in line["trace"]}
    scene.tell("10500.00 / 120 × 8 of her points 按基点罚扣", "700.00", line["amount"])
    scene.tell("to whom the money goes 归属", "company", trace["payee"])
    ledger = scene.ask("complaints.get_ledger", who=office, staff=seamstress)
    scene.tell("in her ledger until the month's end 待扣", "700.00", ledger["balance"])


def _sales_office(scene: Scene) -> None:
    """A special question goes up level by level, the buyer hears the same day, every department signs for itself."""
    head, clerk = _person("head", "cs_head"), _person("clerk", "cs_staff")
    manager = _person("manager", "manager")
    (contact,) = scene.complain(range(31, 32), problem=f"deposit-{scene.run}")
    case_id = scene.case_of(contact)["case_id"]
    step = "complaints.take_step"
    scene.do(head, "complaints.decide_validity", id=case_id, valid=True, reason="属实")
    answer = {"id": case_id, "text": "定金退还，交付时间已定"}
    scene.refused("answered without a sheet 未填投诉单", "A-SOF-17", clerk, "complaints.reply", **answer)
    sheet = {"sales_office": True, "departments": list(_DEPARTMENTS), "special": True}
    scene.do(clerk, step, id=case_id, step="complaint_sheet", filled=sheet)
    word: dict[str, Any] = {"id": case_id, "filled": {"instruction": "按合同退还车位定金"}}
    scene.refused(
        "past the head to the manager 越级上报", "A-SOF-17", manager, step, step="report_to_manager", **word
    )
    scene.do(head, step, step="report_to_head", **word)
    scene.do(manager, step, step="report_to_manager", **word)
    told: dict[str, Any] = {"id": case_id, "step": "same_day"}
    unsaid = "the buyer told, but no time named 未定时限"
    scene.refused(unsaid, "A-SOF-15", clerk, step, filled={"outcome": "told"}, **told)
    promised = {"outcome": "told", "solved_by": "2099-12-31T18:00:00+08:00"}
    scene.do(clerk, step, filled=promised, **told)
    scene.tell(
        "the buyer told the same day 当日告知", "met", clock_of(scene.case_of(contact), "step.same_day")
    )
    signing = {"id": case_id, "step": "sign"}
    sales = _person("sales")
    scene.do(sales, step, filled=_signature("销售部"), **signing)
    twice = "one person signs for two departments 代签"
    scene.refused(twice, "A-SOF-18", sales, step, filled=_signature("财务部"), **signing)
    other = "a department that is not on the sheet signs"
    scene.refused(other, "A-SOF-18", _person("legal"), step, filled=_signature("法务部"), **signing)
    scene.do(_person("finance"), step, filled=_signature("财务部"), **signing)
    scene.do(clerk, "complaints.reply", **answer)
    scene.call_back(_person("caller", "followup_agent"), case_id)
    scene.until(
        lambda: scene.ask("complaints.get_settlement", id=case_id)["waits_to_close"],
        "the case did not wait for its last signature",
    )
    scene.tell("satisfied, one signature missing 缺一签", "replied", scene.case_of(contact)["state"])
    scene.do(_person("engineer"), step, filled=_signature("工程部"), **signing)
    case = scene.case_of(contact, state="closed")
    scene.tell("the last of three signs 三部会签", "closed, on time", f"closed, {_in_time(case)}")
    scene.tell("signatures 签字", len(_DEPARTMENTS), taken(scene, case_id)["sign"])


def _signature(department: str) -> dict[str, str]:
    return {"department": department, "solution": "退还车位定金，按时交付"}
