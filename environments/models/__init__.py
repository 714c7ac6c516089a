"""Users, organizations, projects, keys and what is kept about their use, one file per concept."""

from __future__ import annotations

from environments.models.audit import AuditEntry
from environments.models.invitations import Invitation
from environments.models.keys import PersonalAPIKey
from environments.models.organizations import Membership, Organization, Role
from environments.models.password_links import PasswordLink
from environments.models.projects import Project
from environments.models.rate_limits import RateLimit
from environments.models.row_counts import RowCount
from environments.models.users import User

__all__ = [
    "AuditEntry",
    "Invitation",
    "Membership",
    "Organization",
    "PasswordLink",
    "PersonalAPIKey",
    "Project",
    "RateLimit",
    "Role",
    "RowCount",
    "User",
]
