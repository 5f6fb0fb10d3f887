"""Folders under systems/ become two running systems: the ERP (Tryton) and the shop (Vendure)."""
