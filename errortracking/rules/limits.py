"""How much a rule may be and may cost. Whoever writes rules is trusted with a project, not with the machine."""

from __future__ import annotations

# --- What may be written ---------------------------------------------------------------------------------------------

MAX_DEPTH = 8  # groups in groups; PostHog's own editor makes two
MAX_LEAVES = 100  # conditions of one rule; a rule for people to read has a handful
MAX_VALUES = 500  # values of one condition; a list of host names or error types
MAX_KEY = 400  # characters; PostHog's own limit of a property's name
MAX_VALUE = 10_000  # characters of a value; a message is cut to as many bytes, so a longer one equals nothing
MAX_SIZE = 50_000  # characters of all keys and values of a rule: all rules of a project are read for each batch
MAX_PATTERNS = 20  # regular expressions of one rule; each may hold PATTERN_MEMORY
MAX_PATTERN = 1_000  # characters of a regular expression

# --- What may be used ------------------------------------------------------------------------------------------------

PATTERN_MEMORY = 256 * 1024  # bytes for RE2: its program (some 5,000 instructions) and its states; 8 MiB by default
CACHED_PATTERNS = 256  # compiled expressions kept by a process: 64 MiB at the very worst, a few in practice
SHORT_TEXT = 200  # characters of a text whose answers are remembered: a path or a name
REMEMBERED_ANSWERS = 8_192  # of expressions on short texts: some 3 MB

# A step is the work of a microsecond or two at worst. Text is charged by what it can cost, not by what it mostly does:
# RE2 without room for its automaton takes some 5 ns for each character and instruction of the pattern.
STEPS_PER_RULE = 20_000  # for one event: 50 messages of 10,000 bytes against a pattern of 10 instructions
STEPS_PER_EVENT = 100_000  # for all rules of all kinds together: 0.16 s was the worst that was measured
CHARACTERS_PER_STEP = 256  # of text looked through, times the number of a pattern's instructions
