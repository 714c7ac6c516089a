"""All kinds, found by looking into the folder ``kinds``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType

from healthtrack.checks import kinds as folder
from healthtrack.checks.base import HealthCheck


def load(package: ModuleType) -> dict[str, HealthCheck]:
    """Return the checks in the files of ``package``, by kind and in its order.

    Raises ``AttributeError`` for a file without ``CHECK``, ``ValueError`` for a kind that two files give.
    """
    found: dict[str, HealthCheck] = {}
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        check: HealthCheck = importlib.import_module(module.name).CHECK
        if check.kind in found:
            raise ValueError(f"two checks are of kind {check.kind}")
        found[check.kind] = check
    return dict(sorted(found.items()))


CHECKS: Mapping[str, HealthCheck] = load(folder)
