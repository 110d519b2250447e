"""Supervision (督办) of a case as data: who watches it, who urges, to whom it is reported or referred."""
