"""Use cases of scorecards."""
