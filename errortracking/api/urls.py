"""The routes of error tracking, below ``/api/``."""

from __future__ import annotations

from environments.api.routers import Router, project_routes
from errortracking.api.recommendations import RecommendationViewSet
from errortracking.api.releases import ReleaseViewSet
from errortracking.api.settings import SettingsViewSet
from errortracking.api.spike_detection_config import SpikeDetectionConfigViewSet
from errortracking.api.spike_events import SpikeEventViewSet
from errortracking.api.stack_frames import StackFrameViewSet

router = Router()
router.register("recommendations", RecommendationViewSet, basename="recommendations")
router.register("releases", ReleaseViewSet, basename="releases")
router.register("settings", SettingsViewSet, basename="settings")
router.register("spike_detection_config", SpikeDetectionConfigViewSet, basename="spike_detection_config")
router.register("spike_events", SpikeEventViewSet, basename="spike_events")
router.register("stack_frames", StackFrameViewSet, basename="stack_frames")

urlpatterns = project_routes(router, "error_tracking/")
