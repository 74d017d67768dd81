"""Medians and spreads of the raw figures."""

import statistics


class Figures:
    """The raw data of a run (a dictionary that is written as JSON), with the queries that tables need."""

    def __init__(self, raw):
        self.raw = raw

    def rounds(self, case, key, name):
        """The figures of each round; none where an earlier run did not measure them."""
        return [each[name] for each in self.raw["cases"].get(case, {}).get(key, []) if name in each]

    def median(self, case, key, name):
        values = self.rounds(case, key, name)
        return statistics.median(values) if values else None

    def ratio(self, case, one, other, name):
        """The median of one divided by that of the other."""
        mine, theirs = self.median(case, one, name), self.median(case, other, name)
        return mine / theirs if mine is not None and theirs else None

    def cell(self, case, key, name, scale=1.0):
        """The median with minimum and maximum: `12.3 (11.9-14.0)`."""
        values = sorted(value * scale for value in self.rounds(case, key, name))
        if not values:
            return ""
        middle = plain(statistics.median(values))
        return middle if len(values) == 1 else f"{middle} ({plain(values[0])}-{plain(values[-1])})"


def plain(value):
    """Three significant digits without an exponent; small whole numbers unchanged."""
    if value == int(value) and value < 1000:
        return str(int(value))
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
