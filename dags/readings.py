"""Tasks of the `minio_*` DAGs: readings of four sensors, a CSV file a day in the lake."""

import csv
import os
import random
from datetime import datetime, timezone
from pathlib import Path

READINGS = Path("data/lake/readings")
SENSORS = {"north": 8.0, "east": 11.0, "south": 15.5, "west": 12.0}


def daily():
    """Writes the readings of the day that the run covers; the same day gives the same file."""
    day = _day()
    noise = random.Random(day)
    READINGS.mkdir(parents=True, exist_ok=True)
    path = READINGS / f"{day}.csv"
    rows = 0
    # Written aside and renamed, so that nobody reads half a file.
    part = path.with_name(f".{path.name}.part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "sensor", "temperature"])
        for hour in range(24):
            for sensor, mean in SENSORS.items():
                warmth = 4.0 - abs(hour - 14) * 0.5
                value = round(mean + warmth + noise.gauss(0.0, 0.7), 2)
                writer.writerow([f"{day}T{hour:02}:00:00Z", sensor, value])
                rows += 1
    part.replace(path)
    print(f"wrote {rows} readings to {path}")
    return {"uri": f"lake:readings/{path.name}", "rows": rows}


def summarise():
    """Reads all readings and returns how many there are and what each sensor saw."""
    values = {}
    skipped = 0
    files = sorted(READINGS.glob("*.csv"))
    for path in files:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                try:
                    sensor, value = row["sensor"], float(row["temperature"])
                except (KeyError, TypeError, ValueError):
                    skipped += 1
                    continue
                values.setdefault(sensor, []).append(value)
    sensors = {
        sensor: {
            "readings": len(found),
            "min": min(found),
            "mean": round(sum(found) / len(found), 2),
            "max": max(found),
        }
        for sensor, found in sorted(values.items())
    }
    for sensor, seen in sensors.items():
        print(f"{sensor}: {seen['readings']} readings, {seen['mean']} on average")
    if skipped:
        print(f"{skipped} rows were no readings and were left out")
    rows = sum(len(found) for found in values.values())
    return {"files": len(files), "rows": rows, "skipped": skipped, "sensors": sensors}


def _day():
    """Returns the date that the run is about: the start of its interval, or its logical date."""
    for name in ("DAGDECK_DATA_INTERVAL_START", "DAGDECK_LOGICAL_DATE"):
        if os.environ.get(name):
            return os.environ[name][:10]
    return datetime.now(timezone.utc).strftime("%Y-%m-%d")
