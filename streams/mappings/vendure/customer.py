"""Shop ``customer`` rows in, what a customer id stands for out: a person with an e-mail."""

from typing import TypedDict

from streams.change_event import Row


class CustomerReference(TypedDict):
    """A customer: value of ``ref.vendure.customer``, whose key is the customer's id."""

    email: str
    name: str
    telephone: str | None
    registered: bool


def customer(row: Row) -> CustomerReference:
    """Map one row; who has no user account is a guest."""
    names = [row.text_or_none("firstName"), row.text_or_none("lastName")]
    return {
        "email": row.text("emailAddress").strip(),
        "name": " ".join(name.strip() for name in names if name and name.strip()),
        "telephone": row.text_or_none("phoneNumber"),
        "registered": row.whole_or_none("userId") is not None,
    }
