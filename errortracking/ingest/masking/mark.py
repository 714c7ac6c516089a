"""What stands where a secret was."""

from __future__ import annotations

from typing import Final

MASK: Final = "$$_posthog_redacted_based_on_masking_rules_$$"
"""The text that PostHog's SDKs put where they mask a variable: whoever reads an event meets one mark, not two."""
