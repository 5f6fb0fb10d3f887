"""
In: a write by Syncline with two marks. Out: two columns on the ERP's rows, one of them unique.

``external_id`` names the record in the system it came from. It is unique, so a create that is
repeated after an unknown outcome fails instead of making a second record (Invariant 4).
``sync_op`` names the operation that wrote last, so that a change event tells whose write it was
(Invariant 6).

SPDX-License-Identifier: GPL-3.0-or-later
"""

from sql.conditionals import NullIf
from sql.operators import Equal
from trytond.model import Exclude, fields
from trytond.pool import Pool, PoolMeta

MODELS = (
    "party.party",
    "party.address",
    "product.template",
    "product.product",
    "sale.sale",
    "account.payment",
    "stock.inventory",
    "stock.shipment.out",
)


class Marked:
    """The two marks, mixed into each model that Syncline writes."""

    external_id = fields.Char("External ID", strip=False)
    sync_op = fields.Char("Sync Operation", strip=False)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints.append(
            (
                "external_id_unique",
                # An empty mark is no mark: NULLs never exclude each other.
                Exclude(table, (NullIf(table.external_id, ""), Equal)),
                "syncline_marks.msg_external_id_unique",
            )
        )

    @classmethod
    def copy(cls, records, default=None):
        """Leave the marks behind: a copy is a new record that no system knows yet."""
        default = dict(default or {})
        default.setdefault("external_id", None)
        default.setdefault("sync_op", None)
        return super().copy(records, default=default)


def marked(model):
    """Extend *model* with the marks, in the way Tryton extends models."""
    name = "".join(part.title() for part in model.split("."))
    return PoolMeta(name, (Marked,), {"__name__": model, "__module__": __name__})


def register():
    """Tell Tryton's pool about the extended models; the pool calls this."""
    Pool.register(*map(marked, MODELS), module="syncline_marks", type_="model")
