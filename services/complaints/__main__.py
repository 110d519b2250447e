"""Runs the complaints service: ``python -m services.complaints``."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402 - nothing may be imported before the patch

from services.complaints.application import build  # noqa: E402
from services.complaints.service import ComplaintsService  # noqa: E402
from shared.runner import run  # noqa: E402

if __name__ == "__main__":
    sys.exit(run(ComplaintsService, build))
