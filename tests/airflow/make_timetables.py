"""Asks Airflow's own timetables when runs are due, and keeps the answers as data.

    AIRFLOW_HOME=$(mktemp -d) python make_timetables.py > timetables.json

Each case walks as the scheduler does: it asks for the next run, takes it when it is due, and asks
again with that run as the last one. With `catchup` the walk makes up for all since `earliest`; a
case without moves the clock to when the run is due. `frozen` cases ask at one instant with one
last run, also where the clock changes. Dates are UTC.
"""

import datetime
import importlib.metadata
import json
import sys
import types

import pendulum

from airflow.sdk import timezone as sdk_timezone  # noqa: F401  (loads the settings)
from airflow.timetables import interval, simple, trigger
from airflow.timetables.base import DataInterval, TimeRestriction

STEPS = 30

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",  # its clock changes at midnight
    "Africa/Cairo",  # and so does this one
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Kathmandu",  # an odd offset
]

# Each begins some days before a change of the clock in one of the zones (UTC instants).
BEGINNINGS = [
    "2026-03-06T12:34:56",  # New York 8 March
    "2026-03-27T12:34:56",  # Berlin 29 March
    "2026-04-03T00:00:00",  # Lord Howe, Santiago 5 April
    "2026-04-23T22:00:00",  # Cairo 24 April
    "2026-09-05T03:00:00",  # Santiago 6 September
    "2026-10-02T12:00:00",  # Lord Howe 4 October
    "2026-10-23T12:34:56",  # Berlin 25 October
    "2026-10-29T12:00:00",  # Cairo 29 October, New York 1 November
]

CRONS = [
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
    "@quarterly",
    "@yearly",
    "* * * * *",
    "*/30 * * * *",
    "*/7 * * * *",
    "15,45 * * * *",
    "0 */2 * * *",
    "30 2 * * *",
    "0 0 * * *",
    "30 0 * * *",
    "59 23 * * *",
    "*/30 1-3 * * *",
    "15,45 2-3 * * *",
    "0 22-2 * * *",
    "0 6 * * 1-5",
    "*/30 * * * 1-5",
    "0 * 1 * *",
    "0 9 * * MON,WED,FRI",
    "0 0 * * 7",
    "0 0 1,15 * *",
    "0 0 13 * 5",
    "0 0 */10 * *",
    "0 0 L * *",
    "0 12 * * 5#2",
    "0 12 * * L5",
    "5 4 31 * *",
    "0 0 29 2 *",
    "0 3 * JAN-MAR,OCT *",
    "10-40/15 5 * * *",
    "5/20 * * * *",
    "0 0 * * sat-mon",
    "0 0 1-7 * 1",
    "0 0 */1 * 1-5",
    "0 0-23 * * *",
    "0 23 * * *",
    "0 1 25 10 *",
]

# These are asked in every zone, the others in two.
EVERYWHERE = [
    "@hourly",
    "@daily",
    "*/30 * * * *",
    "0 */2 * * *",
    "30 2 * * *",
    "30 0 * * *",
    "*/30 1-3 * * *",
    "15,45 2-3 * * *",
    "0 22-2 * * *",
    "0 6 * * 1-5",
    "*/30 * * * 1-5",
    "0 * 1 * *",
]
TWO_ZONES = ["UTC", "Europe/Berlin"]

MANY = [
    ["0 6 * * *", "0 18 * * 5"],
    ["30 2 * * *", "*/45 1-3 * * *", "@weekly"],
]

DELTAS = [1800, 3600, 86400, 5400, 604800, 7]


def stretch(found):
    """One instant where it has no length."""
    start, end = shown(found.start), shown(found.end)
    return start if start == end else [start, end]


def utc(text):
    return pendulum.parse(text, tz="UTC")


def shown(instant):
    assert instant.microsecond == 0
    return instant.in_timezone("UTC").strftime("%Y-%m-%dT%H:%M:%SZ")


class Clock:
    """Stands still where it is set."""

    now = utc("2026-01-01T00:00:00")

    @classmethod
    def utcnow(cls):
        return cls.now


for module in (trigger, interval):
    module.utcnow = Clock.utcnow
simple.timezone.utcnow = Clock.utcnow
trigger.time = types.SimpleNamespace(time=lambda: Clock.now.timestamp())


def make(case):
    kind = case["timetable"]
    zone = case.get("timezone", "UTC")
    if kind == "cron_trigger":
        crons = case["crons"]
        if len(crons) > 1:
            return trigger.MultipleCronTriggerTimetable(*crons, timezone=zone)
        return trigger.CronTriggerTimetable(crons[0], timezone=zone)
    if kind == "cron_data_interval":
        return interval.CronDataIntervalTimetable(case["crons"][0], zone)
    delta = datetime.timedelta(seconds=case.get("delta_secs", 0))
    if kind == "delta_trigger":
        return trigger.DeltaTriggerTimetable(delta)
    if kind == "delta_data_interval":
        return interval.DeltaDataIntervalTimetable(delta)
    return {"once": simple.OnceTimetable, "continuous": simple.ContinuousTimetable}[kind]()


def next_info(timetable, last, restriction):
    return timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)


def walk(case):
    """Takes one run after the other."""
    timetable = make(case)
    Clock.now = utc(case["now"])
    earliest = utc(case["earliest"]) if case["earliest"] else None
    latest = utc(case["latest"]) if case.get("latest") else None
    restriction = TimeRestriction(earliest, latest, case["catchup"])
    last, runs = None, []
    for _ in range(case.get("steps", STEPS)):
        try:
            info = next_info(timetable, last, restriction)
        except (AssertionError, ValueError):  # Airflow's scheduler stops here
            runs.append("error")
            break
        if info is None:
            runs.append(None)
            break
        last = info.data_interval
        # The interval goes from the logical date to when the run is due.
        assert info.logical_date == last.start and info.run_after == last.end, info
        runs.append(stretch(last))
        if last.end > Clock.now:
            if case["timetable"] == "continuous":
                break
            Clock.now = last.end
    case["runs"] = runs
    return case


def by_hand(case):
    timetable = make(case)
    found = timetable.infer_manual_data_interval(run_after=utc(case["at"]))
    case["by_hand"] = stretch(found)
    return case


def frozen(case):
    timetable = make(case)
    Clock.now = utc(case["now"])
    last = case["last"] and DataInterval(*(utc(at) for at in case["last"]))
    earliest = utc(case["earliest"]) if case["earliest"] else None
    try:
        info = next_info(timetable, last, TimeRestriction(earliest, None, case["catchup"]))
    except (ValueError, AssertionError):
        case["next"] = "error"
        return case
    case["next"] = info and stretch(info.data_interval)
    return case


def kinds():
    for crons in [[cron] for cron in CRONS] + MANY:
        for zone in ZONES if crons[0] in EVERYWHERE else TWO_ZONES:
            yield {"timetable": "cron_trigger", "crons": crons, "timezone": zone}
            if len(crons) == 1:
                yield {"timetable": "cron_data_interval", "crons": crons, "timezone": zone}
    for secs in DELTAS:
        for kind in ("delta_trigger", "delta_data_interval"):
            yield {"timetable": kind, "delta_secs": secs}


def has_change(case, beginning):
    """Asks a zone around its own changes; one without any, once."""
    zone = case.get("timezone", "UTC")
    start = utc(beginning).in_timezone(zone)
    ten_days_on = start.add(days=10)
    has_none = zone in ("UTC", "Asia/Kathmandu") and beginning == BEGINNINGS[1]
    return has_none or start.utcoffset() != ten_days_on.utcoffset()


def walks():
    for kind in kinds():
        for beginning in filter(lambda at: has_change(kind, at), BEGINNINGS):
            for catchup in (True, False):
                yield {**kind, "now": beginning, "earliest": beginning, "catchup": catchup}
        if kind.get("timezone", "UTC") not in TWO_ZONES:
            continue
        start = BEGINNINGS[1]
        yield {**kind, "now": start, "earliest": None, "catchup": False, "steps": 3}
        yield {**kind, "now": start, "earliest": None, "catchup": True, "steps": 3}
        yield {**kind, "now": start, "earliest": "2025-01-01T00:00:00", "catchup": False, "steps": 3}
        yield {**kind, "now": start, "earliest": "2027-01-01T00:00:00", "catchup": False, "steps": 3}
        ended = {"latest": "2026-03-29T12:00:00", "steps": STEPS}
        yield {**kind, "now": start, "earliest": start, "catchup": True, **ended}
    for kind in ({"timetable": "once"}, {"timetable": "continuous"}):
        for earliest in (None, "2026-01-01T00:00:00", "2027-01-01T00:00:00"):
            for latest in (None, "2026-02-01T00:00:00"):
                yield {
                    **kind,
                    "now": "2026-03-27T12:34:56",
                    "earliest": earliest,
                    "latest": latest,
                    "catchup": False,
                    "steps": 2,
                }


def still():
    """Instants around and between firings, each with last runs of long ago, just now and later."""
    instants = [
        "2026-03-28T23:00:00",
        "2026-03-29T00:30:00",
        "2026-03-29T00:59:59",
        "2026-03-29T01:00:00",
        "2026-03-29T01:30:00",
        "2026-10-24T22:00:00",
        "2026-10-25T00:15:00",
        "2026-10-25T00:30:00",
        "2026-10-25T00:50:00",
        "2026-10-25T01:00:00",
        "2026-10-25T01:30:00",
        "2026-10-25T23:00:00",
    ]
    lasts = [
        None,
        ["2026-03-20T00:00:00", "2026-03-21T00:00:00"],
        ["2026-03-29T00:00:00", "2026-03-29T00:30:00"],
        ["2026-10-25T00:30:00", "2026-10-25T00:30:00"],
        ["2026-10-25T00:00:00", "2026-10-26T00:00:00"],
    ]
    wanted = ["@daily", "*/30 * * * *", "30 2 * * *", "*/30 1-3 * * *"]
    for cron in wanted:
        for kind in ("cron_trigger", "cron_data_interval"):
            for now in instants:
                for last in lasts:
                    for catchup in (True, False):
                        yield {
                            "timetable": kind,
                            "crons": [cron],
                            "timezone": "Europe/Berlin",
                            "now": now,
                            "last": last,
                            "earliest": "2026-03-01T00:00:00",
                            "catchup": catchup,
                        }


def hands():
    for kind in kinds():
        if kind.get("timezone", "UTC") in TWO_ZONES:
            for at in ("2026-03-29T01:00:00", "2026-03-30T04:05:06", "2026-10-25T00:50:00"):
                yield {**kind, "at": at}


def main():
    data = {
        "airflow": importlib.metadata.version("apache-airflow-core"),
        "croniter": importlib.metadata.version("croniter"),
        "made_by": "tests/airflow/make_timetables.py",
        "walks": [walk(case) for case in walks()],
        "frozen": [frozen(case) for case in still()],
        "by_hand": [by_hand(case) for case in hands()],
    }
    # A line a case, so that a change of one is a change of one line.
    out = sys.stdout
    out.write("{\n")
    for name in ("airflow", "croniter", "made_by"):
        out.write(f"{json.dumps(name)}: {json.dumps(data[name])},\n")
    for name in ("walks", "frozen", "by_hand"):
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in data[name])
        out.write(f"{json.dumps(name)}: [\n{lines}\n]" + (",\n" if name != "by_hand" else "\n"))
    out.write("}\n")


if __name__ == "__main__":
    main()
