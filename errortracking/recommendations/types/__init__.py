"""One file per type; `registry` finds them. Each gives its type the name ``TYPE``."""
