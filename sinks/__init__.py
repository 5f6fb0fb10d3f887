"""Canonical records in, API calls out; never imports streams."""
