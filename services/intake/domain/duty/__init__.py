"""Duty (值班): shifts and rosters, the duty log, the handover between shifts."""
