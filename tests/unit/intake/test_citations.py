"""Values that work without naming their rule, such as a field or a class, stand under the rule that gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.intake.rulebook import load_rulebooks
from tests.unit.intake.fakes import beijing
from tests.unit.intake.requests_world import organisation

CITED = {
    "apparel": {
        "files/classes/vip": "A-CLO-04",
        "files/classes/normal": "A-CLO-04",
    },
    "auto-dealer": {
        "files/fields/plate": "A-AUT-09",
        "files/fields/frame_number": "A-AUT-09",
        "files/origins/dms": "A-AUT-11",
        "dossiers/car_file/items/invoice": "A-AUT-16",
        "dossiers/car_file/items/invoice/forms/retail_invoice": "A-AUT-16",
        "dossiers/car_file/items/invoice/forms/vat_invoice": "A-AUT-16",
    },
    "call-centre": {
        "files/origins/media": "A-CCC-03",
        "files/origins/partner": "A-CCC-03",
        "files/origins/referral": "A-CCC-03",
        "files/origins/dialled": "A-TEL-03",
        "staff/units/telesales_cs": "A-TEL-06",
        "staff/posts/telesales_manager": "A-TEL-06",
        "staff/units/sales_division": "A-TEL-08",
        "staff/units/telemarketing_group": "A-TEL-08",
        "staff/units/aftersales_group": "A-TEL-08",
        "files/lifecycle/existing": "A-TRV-01",
        "files/lifecycle/potential": "A-TRV-05",
        "files/on_contact/enquiry": "A-TRV-05",
        "channels/hotline": "A-TRV-09",
        "channels/hotline_800": "A-TRV-09",
        "categories/registration": "B-TEL-07",
        "categories/fault_report": "B-TEL-07",
        "requests/kinds/registration": "B-TEL-07",
    },
    "commercial-plaza": {
        "categories/need": "B-JKC-05",
        "categories/complaint": "B-JKC-06",
        "files/fields/name": "B-JKC-14",
        "files/fields/phone": "B-JKC-14",
        "files/fields/unit": "B-JKC-14",
        "requests/kinds/need": "B-JKC-15",
        "channels/patrol": "B-JKC-36",
        "duty/kinds/patrol": "B-JKC-36",
    },
    "gas-utility": {
        "files/fields/name": "B-GAS-02",
        "files/fields/phone": "B-GAS-02",
        "files/fields/street": "B-GAS-02",
        "files/confirmed_first": "B-GAS-08",
    },
    "hotel-franchise": {
        "files/fields/operation": "A-HTL-05",
        "files/fields/management": "A-HTL-05",
        "files/fields/service": "A-HTL-05",
        "files/fields/pms_installed": "A-HTL-17",
    },
    "it-service": {
        "first_responsible": "B-ITS-02",
        "requests/facts/contact_form": "B-ITS-08",
        "requests/processes/support/actions/submit_form": "B-ITS-08",
        "requests/processes/support/actions/submit_form/demands/0": "B-ITS-08",
        "channels/phone": "B-ITS-24",
        "requests/facts/hotline_solved": "B-ITS-24",
        "requests/processes/support/stages/hotline": "B-ITS-24",
    },
    "logistics": {
        "requests/kinds/order": "A-LOG-02",
        "categories/reception": "A-LOG-04",
        "categories/client_introduction": "A-LOG-04",
        "categories/showing_content": "A-LOG-04",
        "requests/units/operations": "A-LOG-05",
        "requests/processes/client/stages/answered": "A-LOG-05",
        "requests/processes/client/actions/finish": "A-LOG-05",
        "files/fields/name": "A-LOG-06",
        "files/fields/phone": "A-LOG-06",
        "files/fields/address": "A-LOG-06",
        "requests/kinds/urgent_order": "A-LOG-22",
        "requests/kinds/operation": "A-LOG-22",
        "requests/units/finance": "A-LOG-38",
        "visits/purposes/claim": "A-LOG-44",
        "visits/purposes/payment": "A-LOG-44",
        "files/freshness/confirmed": "A-LOG-59",
    },
    "membership": {
        "files/classes/gold": "A-MEM-03",
        "files/classes/silver": "A-MEM-03",
        "files/classes/normal": "A-MEM-03",
        "files/freshness/updated": "A-MEM-04",
    },
    "online-store": {
        "categories/enquiry": "B-ECM-05",
        "files/on_contact/enquiry": "B-ECM-05",
        "requests/units/presale": "B-ECM-05",
        "requests/units/aftersale": "B-ECM-14",
        "requests/processes/use_problem/stages/received": "B-ECM-14",
        "requests/processes/use_problem/stages/answered": "B-ECM-14",
        "categories/complaint": "B-MBY-02",
        "staff/posts/presale": "B-MBY-02",
        "staff/posts/aftersale": "B-MBY-02",
        "files/fields/phone": "B-MBY-13",
        "files/fields/chat_id": "B-MBY-13",
        "files/fields/address": "B-MBY-13",
        "requests/processes/order/effects/0": "B-SHP-10",
    },
    "product-after-sales": {
        "staff/posts/marketing_vp": "A-AFT-01",
        "staff/posts/manager": "A-AFT-01",
        "staff/posts/office_clerk": "A-AFT-01",
    },
    "property": {
        "duty/plans/fire": "B-DUT-09",
        "duty/sample": "B-PRO-05",
        "duty/handover/takings": "B-TKT-06",
    },
    "real-estate": {
        "requests/kinds/joint": "A-RES-06",
        "files/fields/name": "A-RES-09",
        "files/fields/phone": "A-RES-09",
        "dossiers/deed_kit/items/land_certificate_papers": "B-RES-08",
        "dossiers/deed_kit/stages/collected/closes/1": "B-RES-08",
    },
    "retail-chain": {
        "channels/direct_cs": "B-RET-18",
    },
    "sales-crm": {
        "accounts/entry/licence": "B-CRM-16",
    },
    "standard": {
        "files/phases/first_contact": "A-GEN-01",
        "files/phases/problem_solving": "A-GEN-01",
        "files/phases/after_sales": "A-GEN-01",
        "files/freshness/reviewed": "A-JD15-03",
        "files/fields/pain_points": "A-JD4-03",
        "files/origins/qcc": "A-JD4-04",
        "files/origins/58tc": "A-JD4-04",
        "files/origins/hotel_group": "A-JD4-04",
        "requests/processes/service/stages/reception": "B-CPF-01",
        "requests/processes/service/stages/problem_handling": "B-CPF-01",
        "requests/processes/service/stages/complaint_handling": "B-CPF-01",
        "requests/levels/urgent": "B-CPF-04",
        "requests/levels/normal": "B-CPF-04",
        "requests/facts/level": "B-CPF-04",
        "privacy/classes/public": "B-DSE-01",
        "privacy/classes/internal": "B-DSE-01",
        "files/origins/contact": "B-DSE-03",
        "files/origins/desk": "B-DSE-03",
        "files/origins/third_party": "B-DSE-03",
        "channels/phone": "B-SVN-01",
        "channels/letter": "B-SVN-01",
        "channels/online": "B-SVN-01",
    },
}


def stands_at(rules: Any, path: str) -> Any:
    """Return what stands at a path of a rulebook: attributes by name, rows by their code or their place."""
    for step in path.split("/"):
        if isinstance(rules, tuple):
            named = {str(getattr(row, key, "")): row for row in rules for key in ("code", "what", "category")}
            rules = named[step] if step in named else rules[int(step)]
        else:
            rules = getattr(rules, step)
    return rules


@pytest.mark.parametrize("profile", sorted(CITED))
def test_what_a_handbook_gives_stands_under_its_own_rule(tmp_path: Path, profile: str) -> None:
    """Guards the reasons people are shown: a value of the handbook never passes as a default of the design."""
    org = organisation(tmp_path, profile)
    rules = load_rulebooks(tmp_path).for_org(org, beijing("2026-03-02 09:00")).sections
    assert {path: stands_at(rules, path).source for path in CITED[profile]} == CITED[profile]
