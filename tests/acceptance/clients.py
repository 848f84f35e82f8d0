"""Where `run` has put the clients that are not Python's."""

import os
import pathlib

import pytest


def clients(name):
    """The folder that the clients of this package.json are installed in."""
    folder = os.environ.get(f"ACCEPTANCE_{name.upper().replace('-', '_')}")
    if not folder:
        pytest.skip(f"the clients of tests/acceptance/{name} are not installed")
    return pathlib.Path(folder)
