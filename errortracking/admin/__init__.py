"""The admin of error tracking: for looking, and for what a person decides about an issue."""

from __future__ import annotations

from errortracking.admin import frames, issues, operations, rules, set_aside, symbol_sets, tables, unknown_tokens

__all__ = ["frames", "issues", "operations", "rules", "set_aside", "symbol_sets", "tables", "unknown_tokens"]
