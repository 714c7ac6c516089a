"""Recommendations: what a project could do better (contract 3, pipeline 4).

A new type is a new file in ``types/`` and touches nothing else.
"""
