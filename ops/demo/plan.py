"""A seed in, a list of baskets out: who buys what, before anything is bought."""

import random
from dataclasses import dataclass

FIRST_NAMES = ("Zoé", "François", "Inès", "Jérôme", "Maëlle", "Noël", "Chloé", "Hélène", "Loïc")
FAMILY_NAMES = ("Lefèvre", "Nguyễn", "D'Arras", "Müller", "O'Brien", "Besançon", "Ça-Va", "Roux")
PLACES = (
    ("12 rue de l'Église", "59000", "Lille"),
    ("3 bis, quai Saint-Antoine", "69002", "Lyon"),
    ("1 place du Capitole", "31000", "Toulouse"),
    ("27 avenue d'Orléans", "75014", "Paris"),
)


@dataclass(frozen=True, slots=True)
class Buyer:
    """A person with an address; a guest gives it with each order."""

    first_name: str
    family_name: str
    email: str
    registered: bool
    street: str
    postal_code: str
    city: str


@dataclass(frozen=True, slots=True)
class Basket:
    """One order to be: quantities by SKU, and how it is paid."""

    buyer: Buyer
    quantities: dict[str, int]
    payment_method: str


def baskets(
    seed: int, *, orders: int, skus: list[str], popular: list[str], run: str
) -> list[Basket]:
    """
    Plan *orders* baskets.

    Every third buyer is a guest and every second registered one comes back; most baskets hold
    one of the *popular* SKUs, so that many buyers want the same things at once. *run* keeps
    the e-mail addresses of two runs apart.
    """
    rng = random.Random(seed)  # noqa: S311 - a plan, not a secret
    people = [_buyer(rng, number, run) for number in range(max(4, orders // 2))]
    planned = []
    for number in range(orders):
        chosen = rng.sample(skus, min(rng.randint(1, 4), len(skus)))
        if popular and rng.random() < 0.7:
            chosen.append(rng.choice(popular))
        planned.append(
            Basket(
                buyer=people[number % len(people)],
                quantities={sku: rng.choice((1, 1, 1, 2, 3, 7)) for sku in chosen},
                payment_method="transfer" if number % 8 == 7 else "card",
            )
        )
    return planned


def _buyer(rng: random.Random, number: int, run: str) -> Buyer:
    street, postal_code, city = rng.choice(PLACES)
    return Buyer(
        first_name=rng.choice(FIRST_NAMES),
        family_name=rng.choice(FAMILY_NAMES),
        email=f"buyer-{run}-{number}@example.com",
        registered=number % 3 != 2,
        street=street,
        postal_code=postal_code,
        city=city,
    )
