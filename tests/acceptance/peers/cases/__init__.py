"""The cases, by subject."""

from cases import (
    chunks, codings, connections, fields, hosts, lengths, lines, methods, replies, responses,
    targets, upgrades, upstreams, versions,
)

GROUPS = [
    module.GROUP for module in (
        lines, targets, hosts, versions, lengths, codings, fields, chunks, connections, methods,
        upgrades, responses, replies, upstreams,
    )
]
