"""How long answers take at a fixed rate, well below what any of them could serve."""

import peers
import rounds
import work
from rows import Row
from server import OTHER_CORE

CLIENTS = 64
RATE = 5_120
QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


def quantiles(took_us):
    ordered = sorted(took_us)
    return [ordered[min(int(len(ordered) * it), len(ordered) - 1)] for it in QUANTILES.values()]


def at_rate(setting, system):
    """What requests took, in µs: evenly spaced on each of the connections, which begin one
    after the other, for else all would ask at the same moment again and again."""
    log = setting.folder / "latency"
    log.unlink(missing_ok=True)
    process = work.h2load(
        f"http://127.0.0.1:{system.plain}/", OTHER_CORE, "--h1", "-c", CLIENTS,
        "-r", RATE // 1_000, "--rate-period", "1ms", "--rps", RATE // CLIENTS,
        "-n", RATE * setting.round_s, f"--log-file={log}", key=work.keys()[0])
    work.done_by_h2load(process)
    return [int(line.split("\t")[2]) for line in log.read_text().splitlines()]


def measure(setting):
    with peers.running(setting.folder, setting.of(peers.SYSTEMS)) as systems:
        found = rounds.alternate(
            setting, systems, lambda system: quantiles(at_rate(setting, system)))
    for name, values in zip(QUANTILES, found):
        yield Row("latency", f"{name} at {RATE:,} requests/s", "µs", values)
