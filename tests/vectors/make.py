#!/usr/bin/env python3
"""Makes split.jsonl: golden vectors of the split rule.

A second implementation of the rule, in another language and on another XXH3, so
that the two can only be wrong together. The seed is fixed: the same bytes every time.

    python3 -m pip install --target target/vectors-python xxhash==3.6.0
    python3 tests/vectors/make.py            # writes split.jsonl
    python3 tests/vectors/make.py --check    # exit status 1 if it, or contract.jsonl, differs
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "target" / "vectors-python"))
try:
    import xxhash
except ImportError:
    sys.exit("xxhash is missing; the opening of this file says how to install it")

U64 = (1 << 64) - 1


# The rule.

def is_number(version):
    return all(c in "0123456789" for c in version)


def newer_of(one, other):
    """The greater in canonical order: numbers as numbers, anything else by bytes."""
    if is_number(one) and is_number(other):
        return max(one, other, key=lambda version: (int(version), version.encode()))
    return max(one, other, key=str.encode)


def seed_of(kind, name, newer, cohort):
    material = b"serin/split/v1"
    for field in (kind, name, newer, cohort):
        field = field.encode()
        material += len(field).to_bytes(4, "little") + field
    return xxhash.xxh3_64_intdigest(material)


def threshold_of(percent):
    return percent * 2**64 // 100


def judge(kind, name, code_versions, cohort, key):
    """One vector. `code_versions` is two pairs, in the order the operator lists them."""
    (one, _), (other, _) = code_versions
    newer = newer_of(one, other)
    older = other if newer == one else one
    seed = seed_of(kind, name, newer, cohort)
    position = xxhash.xxh3_64_intdigest(key, seed)
    joined = position < threshold_of(dict(code_versions)[newer])
    vector = {
        "kind": kind,
        "name": name,
        "code_versions": dict(code_versions),
        "cohort": cohort,
        "key_hex": key.hex(),
        "newer": newer,
        "seed": f"{seed:016x}",
        "position": f"{position:016x}",
        "version": newer if joined else older,
    }
    text = key.decode(errors="replace")
    if text.encode() == key and text.isprintable():
        vector["key"] = text
    return vector


# Keys at a chosen position.

SECRET_8_TO_24 = bytes.fromhex("7c01812cf721ad1cded46de9839097db")
PRIME_MX2 = 0x9FB21C651E98DF25


def key_at(position, seed):
    """The 8-byte key at `position` under `seed`.

    For 4 to 8 bytes XXH3 is a permutation (XXH3_len_4to8_64b), undone here from
    its last step to its first. Only so can a vector stand exactly on an edge.
    """
    unmultiply = pow(PRIME_MX2, -1, 1 << 64)
    h = position
    h ^= h >> 28 ^ h >> 56
    h = h * unmultiply & U64
    h ^= (h >> 35) + 8
    h = h * unmultiply & U64
    # x ^ rotl(x, 49) ^ rotl(x, 24) is the identity after 64 rounds.
    for _ in range(63):
        h ^= (h << 49 | h >> 15) & U64 ^ (h << 24 | h >> 40) & U64
    swapped = int.from_bytes((seed & 0xFFFFFFFF).to_bytes(4, "little"), "big")
    secret = int.from_bytes(SECRET_8_TO_24[:8], "little") ^ int.from_bytes(
        SECRET_8_TO_24[8:], "little"
    )
    h ^= (secret - (seed ^ swapped << 32)) & U64
    key = (h >> 32).to_bytes(4, "little") + (h & 0xFFFFFFFF).to_bytes(4, "little")
    assert xxhash.xxh3_64_intdigest(key, seed) == position
    return key


# What the vectors are about.

class Draw:
    """splitmix64: the same numbers in every version of Python."""

    def __init__(self, state):
        self.state = state

    def next(self):
        self.state = self.state + 0x9E3779B97F4A7C15 & U64
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & U64
        z = (z ^ z >> 27) * 0x94D049BB133111EB & U64
        return z ^ z >> 31

    def below(self, end):
        return self.next() % end

    def one_of(self, choices):
        return choices[self.below(len(choices))]

    def text(self, alphabet, length):
        return "".join(self.one_of(alphabet) for _ in range(length))

    def octets(self, length):
        return bytes(self.below(256) for _ in range(length))


DIGITS = "0123456789"
ROUTINES = ["checkout", "search-api", "routine-1", "routine-11", "a0", "test-routine1", "a" * 41]
COHORTS = ["", "", "", "again", "2", "été", "зима-2", "冬🎿", "a b\tc", "x" * 200]
VERSIONS = [
    "0", "00", "000", "7", "07", "007", "9", "10", "010", "99", "100",
    "1723599747213377175", "1723599747213377176", "1710120201067203242",
    "18446744073709551615", "18446744073709551616",
    "340282366920938463463374607431768211455", "340282366920938463463374607431768211456",
    "9" * 63, "9" * 64, "1" + "0" * 63, "0" * 63 + "1", "0" * 64,
    "v1", "v1.0", "v1-0", "v1_0", "v2", "v9", "v10", "blue", "green", "a", "A", "Z", "_", "-", ".",
    "1a", "9a", "0x10", "1.0", "1.10", "1.9", "-1", "1e3", "2024-01-02.rc1", "z" * 64,
]
LENGTHS = [
    *range(1, 34), 40, 47, 48, 63, 64, 65, 80, 96, 97, 111, 112, 113, 126, 127, 128, 129, 130,
    143, 144, 145, 160, 176, 192, 208, 224, 239, 240, 241, 242, 255, 256, 257, 300, 320, 384, 400,
    511, 512, 513, 640, 768, 960, 1000, 1008, 1023, 1024,
]


def release(draw):
    kind = draw.one_of(["routine", "routine", "container"])
    if kind == "container":
        name = "app-" + draw.text(DIGITS, 18)
    else:
        name = draw.one_of(ROUTINES)
    return kind, name, draw.one_of(COHORTS)


def pair(draw, percent):
    """Two versions, the newer with `percent`, in either order."""
    one = other = draw.one_of(VERSIONS)
    while other == one:
        other = draw.one_of([draw.text(DIGITS, 1 + draw.below(64)), *VERSIONS])
    shares = [
        (version, percent if version == newer_of(one, other) else 100 - percent)
        for version in (one, other)
    ]
    return shares


def people_key(draw):
    """A key such as services have."""
    number = draw.below(1_000_000)
    hexes = draw.text("0123456789abcdef", 32)
    return draw.one_of([
        f"{number}",
        f"user-{number:012}",
        f"10.{draw.below(256)}.{draw.below(256)}.{draw.below(256)}",
        f"2001:db8:{draw.below(65536):x}:1::",
        f"{hexes[:8]}-{hexes[8:12]}-4{hexes[13:16]}-a{hexes[17:20]}-{hexes[20:]}",
        f"u{number}@example.com",
        f"é{number}é",
        f"用户{number}",
        f" {number} ",
        f'"{number}"',
    ]).encode()


def vectors():
    draw = Draw(20_240_817)
    for number in range(900):
        kind, name, cohort = release(draw)
        shares = pair(draw, number % 99 + 1)
        if number % 2:
            key = draw.octets(LENGTHS[number // 2 % len(LENGTHS)])
        else:
            key = people_key(draw)
        yield judge(kind, name, shares, cohort, key)
        if number % 4 == 0:
            yield judge(kind, name, shares[::-1], cohort, key)
    # The last position of the newer version and the first of the older one.
    for percent in range(1, 100):
        kind, name, cohort = release(draw)
        shares = pair(draw, percent)
        seed = seed_of(kind, name, newer_of(shares[0][0], shares[1][0]), cohort)
        for position in (threshold_of(percent) - 1, threshold_of(percent)):
            yield judge(kind, name, shares, cohort, key_at(position, seed))
    # The ends of position space.
    for percent in (1, 99):
        kind, name, cohort = release(draw)
        shares = pair(draw, percent)
        seed = seed_of(kind, name, newer_of(shares[0][0], shares[1][0]), cohort)
        for position in (0, U64):
            yield judge(kind, name, shares, cohort, key_at(position, seed))


def render(vector):
    return json.dumps(vector, ensure_ascii=False) + "\n"


def lines_of(path):
    with path.open(encoding="utf-8", newline="\n") as file:
        return file.readlines()


def differs(path, made):
    """Says where the file at `path` is not what was made."""
    lines = lines_of(path)
    if lines == made:
        return False
    line = next(
        (n for n, (was, now) in enumerate(zip(lines, made)) if was != now),
        min(len(lines), len(made)),
    )
    print(f"{path.name}: differs from line {line + 1} on", file=sys.stderr)
    return True


def contract_again(path):
    """What this implementation makes of the inputs in the contract's file."""
    for line in lines_of(path):
        given = json.loads(line)
        shares = list(given["code_versions"].items())
        key = bytes.fromhex(given["key_hex"])
        yield judge(given["kind"], given["name"], shares, given["cohort"], key)


def main(arguments):
    split, contract = HERE / "split.jsonl", HERE / "contract.jsonl"
    made = [render(vector) for vector in vectors()]
    if arguments == ["--check"]:
        pairs = [(split, made), (contract, [render(v) for v in contract_again(contract)])]
        return int(any([differs(path, lines) for path, lines in pairs]))
    if arguments:
        print("usage: make.py [--check]", file=sys.stderr)
        return 2
    split.write_text("".join(made), "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
