"""
Records of the ERP, made and named: the three small steps that every part of the seed takes.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from proteus import Model


def saved(model, **values):
    """Make one record."""
    record = Model.get(model)(**values)
    record.save()
    return record


def again(record):
    """Read *record* anew: proteus lets one instance stand in one list only."""
    return type(record)(record.id)


def ids_of(records):
    """Map each name to its record's id."""
    return {name: record.id for name, record in records.items()}
