"""The routes of error tracking, below ``/api/``."""

from __future__ import annotations

from environments.api.routers import Router, project_routes
from errortracking.api.assignment_rules import AssignmentRuleViewSet
from errortracking.api.bypass_rules import BypassRuleViewSet
from errortracking.api.external_references import ExternalReferenceViewSet
from errortracking.api.fingerprints import FingerprintViewSet
from errortracking.api.grouping_rules import GroupingRuleViewSet
from errortracking.api.issue_events import IssueEventViewSet
from errortracking.api.issues import IssueViewSet
from errortracking.api.recommendations import RecommendationViewSet
from errortracking.api.releases import ReleaseViewSet
from errortracking.api.settings import SettingsViewSet
from errortracking.api.spike_detection_config import SpikeDetectionConfigViewSet
from errortracking.api.spike_events import SpikeEventViewSet
from errortracking.api.spike_preview import SpikePreviewViewSet
from errortracking.api.stack_frames import StackFrameViewSet
from errortracking.api.suppression_rules import SuppressionRuleViewSet
from errortracking.api.symbol_sets import SymbolSetViewSet
from notifications.api.deliveries import AlertDeliveryViewSet
from notifications.api.destinations import AlertDestinationViewSet

router = Router()
router.register(
    "alerts/deliveries", AlertDeliveryViewSet, basename="alert_deliveries"
)  # before what takes any word for an id
router.register("alerts", AlertDestinationViewSet, basename="alerts")
router.register("assignment_rules", AssignmentRuleViewSet, basename="assignment_rules")
router.register("bypass_rules", BypassRuleViewSet, basename="bypass_rules")
router.register("external_references", ExternalReferenceViewSet, basename="external_references")
router.register("fingerprints", FingerprintViewSet, basename="fingerprints")
router.register("grouping_rules", GroupingRuleViewSet, basename="grouping_rules")
router.register(r"issues/(?P<id>[^/.]+)/events", IssueEventViewSet, basename="issue_events")
router.register("issues", IssueViewSet, basename="issues")
router.register("recommendations", RecommendationViewSet, basename="recommendations")
router.register("releases", ReleaseViewSet, basename="releases")
router.register("settings", SettingsViewSet, basename="settings")
router.register("spike_detection_config", SpikeDetectionConfigViewSet, basename="spike_detection_config")
router.register("spike_detection_config/preview", SpikePreviewViewSet, basename="spike_preview")
router.register("spike_events", SpikeEventViewSet, basename="spike_events")
router.register("stack_frames", StackFrameViewSet, basename="stack_frames")
router.register("suppression_rules", SuppressionRuleViewSet, basename="suppression_rules")
router.register("symbol_sets", SymbolSetViewSet, basename="symbol_sets")

urlpatterns = project_routes(router, "error_tracking/")
