"""Calls every operation with the client that openapi-python-client has generated, and expects literal answers.

Reads what it needs to know from standard input, as ``tests.clients.place`` makes it, and prints the requests that it
made: method, path and status of each. It is type-checked and run by ``test_python_client.py``.
"""

from __future__ import annotations

import json
import sys

import health_issues
import recommendations
import refusals
import releases
import settings
import spikes
import stack_frames
import symbol_sets
from common import Place

place = Place(json.load(sys.stdin))
with place.client:
    health_issues.walk(place)
    recommendations.walk(place)
    settings.walk(place)
    recommendations.walk_after_settings(place)
    spikes.walk(place)
    releases.walk(place)
    stack_frames.walk(place)
    symbol_sets.walk(place)
    refusals.walk(place)
print(json.dumps(place.requests))
