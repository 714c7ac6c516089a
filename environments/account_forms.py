"""The forms of the pages on which people log in, join and set passwords."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from environments.models import User

MAX_PASSWORD = 128  # characters; hashing is slow on purpose, and slower for more
MAX_KNOWN = 4_096  # of one that is there already: the admin and `manage.py changepassword` take longer ones


def _password(label: str, autocomplete: str, most: int = MAX_PASSWORD) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, widget=widget, strip=False, max_length=most)


class NewPasswordForm(forms.Form):
    """A new password, typed twice."""

    password = _password("New password", "new-password")
    again = _password("The same again", "new-password")
    user: User | None = None
    """Whose it is, where that is known: it must not resemble the user's name."""

    def clean(self) -> dict[str, Any]:
        """Return the fields; raise ``ValidationError`` for two passwords, or a weak one."""
        cleaned: dict[str, Any] = super().clean() or {}
        if "password" in cleaned and "again" in cleaned:
            if cleaned["password"] != cleaned["again"]:
                raise forms.ValidationError("The two passwords are not the same.")
            validate_password(cleaned["password"], self.user)
        return cleaned


class NewMemberForm(NewPasswordForm):
    """What a new person tells of itself."""

    first_name = forms.CharField(label="First name", max_length=150, required=False)
    field_order = ("first_name", "password", "again")


class KnownMemberForm(forms.Form):
    """The password of the account that there is."""

    password = _password("Password", "current-password", MAX_KNOWN)


class AddressForm(forms.Form):
    """Whose password was forgotten."""

    email = forms.EmailField(label="E-mail", max_length=254)
