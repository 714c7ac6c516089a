"""People. A user is known by the e-mail address."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from environments import clock
from environments.ids import uuid7
from environments.tenancy.guard import maintenance


class UserManager(BaseUserManager["User"]):
    """Makes users; the address is stored trimmed, and two spellings that differ in case are one user."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user. Without ``password`` nobody can log in as this user. Raises ``ValueError`` for no address."""
        if not email or not email.strip():
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=self.normalize_email(email.strip()), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user who may do everything in the admin."""
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user with this address, in whatever case it is typed at the login."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who may log in and own personal API keys."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    first_name = models.CharField(max_length=150, blank=True, default="")
    last_name = models.CharField(max_length=150, blank=True, default="")
    is_staff = models.BooleanField(default=False, help_text="May open the admin.")
    is_active = models.BooleanField(default=True, help_text="An inactive user's keys and sessions are refused.")
    current_project = models.ForeignKey(
        "environments.Project",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="What `@current` means for this user's keys.",
    )
    date_joined = models.DateTimeField(default=clock.now)
    requested_password_reset_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="unique_user_email_any_case")]

    def __str__(self) -> str:
        return self.email

    def delete(self, using: Any = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """Delete the user, the keys, and what is assigned to the user in any project."""
        with maintenance("a user may have assignments in several projects"):
            return super().delete(using, keep_parents)
