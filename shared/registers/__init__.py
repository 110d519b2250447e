"""Registers (登记): forms as data, what is written in them, and what has to be true of it."""
