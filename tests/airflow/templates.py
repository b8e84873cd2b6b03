"""Asks Airflow what templates give, and writes the answers to `templates.json`.

    AIRFLOW_HOME=$(mktemp -d) python tests/airflow/templates.py > tests/airflow/templates.json

The context is that of one scheduled run of 2026-03-01; an answer is the text, or the kind of the
error where Airflow refuses.
"""

import json

import pendulum
from airflow import __version__
from airflow.sdk.definitions._internal.templater import create_template_env
from airflow.sdk.execution_time.context import MacrosAccessor

START = pendulum.datetime(2026, 2, 28, 22, 15)
END = pendulum.datetime(2026, 3, 1, 22, 15)
PREVIOUS = pendulum.datetime(2026, 2, 27, 22, 15)
ODD = pendulum.datetime(2026, 12, 31, 23, 59, 59, 123456)

CONTEXT = {
    "logical_date": START,
    "data_interval_start": START,
    "data_interval_end": END,
    "prev_data_interval_start_success": PREVIOUS,
    "prev_data_interval_end_success": START,
    "prev_start_date_success": ODD,
    "prev_end_date_success": None,
    "ds": "2026-02-28",
    "ds_nodash": "20260228",
    "ts": START.isoformat(),
    "ts_nodash": "20260228T221500",
    "ts_nodash_with_tz": "20260228T221500+0000",
    "run_id": "scheduled__2026-02-28T22:15:00+00:00",
    "params": {
        "flag": True, "nothing": None, "n": 3, "x": 0.5, "big": 1e16, "name": "O'Brien",
        "list": [1, "two", None, False], "table": {"a": 1, "b": {"c": [True]}},
        "quote": 'say "it\'s"', "line": "a\nb", "umlaut": "Grüße",
    },
    "macros": MacrosAccessor(),
}

TEMPLATES = """
{{ ds }} {{ ds_nodash }}
{{ ts }} {{ ts_nodash }} {{ ts_nodash_with_tz }}
{{ logical_date }}!
at {{ data_interval_start }}
{{ data_interval_end.isoformat() }}
{{ prev_data_interval_start_success }} {{ prev_data_interval_end_success }}
{{ prev_start_date_success }} {{ prev_end_date_success }}
{{ logical_date | ds }} {{ logical_date | ds_nodash }}
{{ logical_date | ts }} {{ logical_date | ts_nodash }} {{ logical_date | ts_nodash_with_tz }}
{{ prev_start_date_success | ts }} {{ prev_start_date_success | ts_nodash_with_tz }}
{{ prev_end_date_success | ds }}
{{ logical_date.strftime('%Y/%m/%d %H:%M:%S.%f %j %a %A %b %B %p %I %y %z %Z %%') }}
{{ prev_start_date_success.strftime('%f %U %W %V %G %u %w %-d %e %c %x %X') }}
{{ logical_date.add(days=1) }} {{ logical_date.subtract(months=1, hours=2) }}
{{ logical_date.add(months=1).subtract(weeks=1) | ds }}
{{ logical_date.in_timezone('Europe/Berlin') }} {{ logical_date.in_tz('America/New_York').isoformat() }}
{{ logical_date.in_timezone('Europe/Berlin').strftime('%Y-%m-%d %H:%M %Z %z') }}
{{ logical_date.year }}-{{ logical_date.month }}-{{ logical_date.day }} {{ logical_date.hour }}:{{ logical_date.minute }}:{{ logical_date.second }} {{ prev_start_date_success.microsecond }}
{{ logical_date.day_of_year }} {{ logical_date.week_of_year }} {{ logical_date.days_in_month }} {{ logical_date.quarter }} {{ logical_date.weekday() }} {{ logical_date.isoweekday() }}
{{ logical_date.timestamp() }} {{ logical_date.int_timestamp }} {{ logical_date.timezone_name }}
{{ logical_date.date() }} {{ prev_start_date_success.time() }}
{{ logical_date.to_date_string() }} {{ logical_date.to_time_string() }} {{ logical_date.to_datetime_string() }} {{ logical_date.to_iso8601_string() }}
{{ logical_date.format('YYYY-MM-DD HH:mm:ss.SSSSSS') }}
{{ logical_date.format('dddd ddd, D MMMM MMM Do M YY h A hh Q DDDD DDD') }}
{{ logical_date.format('[year] YYYY X Z ZZ z E') }}
{{ logical_date.start_of('month') }} {{ logical_date.end_of('month') }}
{{ logical_date.start_of('week') | ds }} {{ logical_date.end_of('week') | ds }} {{ logical_date.start_of('year') | ds }}
{{ logical_date.start_of('day') | ts }} {{ logical_date.start_of('hour') | ts }}
{{ logical_date.set(hour=3, minute=0) }} {{ logical_date.replace(day=1) }}
{{ data_interval_start - macros.timedelta(days=1) }}
{{ (data_interval_start + macros.timedelta(hours=3, minutes=30)).strftime('%H:%M') }}
{{ macros.timedelta(days=1) + data_interval_start }}
{{ (data_interval_end - data_interval_start).total_seconds() }} {{ (data_interval_end - data_interval_start).days }}
{{ data_interval_end - data_interval_start }}
{{ prev_start_date_success - data_interval_start }}
{{ data_interval_end > data_interval_start }} {{ data_interval_start == logical_date }} {{ data_interval_start >= data_interval_end }}
{{ macros.timedelta(days=1) }} {{ macros.timedelta(hours=-1) }} {{ macros.timedelta(seconds=5, microseconds=1) }} {{ macros.timedelta(days=40, hours=5) }}
{{ macros.timedelta(hours=36).total_seconds() }} {{ macros.timedelta(hours=36).days }} {{ macros.timedelta(hours=36).seconds }}
{{ macros.timedelta(days=1) > macros.timedelta(hours=5) }} {{ macros.timedelta(days=1) * 2 }} {{ macros.timedelta(days=1) - macros.timedelta(hours=5) }}
{{ macros.ds_add(ds, 5) }} {{ macros.ds_add(ds, -28) }} {{ macros.ds_add('2015-01-06', -5) }} {{ macros.ds_add(ds, 0) }}
{{ macros.ds_format(ds, '%Y-%m-%d', '%m-%d-%y') }} {{ macros.ds_format('1/5/2015', '%m/%d/%Y', '%Y-%m-%d') }}
{{ macros.ds_format(ds, '%Y-%m-%d', '%A %d %B %Y') }}
{{ macros.datetime(2026, 1, 2) }} {{ macros.datetime(2026, 1, 2, 3, 4, 5).isoformat() }}
{{ macros.datetime.strptime('2026-01-02 03:04', '%Y-%m-%d %H:%M') }} {{ macros.datetime.strptime(ds, '%Y-%m-%d') + macros.timedelta(days=1) }}
{{ macros.datetime.fromisoformat('2026-01-02T03:04:05') }}
{{ macros.datetime_diff_for_humans(logical_date, data_interval_end) }} {{ macros.datetime_diff_for_humans(data_interval_end, logical_date) }}
{{ macros.datetime_diff_for_humans(prev_start_date_success, logical_date) }}
{{ macros.json.dumps(params.table) }} {{ macros.json.loads('{"a": [1, 2]}').a[1] }}
{{ params.flag }} {{ params.nothing }} {{ params.n }} {{ params.x }} {{ params.big }}
{{ params.list }} {{ params.table }}
{{ params.name }} {{ [params.name, params.quote, params.line, params.umlaut] }}
{{ params.list | length }} {{ params.list | join('-') }} {{ params.n + 1 }} {{ 7 // 2 }} {{ 7 / 2 }} {{ 2 ** 3 }} {{ 7 % 4 }} {{ 'a' + 'b' }} {{ [1] + [2] }}
{{ params.table | tojson }} {{ params.flag | tojson }}
{{ params.table.get('z', 'other') }} {{ params.table['a'] }} {{ params['n'] }}
{{ ds.replace('-', '') }} {{ ds.split('-')[0] }} {{ ds[:7] }} {{ run_id.startswith('scheduled') }} {{ 'abc'.upper() }}
{% if params.flag %}yes{% else %}no{% endif %}
{% for k, v in params.table.items() %}{{ k }}={{ v }};{% endfor %}
{% set d = logical_date.add(days=2) %}{{ d | ds }}
{{ '%04d' | format(params.n) }} {{ '{:>5}'.format(params.n) }}
{{ params.missing | default('d') }}
{{ nope }}
{{ params.missing }}
{{ logical_date.nope }}
{{ (1, 'a', none) }} {{ true }} {{ none }}
{{ -macros.timedelta(days=1) }} {{ 10 - 3 - 2 }} {{ 2 * (3 + 4) }} {{ params.n-1 }}
{{ ((data_interval_end - data_interval_start).total_seconds() / 3600) | int }}
{{ logical_date.replace(tzinfo=none) }}
{{ logical_date.diff(data_interval_end).in_hours() }} {{ (data_interval_end - logical_date).in_days() }}
{{ logical_date.naive() }} {{ logical_date.day_of_week }}
{{ logical_date.date().isoformat() }} {{ macros.datetime.strptime('28/02/26', '%d/%m/%y').date() }}
""".strip().split("\n")


def render(template):
    environment = create_template_env(native=False)
    try:
        return {"text": environment.from_string(template).render(**CONTEXT)}
    except Exception as error:  # noqa: BLE001
        return {"error": type(error).__name__}


def main():
    answers = [{"template": text, **render(text)} for text in TEMPLATES]
    print(json.dumps({"airflow": __version__, "answers": answers}, indent=1, ensure_ascii=False))


main()
