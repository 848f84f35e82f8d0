"""What came of the cases: a table, and what is wrong with it."""

import re


def complaints(case, outcome, peers):
    """Why a case fails. `peers` are the outcomes of nginx and HAProxy."""
    ways = case.serin.split(" or ")
    if outcome.words not in ways:
        yield f"answered {outcome.words!r}, not {case.serin!r}"
    fewer = case.unfinished and outcome.seen < case.seen
    if outcome.seen != case.seen and not fewer:
        yield f"the upstream saw {outcome.seen} requests, not {case.seen}"
    if case.unfinished and outcome.whole:
        yield "the upstream has it in full"
    if outcome.smuggled:
        yield "a request was smuggled"
    if outcome.upstream_faults:
        yield f"the upstream was sent {'; '.join(outcome.upstream_faults)}"
    if outcome.answer_faults:
        yield f"the client was sent {'; '.join(outcome.answer_faults)}"
    if not case.hostile and served(outcome) < min(map(served, peers)):
        yield "both peers serve it"
    for wanted, patterns, there in [
        (True, case.has, outcome.upstream_received), (False, case.lacks, outcome.upstream_received),
        (True, case.told, outcome.received), (False, case.untold, outcome.received),
    ]:
        for pattern in patterns:
            if (re.search(pattern, there, re.I | re.S) is not None) != wanted:
                yield f"{'no' if wanted else 'a'} {pattern!r} in {there[:400]!r}"
    if differs(outcome, peers) and not case.why:
        yield "it differs from " + " and ".join(
            f"{name} ({peer})" for name, peer in zip(("nginx", "HAProxy"), peers)
            if differs(outcome, [peer])) + f", being {outcome}: no reason is written"


def served(outcome):
    """Whether all that was asked was answered well."""
    statuses = re.findall(r"\b\d\d\d\b", outcome.words)
    return bool(statuses) and " cut" not in outcome.words and all(it < "400" for it in statuses)


def differs(outcome, peers):
    """Statuses and what is passed on in full are compared; a connection may end later."""
    def compared(it):
        return re.sub(r" (open|closed)$", "", it.words), it.whole
    return any(compared(outcome) != compared(peer) for peer in peers)


class Table:
    def __init__(self, proxies):
        self.versions = [f"{it.name} {it.version}" for it in proxies]
        self.rows = []

    def add(self, group, case, outcomes):
        problems = list(complaints(case, outcomes[0], outcomes[1:]))
        self.rows.append((group, case, outcomes, problems))

    @property
    def failed(self):
        return [row for row in self.rows if row[3]]

    def print(self):
        widths = [max(len(case.name) for _, case, _, _ in self.rows)]
        widths += [max(len(str(outcomes[n])) for _, _, outcomes, _ in self.rows)
                   for n in range(len(self.versions))]
        widths = [max(width, len(text)) for width, text in zip(widths, ["case", *self.versions])]

        def line(*cells):
            return " | ".join(cell.ljust(width) for cell, width in zip(cells, widths))

        print("An answer is each response's status, what became of the connection, and how many")
        print("requests the upstream saw (of them in full). Below it, why Serin's is another.\n")
        print(line("case", *self.versions))
        group = None
        for subject, case, outcomes, problems in self.rows:
            if subject != group:
                group = subject
                print(f"\n{subject}")
            print(line(case.name, *map(str, outcomes)))
            if case.why and differs(outcomes[0], outcomes[1:]):
                print(f"    {case.why}")
            for problem in problems:
                print(f"    FAILED: {problem}")
