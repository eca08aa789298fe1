"""Measurements: each script says what it measured, on what, and how."""
