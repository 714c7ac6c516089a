"""Rows that are processed alone, event by event, in a child process that may die of them.

`parent` runs in the worker, which holds the project; `child` is the program that does the work. They talk in
lines of JSON (`protocol`).
"""
