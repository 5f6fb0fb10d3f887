"""
In: what Syncline must do in the ERP. Out: one group that may do that and nothing else.

Tryton's own groups are made for people: "Sales" may delete sales, "Payment" may approve them. And a
model for which nobody wrote an access row is open to every user (customers, price rows), so the
open ones are closed for this group here.

SPDX-License-Identifier: GPL-3.0-or-later
"""

from trytond.model import ModelSQL
from trytond.pool import Pool
from trytond.transaction import Transaction

READ, WRITE, CREATE = "perm_read", "perm_write", "perm_create"

GRANTS = {
    # Flows 6 and 7: customers and their addresses. Never deleted: invoices point at them.
    "party.party": (READ, WRITE, CREATE),
    "party.address": (READ, WRITE, CREATE),
    "party.contact_mechanism": (READ, WRITE, CREATE),
    "party.identifier": (READ, WRITE, CREATE),
    # Flow 8: orders. Sale lines follow the rights of their sale, their taxes do not.
    "sale.sale": (READ, WRITE, CREATE),
    "sale.line-account.tax": (READ, WRITE, CREATE),
    # Flow 10: payments.
    "account.payment": (READ, WRITE, CREATE),
    # Flows 4, 9, 11: looked at, never written.
    "account.invoice": (READ,),
    "account.invoice.line": (READ,),
    "account.payment.group": (READ,),
    "account.payment.journal": (READ,),  # found by the name that syncline.toml gives
    "stock.move": (READ,),
    "stock.shipment.out": (READ,),
    "web.shop": (READ,),
    # Session keys are nobody's business.
    "ir.session": (),
    "web.user.session": (),
    "web.user.authenticate.attempt": (),
}
# A sale whose processing the ERP did not finish (it was killed) is taken on from there.
BUTTONS = (("sale.sale", "process"),)


def restricted_group(models, database):
    """Make the group; *models* is proteus' Model, the factory of record classes."""
    group = models.get("res.group")(name="Syncline")
    group.save()
    closed = dict.fromkeys(open_models(models, database), (READ,))
    for model, permissions in (closed | GRANTS).items():
        access = models.get("ir.model.access")(model=model, group=group)
        for permission in permissions:
            setattr(access, permission, True)
        access.save()
    for model, name in BUTTONS:
        (button,) = models.get("ir.model.button").find([("model", "=", model), ("name", "=", name)])
        button.groups.append(models.get("res.group")(group.id))
        button.save()
    return group


def open_models(models, database):
    """Name the stored business models that no row rules, nor their parents: open to all."""
    rows = models.get("ir.model.access").find([("group", "=", None)])
    ruled = {row.model for row in rows}
    with Transaction().start(database, 0, readonly=True):
        return [
            name
            for name, kind in Pool().iterobject()
            if issubclass(kind, ModelSQL)
            and name.partition(".")[0] not in {"ir", "res"}
            and ruled.isdisjoint(family(kind, set()))
        ]


def family(kind, seen):
    """Name the model and those whose rights it follows, as Tryton's own check does."""
    if kind.__name__ not in seen:
        seen.add(kind.__name__)
        for field in kind.__access__:
            family(getattr(kind, field).get_target(), seen)
    return seen
