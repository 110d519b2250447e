"""The story audited: what the services did to each other's liking must also hold."""

from __future__ import annotations

from tests.contract.story import told


def test_nothing_that_happened_in_the_story_breaks_an_invariant() -> None:
    """Guards the services and the audit against each other: hundreds of steps, and not one finding."""
    pages = [answered.reply["result"] for answered in told().answered if answered.method == "audit_page"]
    audited = [page for page in pages if page is not None]
    assert sum(page["checked"] for page in audited) > 50
    assert [finding for page in audited for finding in page["findings"]] == []
