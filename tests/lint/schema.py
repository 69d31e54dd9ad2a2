#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""docs/record.schema.json says what the tables of the sources say: the keys of
a record, error codes, phases, reasons to wait. `schema.py --write` writes it.

Types, order and meaning of the keys come from src/codec/record/keys.h. What is
inside of lists and objects, and the lines that no table describes, stand here.
"""

import json
import os
import re
import sys

from common import ROOT, done, text

SCHEMA = "docs/record.schema.json"

# ---- what the tables say ----------------------------------------------------

STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def arguments(row):
    """The arguments of a macro call, split at its own commas."""
    depth, start, out = 0, 0, []
    for m in re.finditer(r'"(?:[^"\\]|\\.)*"|[(),]', row):
        depth += (m.group() == "(") - (m.group() == ")")
        if m.group() == "," and depth == 0:
            out.append(row[start:m.start()])
            start = m.end()
    return out + [row[start:]]


def keys():
    """(name, type, meaning, whether every record has it) of each key."""
    src = re.sub(r"/\*.*?\*/", "", text("src/codec/record/keys.h"), flags=re.S)
    rows = re.findall(r"^(KEY|WIDE)\(\s*(.*?)\)$", src, re.M | re.S)
    for macro, row in rows:
        args = arguments(row)
        name, kind = (STRING.search(a).group(1) for a in (args[1], args[-2]))
        meaning = "".join(STRING.findall(args[-1])).replace('\\"', '"')
        yield name, kind, meaning, macro == "KEY" and args[2].strip() == "1"


def codes(path, macro):
    return re.findall(rf'^{macro}\(\w+,\s*"(\w+)"', text(path), re.M)


def names(path, prefix):
    """The strings of a table of names, by its designators."""
    return re.findall(rf'^\t\[{prefix}\w+\] = "(\w+)"', text(path), re.M)


ERRORS = codes("src/base/error_table.h", "ERR")
PARSE_ERRORS = codes("src/base/parse_error_table.h", "PARSE")
PHASES = [p for p in names("src/base/error.c", "PHASE_") if p != "struck"]
REASONS = names("src/core/stats.c", "WAIT_")
FLAGS = re.findall(r'^\t\t\{ (?:HTTP|RECORD)_\w+, "(\w+)" \},',
                   text("src/codec/record/record.c"), re.M)
FIELD_TYPES = {
    "string": {"type": "string"},
    "string or null": {"type": ["string", "null"]},
    "int": {"type": "integer", "minimum": 0},
    "int or null": {"type": ["integer", "null"], "minimum": 0},
    "number": {"type": "number", "minimum": 0},
    "number or null": {"type": ["number", "null"], "minimum": 0},
    "bool": {"type": "boolean"},
    "bool or null": {"type": ["boolean", "null"]},
    "list": {"type": "array"},
    "object or null": {"type": ["object", "null"]},
    "any": {},
}

# ---- what is inside of them -------------------------------------------------

COUNT, TIME = FIELD_TYPES["int"], FIELD_TYPES["number"]
TEXT, TEXT_OR_NULL = FIELD_TYPES["string"], FIELD_TYPES["string or null"]
BASE64 = {"pattern": "^[A-Za-z0-9+/]*={0,2}$"}
ID = {"type": ["string", "number", "boolean", "null"]}


def ref(name):
    return {"$ref": "#/definitions/" + name}


def obj(properties, optional=(), **more):
    return {"type": "object", "properties": properties,
            "required": [k for k in properties if k not in optional],
            "additionalProperties": False, **more}


def one_of(values, or_null=True):
    return {"enum": [*values, None] if or_null else values}


FIELDS = {"additionalProperties": {"type": "array", "items": TEXT,
                                   "minItems": 1}}
# What a selector found, under the name that it was given.
FOUND = {"type": ["array", "null"]}
INSIDE = {
    "type": {"const": "result"},
    "seq": {"minimum": 1},
    "id": ID, "custom_id": ID,
    "input": {"maxLength": 65535},
    "timestamp": {
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
    "status_code": {"maximum": 999},
    "error": one_of(ERRORS),
    "error_phase": one_of(PHASES),
    "http_version": one_of(["1.0", "1.1"]),
    "remote_port": {"maximum": 65535},
    "conn_id": {"minimum": 1},
    "flags": {"items": one_of(FLAGS, False), "minItems": 1,
              "uniqueItems": True},
    "header": FIELDS, "trailer": FIELDS,
    "interim": {"items": ref("interim"), "minItems": 1},
    "body_base64": BASE64,
    "attempts": {"items": ref("attempt")},
    "extract": {
        "properties": {
            "title": {"type": ["string", "array", "null"]},
            "text": {"type": ["string", "array", "null"]},
            "links": FOUND, "jsonld": FOUND,
            "meta": {"type": ["object", "array", "null"]},
            "exec": {}},
        "additionalProperties": FOUND},
    "parse": {
        "properties": {
            "error": one_of(PARSE_ERRORS),
            "time": FIELD_TYPES["number or null"],
            "worker": {"type": ["integer", "null"], "minimum": 1}},
        "required": ["error", "time", "worker"],
        "additionalProperties": False},
}
STEPS = """time_namelookup time_connect time_appconnect time_starttransfer
time_total""".split()


def result():
    properties, optional = {}, []
    for name, kind, meaning, is_always in keys():
        properties[name] = {"description": meaning, **FIELD_TYPES[kind],
                            **INSIDE.get(name, {})}
        if "enum" in properties[name] or "const" in properties[name]:
            del properties[name]["type"]
        if not is_always:
            optional.append(name)
    return obj(properties, optional, description="The result of one item.")


def attempt():
    return obj({
        "attempt": {"type": "integer", "minimum": 1,
                    "description": "the requests of one attempt share it"},
        "url": TEXT_OR_NULL,
        "status_code": COUNT,
        "error": one_of(ERRORS),
        "remote_ip": TEXT_OR_NULL,
        "conn_id": {"type": ["integer", "null"], "minimum": 1},
        **{step: FIELD_TYPES["number or null"] for step in STEPS},
        "wait": {**FIELD_TYPES["number or null"],
                 "description": "seconds it waited before"},
        "wait_reason": one_of(REASONS),
    }, description="One request, or one look-up, connect or handshake that "
        "failed.")


def line(kind, description, properties, optional=(), **more):
    return obj({
        "type": {"const": kind},
        "seq": {"type": "integer", "minimum": 1},
        "id": ID, "custom_id": ID,
        "n": {"type": "integer", "minimum": 1,
              "description": "counts the lines of the item"},
        "time": {**TIME, "description": "seconds since the request began"},
        **properties,
    }, ("id", "custom_id", *optional), description=description, **more)


def lines():
    return {
        "event": line(
            "event", "One event of a text/event-stream.", {
                "event": TEXT, "data": TEXT,
                "data_json": {"description": "data as a value, if it is "
                              "JSON, with --body json"},
                "event_id": TEXT_OR_NULL,
                "retry": FIELD_TYPES["int or null"]}, ["data_json"]),
        "line": line(
            "line", "One line of application/x-ndjson, or one text of "
            "application/json-seq.",
            {"data": {"description": "the JSON value; if it is none, a string"
                      }}),
        "chunk": line(
            "chunk", "A piece of any other stream.",
            {"data": TEXT, "data_base64": {**TEXT, **BASE64}},
            ["data", "data_base64"],
            oneOf=[{"required": ["data"]}, {"required": ["data_base64"]}]),
    }


def stats():
    counts = {k: COUNT for k in """items ok failed requests bytes_in
              bytes_out""".split()}
    times = {k: TIME for k in "time cpu_user cpu_sys".split()}
    lags = {k: TIME for k in "loop_lag_p50 loop_lag_p99 loop_lag_max".split()}
    return obj({
        "type": {"const": "stats"}, **counts, **times,
        "rss_peak_bytes": COUNT, **lags,
        **{k: COUNT for k in """hosts conns_opened conns_reused handshakes
           lookups lookups_cached""".split()},
        "waits": {
            "type": "object",
            "propertyNames": one_of(REASONS, False),
            "additionalProperties": obj({"count": COUNT, "time": TIME})},
        "rates": {
            "type": "object",
            "description": "origin to the rate that was learned from it",
            "additionalProperties": obj({"rate": TIME,
                                         "learnt": {"type": "boolean"}})},
        "workers": COUNT, "worker_busy": TIME, "worker_queue_max": COUNT,
        "worker_restarts": COUNT,
    }, description="The line of --stats, on standard error.")


def schema():
    definitions = {
        "result": result(), **lines(), "stats": stats(), "attempt": attempt(),
        "interim": obj({"status_code": COUNT,
                        "header": {"type": "object", **FIELDS}},
                       description="One interim (1xx) response."),
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "The JSON lines that fetchd writes",
        "description": "Results and lines of live streams on standard output "
        "(or -o), the line of --stats on standard error. With --fields a "
        "result has only the keys that are named; then its definition does "
        "not hold. Later versions may add keys. Made by tests/lint/schema.py.",
        "oneOf": [ref(k) for k in ("result", "event", "line", "chunk",
                                   "stats")],
        "definitions": definitions,
    }


def main():
    want = json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
    path = os.path.join(ROOT, SCHEMA)
    if sys.argv[1:] == ["--write"]:
        with open(path, "w", encoding="utf-8") as f:
            f.write(want)
    problems = []
    for table in (ERRORS, PARSE_ERRORS, PHASES, REASONS, FLAGS):
        if not table:
            problems.append("a table of names is not where schema.py looks")
    if not os.path.exists(path) or text(SCHEMA) != want:
        problems.append(f"{SCHEMA} is not what the tables say: run "
                        "tests/lint/schema.py --write, and look at the change")
    done(problems, f"{SCHEMA} is what the tables say")


main()
