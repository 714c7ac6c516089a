"""HTTP requests to addresses that somebody else has named: an event, a redirect, a person who set up a webhook.

The lowest room: it imports nobody. Every address is checked when it is connected to, at every hop, so that the server
cannot be made to knock at doors of its own network (``addresses``); every request has an end in time and in size.
"""
