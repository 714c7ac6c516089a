"""Rules: filters over the properties of an exception, as people write them in JSON, compiled to predicates. Pure.

Knows neither the database nor the pipeline: the API asks whether filters may be stored (``filters.validate``), the
pipeline whether an exception matches them (``filters.compile_filters``). `docs/rules.md` is what users read of it.
"""
