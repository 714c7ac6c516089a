"""Checks of how a project is set up: a registry, one file per kind, and what turns findings into health issues."""
