"""What was measured: a value for each system and round."""

import dataclasses
import statistics

SERIN = "Serin"
# Who splits as Serin does. What only forwards bytes is a floor and no peer.
PEERS = ("nginx", "HAProxy")


@dataclasses.dataclass
class Row:
    section: str
    work: str
    unit: str
    values: dict[str, list[float]]
    higher: bool = False  # is better

    def median(self, name):
        return statistics.median(self.values[name])

    def spread(self, name):
        return min(self.values[name]), max(self.values[name])

    def ratio(self):
        """Serin by the better peer of the same round, in the median; none without both."""
        peers = [self.values[name] for name in PEERS if name in self.values]
        if not peers or SERIN not in self.values:
            return None
        better = max if self.higher else min
        each = [own / better(others) for own, *others in zip(self.values[SERIN], *peers)]
        return statistics.median(each)

    def loses(self):
        ratio = self.ratio()
        return ratio is not None and (ratio < 1 if self.higher else ratio > 1)
