"""Disputes between departments (部门争议): raised, ruled on by somebody impartial, appealed against once."""
