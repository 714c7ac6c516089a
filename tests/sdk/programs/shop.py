"""A small shop that fails: a KeyError becomes a ValueError becomes a RuntimeError. Line numbers matter to the tests."""

import sys
from typing import Any

from posthog import Posthog


def price_of(article: str) -> int:
    secret_discount = 7
    return {"tea": 3 + secret_discount}[article]


def total(order: dict[str, Any]) -> int:
    try:
        return sum(price_of(article) for article in order["articles"])
    except KeyError as error:
        raise ValueError(f"no price in order {order['number']}") from error


def checkout(order: dict[str, Any]) -> int:
    try:
        return total(order)
    except ValueError as error:
        raise RuntimeError(f"checkout of order {order['number']} failed") from error


if __name__ == "__main__":
    host, token, *options = sys.argv[1:]
    posthog = Posthog(
        token,
        host=host,
        gzip="gzip" in options,
        sync_mode="sync" in options,
        enable_exception_autocapture="uncaught" in options,
        capture_exception_code_variables="variables" in options,
    )
    order = {"number": 1234, "articles": ["tea", "coffee"]}
    if "uncaught" in options:
        checkout(order)
    for number in range(int(options[0]) if options and options[0].isdigit() else 1):
        try:
            checkout(order)
        except RuntimeError as error:
            uuid = posthog.capture_exception(error, distinct_id=f"user-{number}", properties={"cart": number})
            print(uuid)
    posthog.capture("order_failed", distinct_id="user-0")
    posthog.flush()
    posthog.shutdown()
