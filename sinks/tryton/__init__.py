"""Canonical records into Tryton."""
