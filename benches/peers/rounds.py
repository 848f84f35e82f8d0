"""Rounds in which systems take turns, so that what disturbs the machine disturbs all."""


def alternate(setting, systems, once, count=None):
    """Lets each system be measured once a round, the first one changing. `once` gives some
    values; for each of them a dictionary is returned: of each system, its value by round."""
    names = list(systems)
    for name in names:
        once(systems[name])  # caches and pools are filled
    found = {name: [] for name in names}
    for number in range(count or setting.rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(once(systems[name]))
    kinds = len(found[names[0]][0])
    return [{name: [values[kind] for values in found[name]] for name in names}
            for kind in range(kinds)]
