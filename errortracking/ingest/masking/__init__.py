"""What looks like a secret is masked before anything is written: not even the queue or a backup holds it.

``names`` says which keys hold secrets, ``texts`` and ``assigned`` find secrets inside texts, ``walk`` applies all of it
to an event, within a ``budget``.
"""
