"""What issues are found by that no other table tells at a glance: texts, releases and SDKs, by fingerprint.

By fingerprint and not by issue, so that a merge, a split or its undoing moves nothing here. Kept by the pipeline
(``pipeline/search.py``). An issue's name and description are not repeated: people change them, so they have an index of
their own on the issue.
"""

from __future__ import annotations

from typing import Final

from django.db import models

from environments.tenancy.models import ProjectForeignKey, ProjectOneToOneField, ProjectRow
from errortracking.models.fingerprints import Fingerprint
from errortracking.models.releases import Release

MAX_TEXT: Final = 1_000
"""Characters of a row. Each three letters cost a place in the index, and this holds types, files and functions of usual
stacks and some messages: those that differ by a number only would fill whatever there is."""


class FingerprintText(ProjectRow):
    """What a fingerprint's exceptions are found by: types, values, files and functions, each on a line, each once."""

    fingerprint = ProjectOneToOneField(Fingerprint, primary_key=True)
    text = models.TextField(help_text="From events: untrusted.")

    def __str__(self) -> str:
        return self.text.partition("\n")[0]


class FingerprintRelease(ProjectRow):
    """One release that exceptions of one fingerprint came from."""

    pk = models.CompositePrimaryKey("environment_id", "release_id", "fingerprint_id")
    release = ProjectForeignKey(Release)
    fingerprint = ProjectForeignKey(Fingerprint)

    class Meta:
        indexes = [models.Index(fields=["environment", "fingerprint"], name="release_of_fingerprint")]

    def __str__(self) -> str:
        return f"{self.fingerprint_id} in {self.release_id}"


class FingerprintSDK(ProjectRow):
    """One SDK (``$lib``) that exceptions of one fingerprint came by."""

    pk = models.CompositePrimaryKey("environment_id", "sdk", "fingerprint_id")
    sdk = models.CharField(max_length=200)
    fingerprint = ProjectForeignKey(Fingerprint)

    class Meta:
        indexes = [models.Index(fields=["environment", "fingerprint"], name="sdk_of_fingerprint")]

    def __str__(self) -> str:
        return f"{self.fingerprint_id} by {self.sdk}"
