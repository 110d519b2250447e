"""Shapes of what comes in: the events of the complaints service, and RPC arguments."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate

from services.followup.domain.facts import CaseClosed, CaseReopened, CaseReplied, ContactAttempted
from shared.worktime.intervals import UTC_RANGE

MAX_NOTE = 2000
MAX_VALUE = 200

_SLUG = validate.Regexp(r"^[a-z0-9][a-z0-9_.-]{0,63}$", error="must be 1 to 64 of a-z, 0-9, '-', '_', '.'")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]|[\ud800-\udfff]")
