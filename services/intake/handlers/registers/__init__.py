"""Use cases of registers."""
