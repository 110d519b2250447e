"""Runs the reporting service: ``python -m services.reporting``."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402 - nothing may be imported before the patch

from services.reporting.application import build  # noqa: E402
from services.reporting.service import ReportingService  # noqa: E402
from services.reporting.settings import ReportingSettings  # noqa: E402
from shared.runner import run  # noqa: E402

if __name__ == "__main__":
    sys.exit(run(ReportingService, build, ReportingSettings))
