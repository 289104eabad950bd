#!/usr/bin/python3
"""Counts test results.

    tally.py suite NAME FILE... reads meson's testlog.json or pytest's junit.xml, shows what failed and
                                one line for the suite, and keeps the result in build/results
    tally.py total NAME...      sums the suites up, lists what failed and what was skipped, and ends
                                with the line "N passed, N failed[, N skipped]"; status 1 on a failure

A suite that left no result, or no test at all, counts as one failure.
"""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

RESULTS = pathlib.Path("build/results")
TAP = re.compile(r"^(not )?ok\b\s*\d*\s*(?:-\s*)?([^#]*?)\s*(?:#\s*(skip)\S*\s*(.*))?$", re.IGNORECASE)


def tail(text, lines=40):
    return "\n".join((text or "").strip().splitlines()[-lines:])


def read_meson(path):
    """Yields (outcome, name, detail); a test program's TAP lines count one by one."""
    for line in path.read_text(errors="replace").splitlines():
        test = json.loads(line)
        name = test["name"].split(" / ")[-1]
        result, failed, seen, notes = test["result"], False, False, []
        for text in test.get("stdout", "").splitlines():
            match = TAP.match(text)
            if not match:
                notes.append(text)
                continue
            seen = True
            case = f"{name}: {match[2]}"
            if match[1]:
                failed = True
                yield "failed", case, "\n".join(notes)
            elif match[3]:
                yield "skipped", case, match[4]
            else:
                yield "passed", case, ""
            notes = []
        if result in ("OK", "EXPECTEDFAIL"):
            if not seen:
                yield "passed", name, ""
        elif result == "SKIP":
            if not seen:
                yield "skipped", name, tail(test.get("stdout"), 1)
        elif not failed:
            detail = f"{result}, status {test.get('returncode')}\n" + "\n".join(notes)
            yield "failed", name, detail + tail(test.get("stderr"))


def read_junit(path):
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname', '')}: {case.get('name')}"
        problems = case.findall("failure") + case.findall("error")
        skipped = case.find("skipped")
        if problems:
            yield "failed", name, tail("\n".join(problem.text or "" for problem in problems))
        elif skipped is not None:
            yield "skipped", name, skipped.get("message", "")
        else:
            yield "passed", name, ""


def read(path):
    if not path.exists():
        return [("failed", "(the suite)", f"no results in {path}: see build/log")]
    try:
        cases = list(read_junit(path) if path.suffix == ".xml" else read_meson(path))
    except (ValueError, KeyError, ElementTree.ParseError) as problem:
        return [("failed", "(the suite)", f"{path}: {problem}")]
    return cases or [("failed", "(the suite)", f"{path} holds no test")]


def line(cases):
    count = {outcome: sum(case[0] == outcome for case in cases) for outcome in ("passed", "failed", "skipped")}
    text = f"{count['passed']} passed, {count['failed']} failed"
    return text + (f", {count['skipped']} skipped" if count["skipped"] else "")


def show(suite, cases, wanted, details=True):
    for outcome, name, detail in cases:
        if outcome != wanted:
            continue
        if wanted == "skipped":
            print(f"skipped: {suite}: {name}: {detail or 'no reason given'}")
        else:
            print(f"FAILED: {suite}: {name}")
            for text in detail.splitlines() if details else []:
                print("    " + text)


def main(mode, *words):
    if mode == "suite":
        suite, *files = words
        cases = [case for file in files for case in read(pathlib.Path(file))]
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{suite}.json").write_text(json.dumps(cases))
        show(suite, cases, "failed")
        print(f"{suite}: {line(cases)}", flush=True)
        return 0
    results = {}
    for suite in words:
        file = RESULTS / f"{suite}.json"
        results[suite] = json.loads(file.read_text()) if file.exists() else read(file)
    for wanted in ("skipped", "failed"):
        for suite, cases in results.items():
            show(suite, cases, wanted, details=False)
    everything = [case for cases in results.values() for case in cases]
    print(line(everything))
    return 1 if any(case[0] == "failed" for case in everything) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
