"""Rulebooks seen from outside the services: all of them checked, shown, compared and explained."""
