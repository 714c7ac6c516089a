"""All types, found by looking into the folder ``types``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType

from errortracking.recommendations import types as folder
from errortracking.recommendations.base import RecommendationType


def load(package: ModuleType) -> dict[str, RecommendationType]:
    """Return the types in the files of ``package``, by name and in its order.

    Raises ``AttributeError`` for a file without ``TYPE``, ``ValueError`` for a name that two files give.
    """
    found: dict[str, RecommendationType] = {}
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        kind: RecommendationType = importlib.import_module(module.name).TYPE
        if kind.name in found:
            raise ValueError(f"two recommendations are named {kind.name}")
        found[kind.name] = kind
    return dict(sorted(found.items()))


TYPES: Mapping[str, RecommendationType] = load(folder)
