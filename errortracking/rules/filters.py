"""Filters as people write them (PostHog's property groups, in JSON) → a predicate over a ``Subject``. Pure.

::

    {"type": "AND", "values": [
        {"type": "event", "key": "$exception_types", "operator": "exact", "value": ["TimeoutError"]},
        {"type": "OR", "values": […]}
    ]}

**Filters that say nothing match nothing.** ``{}`` and a group without values are what an editor sends before its user
has written anything; upstream lets them match everything, so that an unfinished suppression rule drops a project's
every exception. A group without values inside another is left out, as if it had not been written. Who means every
exception says so: ``{"key": "$exception_types", "operator": "is_set"}``.

A predicate is a pure function of bounded cost: it reads properties, raises nothing but ``RuleError`` and
``OutOfSteps``, and spends the steps of ``limits``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from math import isfinite

from errortracking.rules import limits, operators
from errortracking.rules.errors import FilterError, OutOfSteps, Path, RuleError
from errortracking.rules.operators import OPERATORS, Scalar, Test
from errortracking.rules.subject import EVENT, ISSUE, ISSUE_KEYS, Key, Subject

__all__ = ["OPERATORS", "FilterError", "OutOfSteps", "Predicate", "RuleError", "compile_filters", "validate"]

_Node = Callable[[Subject], bool]

_LEAF_KEYS = frozenset({"key", "value", "operator", "type", "label"})  # label: what an editor shows; kept, not read
_INT64 = 2**63


class Predicate:
    """Compiled filters. ``keys`` are what they look at; ``says_nothing`` tells that they never match."""

    def __init__(self, node: _Node | None, keys: Sequence[Key]) -> None:
        self._node = node
        self.keys = tuple(dict.fromkeys(keys))
        self.says_nothing = node is None

    def __call__(self, subject: Subject) -> bool:
        """Return whether ``subject`` matches. Raises ``RuleError`` (switch it off), ``OutOfSteps`` (skip it)."""
        if self._node is None:
            return False
        subject.begin_rule()
        return self._node(subject)


def validate(filters: object, *, issue: bool = False) -> None:
    """Raise ``FilterError`` unless ``filters`` can be stored and compiled.

    ``issue`` tells that conditions on the issue may stand there: in assignment rules only. At other rules there is no
    issue yet, and "its status is not resolved" would hold for everything.
    """
    compile_filters(filters, issue=issue)


def compile_filters(filters: object, *, issue: bool = False) -> Predicate:
    """Return the predicate that ``filters`` (JSON as decoded) describe. Raises ``FilterError`` as ``validate``."""
    compiler = _Compiler(issue)
    node = compiler.group(filters, (), 1) if filters != {} else None
    return Predicate(node, compiler.keys)


class _Compiler:
    """One walk through the filters, that counts what it has seen."""

    def __init__(self, issue: bool) -> None:
        self.keys: list[Key] = []
        self._types = (EVENT, ISSUE) if issue else (EVENT,)
        self._size = 0
        self._patterns = 0

    def group(self, filters: object, path: Path, depth: int) -> _Node | None:
        if not isinstance(filters, dict):
            raise FilterError("Expected an object with type and values.", path)
        if depth > limits.MAX_DEPTH:
            raise FilterError(f"Groups may be nested {limits.MAX_DEPTH} deep.", path)
        _only(filters, {"type", "values"}, path)
        kind, values = filters.get("type"), filters.get("values")
        if kind not in ("AND", "OR"):
            raise FilterError("Must be AND or OR.", (*path, "type"))
        if not isinstance(values, list):
            raise FilterError("Expected a list.", (*path, "values"))
        members = [self._member(value, (*path, "values", at), depth) for at, value in enumerate(values)]
        return _joined(str(kind), [member for member in members if member is not None])

    def _member(self, value: object, path: Path, depth: int) -> _Node | None:
        if isinstance(value, dict) and "values" in value:
            return self.group(value, path, depth + 1)
        return self._leaf(value, path)

    def _leaf(self, leaf: object, path: Path) -> _Node:
        if not isinstance(leaf, dict):
            raise FilterError("Expected a condition or a group.", path)
        _only(leaf, _LEAF_KEYS, path)
        operator = leaf.get("operator", "exact")
        if not isinstance(operator, str) or operator not in OPERATORS:
            raise FilterError(f"Must be one of {', '.join(OPERATORS)}.", (*path, "operator"))
        self._label(leaf.get("label"), (*path, "label"))
        key = self._key(leaf, path)
        self.keys.append(key)
        if len(self.keys) > limits.MAX_LEAVES:
            raise FilterError(f"A rule may have {limits.MAX_LEAVES} conditions.", path)
        positive = operators.NEGATED.get(operator, operator)
        needs_none = positive == "is_set" and leaf.get("value") is None  # one that is given is stored as well
        values = [] if needs_none else self._values(leaf, operator, (*path, "value"))
        return _leaf(key, self._test(positive, values, (*path, "value")), negated=positive != operator)

    def _key(self, leaf: dict[str, object], path: Path) -> Key:
        type_, name = leaf.get("type", EVENT), leaf.get("key")
        if not isinstance(type_, str) or type_ not in self._types:
            raise FilterError(f"Must be {' or '.join(self._types)}.", (*path, "type"))
        if not isinstance(name, str) or not name:
            raise FilterError("Expected the name of a property.", (*path, "key"))
        if len(name) > limits.MAX_KEY:
            raise FilterError(f"May have {limits.MAX_KEY} characters.", (*path, "key"))
        if type_ == ISSUE and name not in ISSUE_KEYS:
            raise FilterError(f"Must be one of {', '.join(ISSUE_KEYS)}.", (*path, "key"))
        self._storable(name, (*path, "key"))
        return Key(type_, name)

    def _label(self, label: object, path: Path) -> None:
        if label is None:
            return
        if not isinstance(label, str) or len(label) > limits.MAX_KEY:
            raise FilterError(f"Expected a text of at most {limits.MAX_KEY} characters.", path)
        self._storable(label, path)

    def _values(self, leaf: dict[str, object], operator: str, path: Path) -> list[Scalar]:
        value = leaf.get("value")
        if not isinstance(value, list):
            if operator in ("in", "not_in"):
                raise FilterError("Expected a list.", path)
            return [self._value(value, path)]
        if not value:
            raise FilterError("May not be empty.", path)
        if len(value) > limits.MAX_VALUES:
            raise FilterError(f"May have {limits.MAX_VALUES} values.", path)
        return [self._value(one, (*path, at)) for at, one in enumerate(value)]

    def _value(self, value: object, path: Path) -> Scalar:
        if isinstance(value, str):
            if len(value) > limits.MAX_VALUE:
                raise FilterError(f"May have {limits.MAX_VALUE} characters.", path)
            self._storable(value, path)
            return value
        if isinstance(value, bool):
            return value
        if isinstance(value, int) and -_INT64 <= value < _INT64:
            return value
        if isinstance(value, float) and isfinite(value):
            self._grow(len(f"{Decimal(repr(value)):f}"), path)  # PostgreSQL writes 1e308 out
            return value
        raise FilterError("Expected a text, a number or a boolean.", path)

    def _storable(self, text: str, path: Path) -> None:
        if "\0" in text or not _is_unicode(text):
            raise FilterError("Holds characters that cannot be stored.", path)
        self._grow(len(text), path)

    def _grow(self, characters: int, path: Path) -> None:
        self._size += characters
        if self._size > limits.MAX_SIZE:
            raise FilterError(f"The texts of a rule may have {limits.MAX_SIZE} characters together.", path)

    def _test(self, operator: str, values: list[Scalar], path: Path) -> Test:
        if operator == "is_set":
            return operators.is_there
        if operator == "icontains":
            if any(value == "" for value in values):
                raise FilterError("May not be empty.", path)  # it is in every text
            return operators.contains(values)
        if operator == "regex":
            return self._pattern(values, path)
        if operator in operators.SIZES:
            if any(operators.number(value) is None for value in values):
                raise FilterError("Expected a number.", path)
            return operators.compares(operator, values)
        return operators.equals(values)

    def _pattern(self, values: list[Scalar], path: Path) -> Test:
        self._patterns += len(values)
        if self._patterns > limits.MAX_PATTERNS:
            raise FilterError(f"A rule may have {limits.MAX_PATTERNS} regular expressions.", path)
        if any(len(operators.text(value)) > limits.MAX_PATTERN for value in values):
            raise FilterError(f"A regular expression may have {limits.MAX_PATTERN} characters.", path)
        if any(value == "" for value in values):
            raise FilterError("May not be empty.", path)  # it is found in every text
        try:
            return operators.matches(values)
        except ValueError as error:
            raise FilterError(f"Not a regular expression (RE2): {error}.", path) from None


def _joined(kind: str, members: list[_Node]) -> _Node | None:
    if len(members) < 2:
        return members[0] if members else None
    decides = kind == "OR"  # the first member that says so decides; if none does, the opposite holds

    def node(subject: Subject) -> bool:
        for member in members:  # a loop and not any(): the generator would cost more than most members
            if member(subject) is decides:
                return decides
        return not decides

    return node


def _leaf(key: Key, test: Test, *, negated: bool) -> _Node:
    def node(subject: Subject) -> bool:
        value = subject.get(key)
        if isinstance(value, list):
            subject.spend(1 + len(value))
            return any(test(element, subject) for element in value if element is not None) is not negated
        subject.spend(1)
        return (value is not None and test(value, subject)) is not negated

    return node


def _only(found: dict[str, object], known: set[str] | frozenset[str], path: Path) -> None:
    """Refuse keys that would be passed over in silence (``negation``, say): the rule would match other events."""
    unknown = [key for key in found if key not in known]
    if unknown:
        raise FilterError("This is not a part of filters.", (*path, str(unknown[0])))


def _is_unicode(text: str) -> bool:
    """Return whether there is no lone surrogate in ``text``; JSON can write one, UTF-8 cannot."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
