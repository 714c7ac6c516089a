"""The routes of health issues, below ``/api/``."""

from __future__ import annotations

from environments.api.routers import Router, project_routes
from healthtrack.api.health_issues import HealthIssueViewSet

router = Router()
router.register("health_issues", HealthIssueViewSet, basename="health_issues")

urlpatterns = project_routes(router, "", environment_name="project_id")
