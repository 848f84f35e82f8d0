"""The work that is asked for: its requests, and the programs that send them."""

import contextlib
import dataclasses
import functools
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import uuid

from program import environment

HOST = "routine-500.localhost"
KEYS = 1_000
BODIES = {1_024: "1 KiB", 102_400: "100 KiB", 10_485_760: "10 MiB"}
RUN_WITHIN_S = 300
SCRIPT = pathlib.Path(__file__).resolve().parent / "configs" / "requests.lua"


@dataclasses.dataclass
class Done:
    """What was answered well; an answer that is not ends the whole."""

    requests: int
    seconds: float
    bytes: int = 0


@functools.cache
def keys():
    """Keys of 36 bytes, the same at each run."""
    draw = random.Random(1)
    return [str(uuid.UUID(int=draw.getrandbits(128))) for _ in range(KEYS)]


@contextlib.contextmanager
def folder(within):
    with tempfile.TemporaryDirectory(dir=within) as made:
        yield made


def on_core(core, command):
    """A program of the load that has begun, on its core."""
    command = ["taskset", "--cpu-list", str(core), *map(str, command)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, env=environment("load"))


def said_by(process):
    """What it says until it ends well."""
    try:
        said, _ = process.communicate(timeout=RUN_WITHIN_S)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        sys.exit(f"{' '.join(process.args)}:\n{said}")
    return said


def wrk(url, core, connections, seconds, keys_file, body=0, count=KEYS):
    """Asks as fast as answers come, each time with another key."""
    command = [shutil.which("wrk"), "-t", 1, "-c", connections, "-d", f"{seconds}s",
               "--timeout", "60s", "-s", SCRIPT, url, "--", keys_file, count, HOST, body]
    said = said_by(on_core(core, command))
    done = re.search(r"done: (\d+) requests, (\d+) us, (\d+) bytes, (\d+) errors", said)
    if not done or done[4] != "0":
        sys.exit(f"not all was answered well:\n{said}")
    return Done(int(done[1]), int(done[2]) / 1e6, int(done[3]))


def h2load(url, core, *options, key):
    """One h2load that has begun; all of its requests have one key."""
    scheme, address = url.split("://")
    port = address.strip("/").split(":")[1]
    return on_core(core, [
        shutil.which("h2load"), "-t", 1, "--connect-to", f"127.0.0.1:{port}",
        "-H", f"X-User-Id: {key}", *options, f"{scheme}://{HOST}:{port}/"])


def done_by_h2load(process):
    said = said_by(process)
    counts = re.search(r"requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded", said)
    took = re.search(r"finished in ([\d.]+)(us|ms|s)", said)
    if not counts or len(set(counts.groups())) != 1 or f" {counts[1]} 2xx" not in said:
        sys.exit(f"not all was answered well:\n{said}")
    return Done(int(counts[1]), float(took[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1}[took[2]])


def split_h2load(url, core, options, requests, connections, key_of):
    """Exactly so many requests, a tenth of them with a key of the newer version."""
    few = max(1, connections // 10)
    shares = [("v1", requests - requests // 10, connections - few), ("v2", requests // 10, few)]
    begun = [h2load(url, core, *options, "-n", count, "-c", clients, key=key_of[version])
             for version, count, clients in shares]
    with contextlib.ExitStack() as stack:
        for process in begun:
            stack.callback(end, process)
        done = [done_by_h2load(process) for process in begun]
    return Done(sum(it.requests for it in done), max(it.seconds for it in done))


def end(process):
    if process.poll() is None:
        process.kill()
        process.wait()
