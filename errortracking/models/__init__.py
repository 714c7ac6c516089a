"""What error tracking stores, one file per concept. The pipeline writes it, the API shows it; they meet only here."""

from __future__ import annotations

from errortracking.models.counts import EventCount, Outcome, OutcomeCount
from errortracking.models.events import Event, EventLedger
from errortracking.models.fingerprints import Fingerprint, FingerprintStatistics, FingerprintUser
from errortracking.models.frames import AwaitedFrame, FrameContent, StackFrame
from errortracking.models.issues import (
    ExternalReference,
    Issue,
    IssueAssignment,
    IssueCohort,
    IssueStatistics,
    IssueStatus,
)
from errortracking.models.operations import IssueOperation, IssueRedirect, OperationKind
from errortracking.models.queue import QueuedRequest, SetAsideEvent
from errortracking.models.rate_limits import DropReason, RateLimitBucket, RateLimitedCount
from errortracking.models.recommendations import Recommendation
from errortracking.models.releases import Release
from errortracking.models.rules import AssignmentRule, BypassRule, GroupingRule, SuppressionRule
from errortracking.models.search import FingerprintRelease, FingerprintSDK, FingerprintText
from errortracking.models.settings import ErrorTrackingSettings
from errortracking.models.spikes import SpikeCount, SpikeDetectionConfig, SpikeEvent, SpikeSnooze
from errortracking.models.symbols import SymbolChunk, SymbolGarbage, SymbolSet
from errortracking.models.traffic import DailyTally, Tally, TrafficCount
from errortracking.models.unknown_tokens import UnknownToken

__all__ = [
    "AssignmentRule",
    "AwaitedFrame",
    "BypassRule",
    "DailyTally",
    "DropReason",
    "ErrorTrackingSettings",
    "Event",
    "EventCount",
    "EventLedger",
    "ExternalReference",
    "Fingerprint",
    "FingerprintRelease",
    "FingerprintSDK",
    "FingerprintStatistics",
    "FingerprintText",
    "FingerprintUser",
    "FrameContent",
    "GroupingRule",
    "Issue",
    "IssueAssignment",
    "IssueCohort",
    "IssueOperation",
    "IssueRedirect",
    "IssueStatistics",
    "IssueStatus",
    "OperationKind",
    "Outcome",
    "OutcomeCount",
    "QueuedRequest",
    "RateLimitBucket",
    "RateLimitedCount",
    "Recommendation",
    "Release",
    "SetAsideEvent",
    "SpikeCount",
    "SpikeDetectionConfig",
    "SpikeEvent",
    "SpikeSnooze",
    "StackFrame",
    "SuppressionRule",
    "SymbolChunk",
    "SymbolGarbage",
    "SymbolSet",
    "Tally",
    "TrafficCount",
    "UnknownToken",
]
