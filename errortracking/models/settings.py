"""A project's settings of error tracking (contract 5)."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models

from environments.tenancy.models import ProjectRow


def _limit(help_text: str, smallest: int = 1) -> models.IntegerField[int | None, int | None]:
    return models.IntegerField(null=True, blank=True, validators=[MinValueValidator(smallest)], help_text=help_text)


class ErrorTrackingSettings(ProjectRow):
    """Rate limits of one project. The row is made by the first look at it."""

    environment = models.OneToOneField(
        "environments.Project",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        primary_key=True,
        related_name="+",
    )
    project_rate_limit_value = _limit("Exceptions that the project may store per bucket. Null: no limit.")
    project_rate_limit_bucket_size_minutes = _limit("Length of the project's bucket in minutes. Null: 60.")
    # The API takes no 0 (contract 5), but the processing knows it (pipeline 2.11): an operator's word.
    per_issue_rate_limit_value = _limit(
        "Exceptions that each issue may store per bucket. Null: the server's default. 0: no limit, whatever that is.",
        smallest=0,
    )
    per_issue_rate_limit_bucket_size_minutes = _limit("Length of an issue's bucket in minutes. Null: 60.")

    class Meta:
        verbose_name = "settings"
        verbose_name_plural = "settings"
        constraints = [
            models.CheckConstraint(
                name="rate_limits_are_positive",
                condition=models.Q(
                    *[
                        models.Q(**{f"{field}__isnull": True}) | models.Q(**{f"{field}__gte": smallest})
                        for field, smallest in (
                            ("project_rate_limit_value", 1),
                            ("project_rate_limit_bucket_size_minutes", 1),
                            ("per_issue_rate_limit_value", 0),
                            ("per_issue_rate_limit_bucket_size_minutes", 1),
                        )
                    ]
                ),
            )
        ]

    def __str__(self) -> str:
        return f"settings of project {self.environment_id}"
