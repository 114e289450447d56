"""Holds the reports in folders to schemas, and to one another. Usage: check.py SCHEMAS OURS FOLDER…"""

import collections
import csv
import json
import pathlib
import re
import sys

import cmarkgfm
import jsonschema
from lxml import etree

COUNTS = ["accepted", "confirmed", "failed", "unknown", "skipped", "not_attempted"]
TAGS = {"h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "strong"}


def validator_of(path):
    """One of our own schemas, which is one by the meta-schema."""
    schema = json.loads(path.read_text("utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())


def valid(validator, document):
    errors = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(document)]
    assert not errors, (errors, document)


def events(folder, report, validator):
    """Each line valid by the schema; the lines tell what the JSON report tells."""
    text = (folder / "events.ndjson").read_text("utf-8")
    lines = text.splitlines()
    assert text.endswith("\n") and len(lines) == text.count("\n"), "a line stays one line"
    lines = [json.loads(line) for line in lines]
    for line in lines:
        valid(validator, line)
    assert lines[0]["event"] == "run_started" and lines[-1]["event"] == "run_ended"
    assert lines[-1]["summary"] == report["summary"]
    last = {line["operation"]: line for line in lines if "outcome" in line}
    attempts = collections.Counter(line["operation"] for line in lines if line["event"] == "attempt_ended")
    for operation in report["operations"]:
        for name in ["outcome", "reason", "task_id"]:
            assert last[operation["id"]].get(name) == operation.get(name), (name, operation["id"])
        assert attempts[operation["id"]] == len(operation["attempts"])
    assert len(last) == report["summary"]["planned"]


def junit(folder, report, schema):
    """Valid by the XSD, and the cases are those of the JSON report."""
    tree = etree.parse(folder / "junit.xml")
    schema.assertValid(tree)
    cases = tree.findall(".//testcase")
    assert [case.get("name") for case in cases] == [operation["id"] for operation in report["operations"]]
    children = {"failed": "failure", "unknown": "error", "skipped": "skipped", "not_attempted": "skipped"}
    for case, operation in zip(cases, report["operations"]):
        expected = children.get(operation["outcome"])
        found = [child.tag for child in case if child.tag != "system-out"]
        assert found == ([expected] if expected else []), (found, operation["outcome"])
    root = tree.getroot()
    assert int(root.get("failures")) == report["summary"]["failed"]
    assert int(root.get("errors")) == report["summary"]["unknown"]


def table(folder, report):
    """Read by Python's reader: a row an operation, nothing that a spreadsheet would calculate."""
    with open(folder / "report.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert len(rows) == report["summary"]["planned"]
    for row, operation in zip(rows, report["operations"]):
        assert None not in row and None not in row.values()
        for name in ["id", "project", "region", "project_id", "wave", "outcome"]:
            assert row[name] == operation[name], (row[name], operation[name])
        assert row["reason"] == operation.get("reason", ""), row
        assert int(row["calls"]) == len(operation["attempts"])
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values()), row
    outcomes = collections.Counter(row["outcome"] for row in rows)
    assert all(outcomes[name] == report["summary"][name] for name in COUNTS), outcomes


def markdown(folder, report):
    """Rendered by GitHub's own parser: the tables are whole, and nothing but our own elements is there."""
    text = (folder / "report.md").read_text("utf-8")
    assert len(text.encode()) <= 1024 * 1024
    html = cmarkgfm.github_flavored_markdown_to_html(text, options=cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE)
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z0-9]+)", html))
    assert tags <= TAGS, tags - TAGS
    assert "<code>=::error::|`&lt;b&gt;a&lt;b&gt;\\u{1b}[31m [x](http:x) @team.yaml</code>" in html, html
    for part in re.findall(r"<table>.*?</table>", html, re.DOTALL):
        widths = {row.count("<td") + row.count("<th>") for row in re.findall(r"<tr>.*?</tr>", part, re.DOTALL)}
        assert len(widths) == 1, widths
    regions = html.split("Regions</h3>")[1]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in re.findall(r"<tr>.*?</tr>", regions, re.DOTALL)]
    for column, name in enumerate(["planned", *COUNTS, "attempts", "throttled"], start=1):
        assert sum(int(row[column]) for row in rows if row) == report["summary"][name], name


def sarif(path, validator):
    """Valid by the schema, and each result at a line."""
    document = json.loads(path.read_text("utf-8"))
    errors = list(validator.iter_errors(document))
    assert not errors, errors
    run = document["runs"][0]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1
        assert "](" not in result["message"]["text"]
    return run["results"]


def github(path, most):
    """Commands as the runner reads them; the last lines of a valid plan are its answer."""
    lines = path.read_text("utf-8").splitlines()
    commands = [re.fullmatch(r"::(error|warning|notice) ((?:[a-zA-Z]+=[^:,]*,?)+)::(.*)", line) for line in lines]
    assert sum(command is None for command in commands) <= (1 if "valid:" in "".join(lines) else 0), lines
    assert len(commands) <= most
    return [command for command in commands if command]


def main():
    schemas, ours, *folders = map(pathlib.Path, sys.argv[1:])
    report_schema = validator_of(ours / "report.schema.json")
    event_schema = validator_of(ours / "event.schema.json")
    xsd = etree.XMLSchema(etree.parse(schemas / "junit.xsd"))
    schema = json.loads((schemas / "sarif.json").read_text("utf-8"))
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    passed = 0
    for folder in folders:
        report = json.loads((folder / "report.json").read_text("utf-8"))
        valid(report_schema, report)
        events(folder, report, event_schema)
        junit(folder, report, xsd)
        table(folder, report)
        markdown(folder, report)
        results = sarif(folder / "run.sarif", validator)
        commands = github(folder / "github.txt", 10)
        bad = report["summary"]["planned"] - report["summary"]["accepted"] - report["summary"]["confirmed"]
        assert (bad > 0) <= (len(results) > 0 and len(commands) > 0), (bad, len(results), len(commands))
        assert (folder.name != "good") == bool(bad), (folder, report["summary"])
        passed += 7
        print(f"{folder.name}: {json.dumps(report['summary'])}")
    for folder in folders[:2]:
        results = sarif(folder / "validate.sarif", validator)
        commands = github(folder / "validate.github", 100)
        assert (len(results) > 1) == (len(commands) > 1) == (folder.name == "bad"), folder
        passed += 2
    print(f"{passed} passed, 0 failed")


if __name__ == "__main__":
    main()
