"""What goes wrong in the shop of the demo: for each story who reports it, its exceptions, and their code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Sdk = Literal["posthog-python", "posthog-node", "web"]


@dataclass(frozen=True)
class Place:
    """A frame: a file, the function, and the source around the line that is marked with ``>``.

    Without source it is a place in a bundle, where ``line`` and ``column`` say all.
    """

    file: str
    function: str
    line: int
    source: str = ""
    column: int = 9
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Raised:
    """One exception of a chain, with its frames from the entry to the crash. ``{order}`` in ``value`` is a number."""

    type: str
    value: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Story:
    """A chain of exceptions, outermost first; ``weight`` says how often it comes in relation to the others."""

    sdk: Sdk
    weight: int
    chain: tuple[Raised, ...]


_CHECKOUT = Place(
    "shop/views.py",
    "checkout",
    41,
    "def checkout(request, order):\n    cart = load_cart(request.user)\n"
    ">    receipt = payments.charge(order, cart.total)\n"
    "    return render(request, 'thanks.html', {'receipt': receipt})",
    variables=(("order", "{order}"), ("request", "<WSGIRequest: POST '/checkout'>")),
)
_CHARGE = Place(
    "shop/payments.py",
    "charge",
    88,
    "    try:\n        answer = gateway.post('/charges', body)\n    except ConnectionError as error:\n"
    ">        raise PaymentFailed(f'order {order} was not charged') from error\n    return Receipt(answer)",
    variables=(("order", "{order}"), ("body", "{'amount': 4900, 'currency': 'EUR'}")),
)
_GATEWAY = Place(
    "shop/gateway.py",
    "post",
    23,
    "def post(path, body):\n    session = pool.take()\n>    return session.post(BASE + path, json=body, timeout=3)\n",
    variables=(("path", "'/charges'"), ("BASE", "'https://gateway.example'")),
)
_DISCOUNT = Place(
    "shop/prices.py",
    "discount",
    57,
    "def discount(cart, code):\n    rule = RULES[code]\n>    return cart.saved / cart.total * rule.factor\n",
    variables=(("code", "'AUTUMN'"), ("cart", "<Cart: 0 items>")),
)
_STOCK = Place(
    "shop/stock.py",
    "reserve",
    19,
    "def reserve(article, count):\n>    shelf = SHELVES[article]\n    shelf.take(count)\n    return shelf\n",
    variables=(("article", "'A-{order}'"), ("count", "2")),
)

STORIES: Final = (
    Story(
        "posthog-python",
        5,
        (
            Raised("PaymentFailed", "order {order} was not charged", (_CHECKOUT, _CHARGE)),
            Raised("ConnectionError", "gateway.example: timed out after 3 s", (_CHARGE, _GATEWAY)),
        ),
    ),
    Story("posthog-python", 3, (Raised("ZeroDivisionError", "division by zero", (_CHECKOUT, _DISCOUNT)),)),
    Story("posthog-python", 2, (Raised("KeyError", "'A-{order}'", (_CHECKOUT, _STOCK)),)),
    Story(
        "posthog-node",
        4,
        (
            Raised(
                "MailError",
                "confirmation of order {order} was not sent",
                (
                    Place(
                        "dist/mailer.js",
                        "sendConfirmation",
                        34,
                        "async function sendConfirmation (order) {\n  try {\n    await render(order)\n"
                        "  } catch (cause) {\n"
                        ">    throw new MailError(`confirmation of order ${order.id} was not sent`, { cause })\n  }\n}",
                    ),
                ),
            ),
            Raised(
                "TypeError",
                "Cannot read properties of undefined (reading 'street')",
                (
                    Place(
                        "dist/templates.js",
                        "render",
                        12,
                        "function render (order) {\n  const { customer } = order\n"
                        ">  return `${customer.name}\\n${customer.address.street}`\n}",
                        column=52,
                    ),
                ),
            ),
        ),
    ),
    Story(
        "posthog-node",
        1,
        (
            Raised(
                "RangeError",
                "Invalid time value",
                (
                    Place(
                        "dist/reports.js",
                        "monthly",
                        71,
                        "function monthly (rows) {\n  for (const row of rows) {\n"
                        ">    row.day = new Date(row.at).toISOString().slice(0, 10)\n  }\n}",
                        column=32,
                    ),
                ),
            ),
        ),
    ),
    *(
        Story(
            "web",
            weight,
            (
                Raised(
                    type_,
                    value,
                    tuple(
                        Place(f"https://shop.example/assets/{bundle}.min.js", name, 1, column=column)
                        for name, column in zip(names, columns, strict=True)
                    ),
                ),
            ),
        )
        for weight, type_, value, bundle, names, columns in (
            (
                6,
                "TypeError",
                "Cannot read properties of null (reading 'price')",
                "cart",
                "abcdefgh",
                range(2101, 2900, 100),
            ),
            (2, "UnhandledRejection", "Failed to fetch", "search", "klmnopqr", range(9001, 9800, 100)),
            (1, "ReferenceError", "dataLayer is not defined", "consent", "stuvwxyz", range(5001, 5800, 100)),
        )
    ),
)
"""Eight bugs; each becomes one issue."""
