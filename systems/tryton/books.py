"""
In: the ERP's company and the catalogue's taxes. Out: books that orders can be posted in.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import datetime as dt
from decimal import Decimal

from proteus import Model
from records import saved
from trytond.modules.account.tests.tools import (
    create_chart,
    create_fiscalyear,
    create_tax,
    get_accounts,
)
from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences

YEARS = range(2024, 2036)  # Far ahead: a dump that is restored next year must still post invoices.
# Vendure computes a line's tax as gross minus net. Rounding per line makes the ERP come to the same
# gross, unless net and tax both end in exactly half a cent (0.99 at 20 %: 0.825 + 0.165). Tryton
# rounds both halves to even, which no unit price can mend: such an order carries the product ROUND.
# Rounding per document would be off for more orders, and by more.
TAX_ROUNDING = "line"


def books(company, rates_wanted):
    """Open the books: accounts, years to post in, and the taxes of the catalogue."""
    create_chart(company)
    accounts = get_accounts(company)
    for year in YEARS:
        span = (dt.date(year, 1, 1), dt.date(year, 12, 31))
        fiscal_year = set_fiscalyear_invoice_sequences(create_fiscalyear(company, today=span))
        fiscal_year.click("create_period")
    open_journals()
    configuration = Model.get("account.configuration")(1)
    configuration.tax_rounding = TAX_ROUNDING
    configuration.save()
    taxes = {}
    for wanted in rates_wanted:
        tax = create_tax(Decimal(wanted["rate"]))
        tax.name = tax.description = wanted["name"]
        tax.save()
        taxes[wanted["code"]] = tax
    return accounts, taxes


def open_journals():
    """
    Open each journal in each period now.

    Tryton does so at the first move, under a lock of the whole table: the first orders that many
    buyers pay at once would be turned away with 503.
    """
    JournalPeriod = Model.get("account.journal.period")  # noqa: N806 - it is a class
    journals = Model.get("account.journal").find([("code", "in", ["REV", "EXP", "CASH"])])
    JournalPeriod.save(
        [
            JournalPeriod(journal=journal, period=period)
            for period in Model.get("account.period").find([])
            for journal in journals
        ]
    )


def payment_terms():
    """Web orders are due at once, trade customers pay in 30 days."""
    terms = {}
    for key, name, days in (("immediate", "Comptant", 0), ("30days", "30 jours", 30)):
        term = Model.get("account.invoice.payment_term")(name=name)
        delta = term.lines.new(type="remainder").relativedeltas.new()
        delta.days = days
        term.save()
        terms[key] = term
    return terms


def payment_journals(accounts):
    """One journal per payment method of the shop; a clearing account pays the invoice (flow 10)."""
    clearing = Model.get("account.account")(name="Encaissements web à rapprocher", reconcile=True)
    clearing.parent, clearing.type = accounts["cash"].parent, accounts["cash"].type
    clearing.save()
    (journal,) = Model.get("account.journal").find([("code", "=", "CASH")])
    return {
        method: saved(
            "account.payment.journal",
            name=name,
            process_method="manual",
            clearing_account=clearing,
            clearing_journal=journal,
        )
        for method, name in (("card", "Carte bancaire (web)"), ("transfer", "Virement (web)"))
    }


def price_lists():
    """Public prices, and ten per cent off for good customers."""
    lists = {}
    for key, name, formula in (
        ("public", "Public", "unit_price"),
        ("vip", "Fidélité", "unit_price * 0.9"),
    ):
        price_list = Model.get("product.price_list")(name=name)
        price_list.price, price_list.unit = "list_price", "product_default"
        price_list.lines.new(formula=formula)
        price_list.save()
        lists[key] = price_list
    return lists


def accounting_category(accounts, tax):
    """Tell which accounts and which tax a product's lines get by default."""
    name = f"Ventes {tax.name}" if tax else "Ventes sans TVA"
    category = Model.get("product.category")(name=name, accounting=True)
    category.account_expense, category.account_revenue = accounts["expense"], accounts["revenue"]
    if tax:
        category.customer_taxes.append(tax)
    category.save()
    return category
