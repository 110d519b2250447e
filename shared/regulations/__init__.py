"""Rulebooks as data: profiles that inherit, versions with dates, organisations that follow a profile.

What is exported here is pure. ``shared.regulations.loading.load`` reads the files, and
``shared.regulations.fields`` has the marshmallow fields of which a service builds its schema.
"""

from shared.regulations.errors import Fault, RegulationError
from shared.regulations.rulebooks import Organisation, Regulation, Rulebooks
from shared.regulations.values import DESIGN, ORGANISATION, Sourced

__all__ = [
    "DESIGN",
    "ORGANISATION",
    "Fault",
    "Organisation",
    "Regulation",
    "RegulationError",
    "Rulebooks",
    "Sourced",
]
