"""Use cases of satisfaction surveys (满意度调查)."""
