"""What one request may hold. Each limit has its reason beside it; all sizes are bytes."""

from __future__ import annotations

from typing import Final

MEGABYTE: Final = 1024 * 1024

# The sizes that SDKs know from PostHog's own server: posthog-python batches up to 5 MiB, posthog-node halves its
# batch after a 413, browsers send recordings of up to 25 MB.
SINGLE_BODY: Final = 2 * MEGABYTE
BATCH_BODY: Final = 20 * MEGABYTE
RECORDING_BODY: Final = 25 * MEGABYTE

# A body may not become more than this at any step of its decoding. As large as the largest plain body, so that
# compressing never makes an acceptable request unacceptable; a parsed request then needs about ten times as much
# memory, which is what a small machine can still give to a web thread.
EXPANDED: Final = RECORDING_BODY

# JSON values in one request, counted as its commas and opening brackets. A text of 25 MB can be eight million empty
# lists, which take 700 MB in Python; 25 MB of real exceptions with their frames and variables hold 700,000 values.
VALUES: Final = 2_000_000

# LZ-string is decoded in Python, 4 MB per second. Only old browser SDKs send it, to routes with this limit.
LZ_STRING_BODY: Final = SINGLE_BODY

# Forms come from `sendBeacon`, which browsers limit to 64 KB, and from old clients of the routes with this limit;
# undoing the percent signs of more would need a multiple of its size.
FORM_BODY: Final = SINGLE_BODY

# base64 in base64 happens, gzip in base64 too; more than this is someone playing.
LAYERS: Final = 4

# Members of one gzip stream, frames of one zstd stream. HTTP clients write one; each further costs a copy of the rest.
MEMBERS: Final = 64

# One transaction of the worker takes one request as a whole. SDKs flush 100 events, migration scripts a thousand.
EVENTS: Final = 10_000

# Upstream's processor gives up on deeper values ("Recursion limit exceeded"); here the rest of the event is kept.
PROPERTY_DEPTH: Final = 64

# Where the parser cannot follow (orjson: 1,024 levels to read, 254 to write), deeper values are cut from the text.
# Above PROPERTY_DEPTH plus the levels of the request around it, so that the cut is always noticed.
TEXT_DEPTH: Final = 200

TOKEN: Final = 64  # characters; a project's token has 47
EVENT_NAME: Final = 200  # characters; the width at which PostHog's own products cut names
DISTINCT_ID: Final = 200  # characters, as upstream
MOMENT: Final = 100  # characters of a timestamp's text; ISO 8601 needs 35
USER_AGENT: Final = 500  # characters; browsers send up to 300
SDK_INFO: Final = 100  # characters of `PostHog-Sdk-Info`; beyond it is not believed
