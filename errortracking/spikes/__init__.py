"""Spikes: when an issue suddenly comes much more often (pipeline 3).

``detect`` decides, as pure functions over plain numbers; ``counts`` reads the numbers for the pipeline, which asks
about now; ``series`` and ``preview`` read and replay those of up to 30 days for the API, which asks what another
configuration would have done.
"""
