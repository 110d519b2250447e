"""Settings of the reporting service beside those every service has."""

from __future__ import annotations

from shared.settings import ServiceSettings

#: Cases whose archived events are read with one question.
CASES_AT_ONCE = 100
#: Rows of one page of a list.
PAGE = 200
LARGEST_PAGE = 1000

__all__ = ["CASES_AT_ONCE", "LARGEST_PAGE", "PAGE", "ServiceSettings"]
