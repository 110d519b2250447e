"""The names of the four services, the parts that an organisation's overrides may speak of."""

SERVICES = ("intake", "complaints", "followup", "reporting")
