"""Bounds of an attack. Each one that is exceeded is a line on stderr, and the script then exits with 1."""

import sys


class Bounds:
    def __init__(self):
        self.exceeded = 0

    def at_most(self, name, measured, most):
        self._check(measured <= most, name, measured, f"at most {_text(most)}")

    def at_least(self, name, measured, least):
        self._check(measured >= least, name, measured, f"at least {_text(least)}")

    def equals(self, name, measured, expected):
        self._check(measured == expected, name, measured, _text(expected))

    def _check(self, is_kept, name, measured, bound):
        if not is_kept:
            self.exceeded += 1
            print(f"bound exceeded: {name}: {_text(measured)}; allowed: {bound}", file=sys.stderr, flush=True)

    def exit(self):
        """Ends the script, with 0 if every bound was kept."""
        sys.exit(1 if self.exceeded else 0)


def _text(value):
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
