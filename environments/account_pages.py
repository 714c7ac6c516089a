"""The few pages for people who need not be staff: log in, join by an invitation, set a forgotten password."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView as DjangoLoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from environments import invitations, passwords
from environments.account_forms import AddressForm, KnownMemberForm, NewMemberForm, NewPasswordForm
from environments.models import PasswordLink, User

_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
_SPENT: Final = (
    "This link is not valid: it was used, taken back or replaced, or is older than three days. Ask for a new one."
)
_NO_MAIL: Final = "This server sends no mail. Its operator makes you a link with: manage.py passwordlink <your address>"
_ON_ITS_WAY: Final = "If there is a user with this address, a mail with a link is on its way to it."

_page = require_http_methods(["GET", "HEAD", "POST"])


class LoginView(DjangoLoginView):
    """Logs in anybody, where the admin's page takes staff only."""

    template_name = "account/form.html"
    extra_context: Any = {"title": "Log in", "button": "Log in", "may_have_forgotten": True}


@never_cache
@login_required
@require_http_methods(["GET", "HEAD"])
def home(request: HttpRequest) -> HttpResponse:
    """Show who is logged in and where to go."""
    return render(request, "account/home.html", {"title": "Logged in"})


@never_cache
@csrf_protect
@_page
def join(request: HttpRequest) -> HttpResponse:
    """Let an invited person join: with a new account, or with the one that has the address."""
    secret = request.GET.get("link", "")
    try:
        invitation = invitations.find(secret)
        known = invitations.invited(invitation) is not None
        form: forms.Form = _form(request, KnownMemberForm if known else NewMemberForm, first_name=invitation.first_name)
        if form.is_bound and form.is_valid():
            fields = form.cleaned_data
            try:
                user = invitations.accept(secret, fields["password"], fields.get("first_name", ""))
            except ValidationError as error:
                form.add_error("password", error)
            else:
                return _enter(request, user)
    except invitations.InvitationGone:
        return _said(request, "Invitation", _SPENT, 404)
    text = f"You are invited to join {invitation.organization.name} as {invitation.target_email}."
    text += " There is an account with this address: its password, please." if known else ""
    return _asked(request, form, "Join", text, "Join")


@never_cache
@csrf_protect
@_page
def set_password(request: HttpRequest) -> HttpResponse:
    """Let whoever has the link set the password of its user."""
    secret = request.GET.get("link", "")
    found = PasswordLink.objects.by_secret(secret).first()
    if found is None:
        return _said(request, "Set a password", _SPENT, 404)
    form = _form(request, NewPasswordForm)
    form.user = found.user
    if form.is_bound and form.is_valid():
        user = passwords.set_by_link(secret, form.cleaned_data["password"])
        return _said(request, "Set a password", _SPENT, 404) if user is None else _enter(request, user)
    return _asked(request, form, "Set a password", f"For {found.user.email}.", "Set the password")


@never_cache
@csrf_protect
@_page
def forgotten(request: HttpRequest) -> HttpResponse:
    """Mail a link by which to set a new password; the same answer for every address."""
    title = "Forgotten password"
    if not settings.EMAIL_AVAILABLE:
        return _said(request, title, _NO_MAIL)
    form = _form(request, AddressForm)
    if form.is_bound and form.is_valid():
        passwords.request_reset(form.cleaned_data["email"])
        return _said(request, title, _ON_ITS_WAY)
    return _asked(request, form, title, "", "Send a link")


def _form(request: HttpRequest, kind: type[Any], **initial: str) -> Any:
    return kind(request.POST) if request.method == "POST" else kind(initial=initial)


def _asked(request: HttpRequest, form: forms.Form, title: str, text: str, button: str) -> HttpResponse:
    return render(request, "account/form.html", {"form": form, "title": title, "text": text, "button": button})


def _said(request: HttpRequest, title: str, text: str, status: int = 200) -> HttpResponse:
    return render(request, "account/said.html", {"title": title, "text": text}, status=status)


def _enter(request: HttpRequest, user: User) -> HttpResponse:
    login(request, user, backend=_BACKEND)
    return redirect(settings.LOGIN_REDIRECT_URL)
