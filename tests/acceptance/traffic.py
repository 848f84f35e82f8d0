"""What real clients of the data plane need: a routine in front of their servers."""

import os
import pathlib
import shutil
import subprocess

import pytest

from serin import ANY_PORT, environment

ROUTINE = "traffic"
HOST = f"{ROUTINE}.localhost"
RUN_WITHIN_S = 60

HTTPS = ANY_PORT + """\
production_tls = "127.0.0.1:0"
[tls]
authority = "authority"
"""


def in_front_of(upstreams, listen=ANY_PORT, more=""):
    """A config whose routine has a version for each upstream; the first has everybody.

    Where there is no upstream, the built-in backend answers.
    """
    versions = "".join(
        f'[[routine.version]]\ncode_version = "{number}"\n'
        + (f'upstream = "{upstream}"\n' if upstream else "") + more + "\n"
        for number, upstream in enumerate(upstreams, 1)
    )
    return f"""
default_routine = "{ROUTINE}"
{listen}
[[routine]]
name = "{ROUTINE}"
{versions}
[[routine.deployment]]
env = "production"
code_versions = [{{ code_version = "1", percentage = 100 }}]
"""


def run(*command, within_s=RUN_WITHIN_S, **more):
    """What a command says, once it has ended well."""
    command = list(map(str, command))
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=within_s, **{"env": environment()} | more)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def unpacked(name, command):
    """A command that `run` took out of Debian's packages, and the environment it needs."""
    found = shutil.which(command)
    if found is None:
        pytest.skip(f"{command} is not installed")
    folder = os.environ.get(f"UNPACKED_{name}")
    if folder is None or not pathlib.Path(found).is_relative_to(folder):
        return found, environment()
    return found, environment(LD_LIBRARY_PATH=os.environ[f"LIBRARIES_{name}"])
