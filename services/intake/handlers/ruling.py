"""The rulebook and the calendar that govern what intake keeps."""

from __future__ import annotations

from services.intake.domain.rulebook import IntakeRules
from shared import ruling

Rules = ruling.Rules[IntakeRules]
Ruling = ruling.Ruling[IntakeRules]
