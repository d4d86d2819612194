"""Shows what happened in the demo: act's log while it runs, then the records of the stand-ins."""

import json
import select
import sys
import time
import urllib.request

QUIET = 8  # seconds without a sign of life before we give one


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.startswith("{")]


def outputs(path):
    return {line["name"]: line["arg"] for line in lines_of(path) if line.get("command") == "set-output"}


def follow():
    """act's JSON lines from standard input, as a person reads them, until they end."""
    began = time.monotonic()
    step, buffer = "the job", b""
    while True:
        if not select.select([0], [], [], QUIET)[0]:
            say(f"  ... {step} {time.monotonic() - began:.0f}s")
            continue
        chunk = sys.stdin.buffer.raw.read(65536)
        if not chunk:
            return
        *whole, buffer = (buffer + chunk).split(b"\n")
        for raw in whole:
            try:
                line = json.loads(raw)
            except ValueError:
                say("  | " + raw.decode(errors="replace"))
                continue
            step = follow_line(line, step)


def follow_line(line, step):
    """Prints one line if it says something; returns the step that is at work."""
    message = line.get("msg", "").strip("\n")
    if line.get("jobResult"):
        say(f"  job: {line['jobResult']}")
    elif message.startswith("⭐ Run Main") and len(line.get("stepID", [])) == 1:
        step = message.removeprefix("⭐ Run Main ")
        say(f"  > {step}")
    elif line.get("command") == "group":
        say(f"  | {line.get('arg', '')}")
    elif line.get("command") in ("error", "warning", "notice"):
        say(f"  | {line['command']}: {line.get('arg', '')}")
    elif line.get("raw_output") or (line.get("level") in ("error", "fatal") and not line.get("command")):
        for text in message.splitlines():
            say(f"  | {text}")
    return step


def timeline(act):
    result = json.loads(outputs(act).get("result", "{}"))
    steps = result.get("steps", [])
    if not steps:
        return say("there is no result: the action did not get that far")
    width = max(step.get("started_at", 0) + step["seconds"] for step in steps) or 1
    for step in steps:
        at, seconds = step.get("started_at", 0), step["seconds"]
        bar = " " * round(40 * at / width) + "█" * max(1, round(40 * seconds / width))
        say(f"{step['name']:<20} {at:7.2f}s +{seconds:6.2f}s  {step['outcome']:<9} {bar}")
    say(f"{result['outcome']}: {result.get('previous_slot')} -> {result.get('slot')} in {result['took_seconds']:.1f}s, {result.get('digest')}")


def github(record):
    for call in lines_of(record):
        body = call["body"] or {}
        detail = body.get("state") or body.get("environment") or ""
        say(f"{call['method']:<6} {urllib.request.unquote(call['path']):<64} {call['status']} {detail}")
        if call["path"].rstrip("0123456789").endswith(("/comments", "/comments/")) and "body" in body:
            comment = body["body"]
    if "comment" in locals():
        say("\nthe comment on the pull request:")
        for text in comment.splitlines():
            say(f"  | {text}")


def slack(record):
    messages = lines_of(record)
    for message in messages:
        body = message["body"]
        for text in [body.get("text")] + [text for block in blocks_of(body) for text in block]:
            if text:
                say("\n".join(f"  | {part}" for part in str(text).splitlines()))
    say(f"{len(messages)} message(s), answered {', '.join(str(message['status']) for message in messages) or 'nothing'}")


def blocks_of(body):
    for attachment in body.get("attachments", []):
        if attachment.get("color"):
            yield [f"({attachment['color']})"]
        yield from blocks_of(attachment)
        yield [f"{field['title']}: {field['value']}" for field in attachment.get("fields", [])]
    for block in body.get("blocks", []):
        kind = block["type"]
        words = [block["text"]["text"]] if "text" in block else []
        words += [field["text"].replace("\n", " ") for field in block.get("fields", [])]
        words += [element.get("url", "") + " " + text_of(element) for element in block.get("elements", [])]
        yield ["----"] if kind == "divider" else [word.strip() for word in words]


def text_of(element):
    text = element.get("text", "")
    return text["text"] if isinstance(text, dict) else text


def load(path, first, second):
    report = load_report(path)
    say(f"{report['ok']} requests answered 200 in {report['duration_ms'] / 1000:.0f}s, {sum(report['non_200'].values())} answered anything else")
    say(f"{report['lost']} lost ({report['lost_post']} of them POST), {report['broken']} cut short, {report['timeouts']} timed out")
    say(f"{report['connect_errors']} connections refused; the longest wait for any answer was {report['longest_gap_ms']:.0f} ms")
    names = {first: "first", second: "second"}
    for version, seen in sorted(report["by_version"].items(), key=lambda item: item[1]["first_seen_ms"]):
        span = f"{seen['first_seen_ms'] / 1000:6.1f}s to {seen['last_seen_ms'] / 1000:6.1f}s"
        say(f"  {names.get(version, '?'):<6} {version[:12]}  {seen['count']:>7} answers  {span}  p50 {seen['p50_ms']:.1f} ms  p99 {seen['p99_ms']:.1f} ms")


def load_report(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def get(url, version):
    """One GET; fails unless it is a 200 from that version."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        seen = answer.headers.get("X-Version")
        say(f"GET {url} -> {answer.status} {answer.read().decode().strip()}")
        return answer.status == 200 and seen == version


def post(url, body):
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        say(f"POST {url} -> {answer.status} {answer.read().decode().strip()}")


def find(url, text):
    with urllib.request.urlopen(url, timeout=10) as answer:
        found = text in answer.read().decode()
        say(f"GET {url} -> {answer.status}, {'with' if found else 'WITHOUT'} “{text}” from before")
        return found


def verdict(act, path, second):
    """Whether the demo shows what it is to show."""
    report, outcome = load_report(path), outputs(act).get("outcome", "nothing")
    bad = {
        f"act's outcome is {outcome}, not deployed": outcome != "deployed",
        "there were answers other than 200": report["non_200"],
        "there were refused connections": report["connect_errors"],
        "there were lost requests": report["lost"],
        "there were broken or late answers": report["broken"] + report["timeouts"],
        "the load did not see the new version": second not in report["by_version"],
        "the load ended early": report["ended_by"] != "stop",
    }
    said = [what for what, is_so in bad.items() if is_so]
    say("\nThe demo failed: " + "; ".join(said) if said else f"\nDeployed under load: 0 answers other than 200, {report['lost']} of {report['sent']} requests lost.")
    return not said


def say(text):
    print(text, flush=True)


COMMANDS = {"follow": follow, "timeline": timeline, "github": github, "slack": slack, "load": load}
COMMANDS |= {"get": get, "post": post, "find": find, "verdict": verdict}
sys.exit(1 if COMMANDS[sys.argv[1]](*sys.argv[2:]) is False else 0)
