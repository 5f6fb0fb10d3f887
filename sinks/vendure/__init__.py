"""Canonical records into Vendure."""
