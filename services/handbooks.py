"""The handbooks behind the rulebooks: how many rules each section has, and which profile may cite which.

A copy of what docs/domain/rules.tsv says, small enough to travel with every service; a test holds the two
together. The rules of a section are numbered from 01 without a gap.
"""

from __future__ import annotations

#: Section to the number of its rules.
RULES = {
    "A-AFT": 17,
    "A-AUT": 22,
    "A-CAR": 17,
    "A-CAT": 21,
    "A-CCC": 23,
    "A-CLO": 9,
    "A-ECO": 10,
    "A-GEN": 13,
    "A-HO2": 5,
    "A-HOS": 10,
    "A-HTL": 25,
    "A-JD1": 14,
    "A-JD10": 6,
    "A-JD11": 8,
    "A-JD12": 15,
    "A-JD13": 7,
    "A-JD14": 15,
    "A-JD15": 7,
    "A-JD2": 8,
    "A-JD3": 10,
    "A-JD4": 5,
    "A-JD5": 9,
    "A-JD6": 9,
    "A-JD7": 6,
    "A-JD8": 7,
    "A-JD9": 4,
    "A-JOB": 11,
    "A-LOG": 87,
    "A-MEM": 23,
    "A-PRM": 33,
    "A-RED": 14,
    "A-RES": 13,
    "A-SOF": 19,
    "A-TEL": 17,
    "A-TRV": 15,
    "A-WHB": 19,
    "B-CCP": 26,
    "B-CPF": 7,
    "B-CRM": 17,
    "B-CST": 7,
    "B-DEL": 9,
    "B-DET": 18,
    "B-DIS": 8,
    "B-DSE": 8,
    "B-DUT": 30,
    "B-ECM": 42,
    "B-ERA": 8,
    "B-ERP": 5,
    "B-FDK": 9,
    "B-GAS": 12,
    "B-GEN": 9,
    "B-HAZ": 9,
    "B-HOW": 6,
    "B-ITS": 27,
    "B-JKC": 63,
    "B-MAI": 9,
    "B-MAT": 8,
    "B-MBY": 30,
    "B-ONS": 8,
    "B-OPF": 6,
    "B-OPT": 12,
    "B-PAY": 15,
    "B-PLZ": 11,
    "B-PRO": 24,
    "B-RES": 18,
    "B-RET": 35,
    "B-SAL": 5,
    "B-SFM": 10,
    "B-SHP": 21,
    "B-STD": 19,
    "B-SVN": 18,
    "B-TEL": 9,
    "B-TKT": 6,
    "B-TRM": 10,
    "B-WWS": 25,
}

#: The sections every profile may rest on; the job descriptions (A-JD…) are the same for all trades.
STANDARD = frozenset(
    {
        "B-SVN", "B-STD", "B-DET", "B-CPF", "B-CST", "B-MAI", "B-ONS", "B-SFM", "B-HOW", "B-DIS", "B-OPF",
        "B-DSE", "A-GEN", *(section for section in RULES if section.startswith("A-JD")),
    }
)  # fmt: skip

#: Profile to the sections of its own trade: nothing is borrowed from another one.
TRADES = {
    "standard": frozenset[str](),
    "retail-chain": frozenset({"B-RET"}),
    "commercial-plaza": frozenset({"B-JKC", "B-PLZ"}),
    "property": frozenset({"B-PRO", "B-DUT", "B-FDK", "B-CCP", "B-HAZ", "B-TKT", "A-PRM", "A-WHB"}),
    "real-estate": frozenset({"B-RES", "A-SOF", "A-RED", "A-RES"}),
    "online-store": frozenset({"B-ECM", "B-SHP", "B-MBY", "B-WWS", "A-ECO"}),
    "it-service": frozenset({"B-ITS"}),
    "auto-dealer": frozenset({"A-AUT", "A-CAR"}),
    "membership": frozenset({"A-MEM"}),
    "logistics": frozenset({"A-LOG"}),
    "call-centre": frozenset({"A-TEL", "A-TRV", "A-CCC", "B-TEL"}),
    "product-after-sales": frozenset({"A-AFT", "B-MAT"}),
    "gas-utility": frozenset({"B-GAS"}),
    "cable-tv": frozenset({"A-CAT"}),
    "hotel-franchise": frozenset({"A-HTL"}),
    "hospital": frozenset({"A-HOS", "A-HO2"}),
    "apparel": frozenset({"A-CLO"}),
    "terminal-services": frozenset({"B-TRM", "B-GEN", "B-SAL"}),
    "sales-crm": frozenset({"B-CRM"}),
    "project-delivery": frozenset({"B-DEL"}),
}


def why_not_citable(profile: str, source: str) -> str | None:
    """Return why ``profile`` may not cite the rule ``source``, or ``None`` when it may.

    A profile that is not listed here, such as one an organisation wrote for itself, may cite any rule there
    is.
    """
    section, _, number = source.rpartition("-")
    count = RULES.get(section)
    if count is None:
        return f"there is no rule {source}: no handbook has a section {section}"
    if not 1 <= int(number) <= count or number != f"{int(number):02}":
        return f"there is no rule {source}: {section} ends with {section}-{count:02}"
    trade = TRADES.get(profile)
    if trade is not None and section not in trade | STANDARD:
        own = ", ".join(sorted(trade)) or "those of the standard"
        return f"{source} belongs to another trade; {profile} rests on {own} and the standard sections"
    return None
