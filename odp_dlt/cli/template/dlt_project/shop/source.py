"""Orders of a made-up shop: replace `pages` by calls of a real API."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from odp_dlt import dlt

PAGE_SIZE = 20
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCTS = [("tea", 4.5), ("coffee", 6.0), ("cup", 9.9), ("kettle", 39.0)]
STATUSES = ["paid", "sent", "cancelled"]


@dlt.source
def shop(count: int = 40) -> Any:
    """The shop's one resource; `count` is how many orders there are."""

    @dlt.resource(name="orders", primary_key="id")
    def orders() -> Iterator[list[dict[str, Any]]]:
        yield from pages(count)

    return orders


def pages(count: int) -> Iterator[list[dict[str, Any]]]:
    """The orders in pages, as an API gives them: the lists inside become tables of their own."""
    for start in range(1, count + 1, PAGE_SIZE):
        yield [order(number) for number in range(start, min(start + PAGE_SIZE, count + 1))]


def order(number: int) -> dict[str, Any]:
    """One order, the same for the same number."""
    chosen = PRODUCTS[: 1 + number % len(PRODUCTS)]
    return {
        "id": number,
        "ordered_at": (FIRST_DAY + timedelta(hours=number)).isoformat(),
        "status": STATUSES[number % len(STATUSES)],
        "customer": {"id": number % 7, "name": f"Customer {number % 7}"},
        "items": [
            {"product": product, "price": price, "quantity": 1 + (number + at) % 3}
            for at, (product, price) in enumerate(chosen)
        ],
    }
