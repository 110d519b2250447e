"""Investigations (调查) of cases and corrective actions (整改): what is found out and what is done about it."""
