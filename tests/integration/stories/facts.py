"""The facts of a story: the table in its Markdown, which the test compares with what the system says."""

from __future__ import annotations

import re

from tests.integration.process_stack import ROOT

STORIES = ROOT / "docs/stories"
_ROW = re.compile(r"^\| (?P<what>[^|]+?) \| (?P<value>[^|]+?) \|$")
_RULE = re.compile(r"\b[AB]-[A-Z0-9]+-\d+\b")
_NUMBER = re.compile(r"\d+(?:[.,:-]\d+)*")
#: What the table begins with, so that no other table is taken for it.
_HEAD = ("fact", "what the system says")


class Facts:
    """What one story says happened, by the name of each fact."""

    def __init__(self, story: str) -> None:
        """Read ``docs/stories/<story>.md``."""
        text = (STORIES / f"{story}.md").read_text(encoding="utf-8")
        prose, _, table = text.partition("| {} | {} |".format(*_HEAD))
        self.prose = prose
        rows = [match for match in map(_ROW.match, table.splitlines()) if match is not None]
        self.values = {row["what"]: row["value"] for row in rows if not row["what"].startswith("---")}
        self._told: set[str] = set()

    def tell(self, what: str, seen: object) -> None:
        """Compare the fact called ``what`` with what was ``seen``."""
        assert what in self.values, f"the story knows no fact called {what!r}"
        assert str(seen) == self.values[what], what
        self._told.add(what)

    def finish(self) -> None:
        """Fail if the story states a fact that nobody looked at."""
        untold = self.values.keys() - self._told
        assert not untold, f"nobody looked whether this is so: {sorted(untold)}"

    @property
    def rules(self) -> set[str]:
        """The rules that prose and facts cite."""
        return self.cited | set(_RULE.findall(" ".join(self.values.values())))

    @property
    def cited(self) -> set[str]:
        """The rules that the prose cites."""
        return set(_RULE.findall(self.prose))

    def unproved(self) -> set[str]:
        """Return the numbers of the prose that no fact holds, dates, times and sums among them."""
        known = set().union(*(_numbers(value) for value in (*self.values, *self.values.values())))
        return _numbers(self.prose) - known


def _numbers(text: str) -> set[str]:
    return {number.replace(",", "") for number in _NUMBER.findall(_RULE.sub("", text))}
