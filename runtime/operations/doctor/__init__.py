"""What is wrong with this installation, and what to do about it.

Each check looks at one thing, changes nothing, and says a sentence; where something is wrong, another one about the
remedy. A file for each place where things go wrong.
"""
