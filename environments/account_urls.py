"""The routes of the pages for people, below ``/account/``."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from environments import account_pages

urlpatterns = [
    path("", account_pages.home, name="account"),
    path("login/", account_pages.LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(next_page="login"), name="logout"),
    path("join/", account_pages.join, name="join"),
    path("password/", account_pages.set_password, name="set_password"),
    # By this name Django's and unfold's pages for the log-in of staff find it.
    path("forgotten/", account_pages.forgotten, name="admin_password_reset"),
]
