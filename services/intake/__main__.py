"""Runs the intake service: ``python -m services.intake``."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402 - nothing may be imported before the patch

from services.intake.application import build  # noqa: E402
from services.intake.service import IntakeService  # noqa: E402
from services.intake.settings import IntakeSettings  # noqa: E402
from shared.runner import run  # noqa: E402

if __name__ == "__main__":
    sys.exit(run(IntakeService, build, IntakeSettings))
