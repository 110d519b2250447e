"""Runs the followup service: ``python -m services.followup``."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402 - nothing may be imported before the patch

from services.followup.application import build  # noqa: E402
from services.followup.service import FollowupService  # noqa: E402
from services.followup.settings import FollowupSettings  # noqa: E402
from shared.runner import run  # noqa: E402

if __name__ == "__main__":
    sys.exit(run(FollowupService, build, FollowupSettings))
