"""The one error of working time: a stable code for programs and a sentence for people."""

from __future__ import annotations


class WorktimeError(Exception):
    """Refuses a calendar, a duration or a question that has no answer; the same input is always refused."""

    def __init__(self, code: str, message: str) -> None:
        """``code`` is stable, for programs; ``message`` says what is wrong and what to write instead."""
        super().__init__(message)
        self.code = code
        self.message = message

    def as_dict(self) -> dict[str, str]:
        """Return the JSON shape ``{"code": …, "message": …}``."""
        return {"code": self.code, "message": self.message}
