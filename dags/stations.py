"""Tasks of `orchestration_example`."""

import time

import dagdeck  # on the path of every Python task


def stations(params):
    return params["stations"]


def measure(station):
    """Pretends to read a gauge; tells how far it is."""
    level = 0
    for step in range(1, 5):
        time.sleep(0.2)
        level += len(station) * step
        dagdeck.progress(step / 4, f"{station}: reading {step} of 4")
    return level


def total(values):
    print(f"{len(values)} stations")
    return sum(values)
