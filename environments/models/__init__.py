"""Users, organizations, projects and keys, one file per concept."""

from __future__ import annotations

from environments.models.keys import PersonalAPIKey
from environments.models.organizations import Membership, Organization, Role
from environments.models.projects import Project
from environments.models.users import User

__all__ = ["Membership", "Organization", "PersonalAPIKey", "Project", "Role", "User"]
