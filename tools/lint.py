#!/usr/bin/env python3
"""The house rules that a program can check, over the whole tree. Prints each finding as path:line: rule: what is wrong.

Usage: tools/lint.py            from the root of the tree; needs universal-ctags
Rules: arrows libraries include head function file figures goto memory calls print hosts
Exceptions stand in tools/waivers.txt, which may only shrink.
"""
import collections
import json
import os
import re
import subprocess
import sys

# What a room may include from. offline, online and vector are siblings; api never sees offline.
BELOW = {
    "core": [],
    "proto": ["core"],
    "registry": ["proto", "core"],
    "offline": ["registry", "proto", "core"],
    "online": ["registry", "proto", "core"],
    "vector": ["registry", "proto", "core"],
    "api": ["online", "vector", "registry", "proto", "core"],
    "cli": ["api", "online", "offline", "vector", "registry", "proto", "core"],
}
# Rooms whose listed headers are all public; the others show one header each.
OPEN_ROOMS = ("core", "proto")
FUNCTION_MEDIAN, FUNCTION_P95, FUNCTION_MAX, FILE_MAX, TESTS_TO_SOURCE = 15, 50, 70, 700, 1.5

STANDARD_HEADER = re.compile(
    r"(assert|complex|ctype|dirent|dlfcn|endian|errno|execinfo|fcntl|fenv|float|fnmatch|getopt|glob|grp|ifaddrs|inttypes|libgen"
    r"|limits|locale|malloc|math|netdb|poll|pthread|pwd|sched|semaphore|setjmp|signal|spawn|stdalign|stdarg|stdatomic|stdbool"
    r"|immintrin|cpuid|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|sysexits|syslog|termios|threads|time|unistd|wchar|wctype)\.h$"
    r"|(arpa|linux|net|netinet|sanitizer|sys)/"
)
CALL = r"(?<![\w.>])({})\s*\("
GOTO = re.compile(r"\bgoto\b")
MEMORY = re.compile(CALL.format("malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf"))
CALLS = re.compile(CALL.format("strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atoll|atof|strtok|system"))
PRINT = re.compile(CALL.format("printf|vprintf|puts|putchar|perror") + r"|(?<![\w.>])v?fprintf\s*\(\s*std(out|err)\b|(?<![\w.>])fputs\s*\([^;]*,\s*std(out|err)\b")
PRINTERS = ("core/log.c", "core/error.c")
URL = re.compile(r"https?://(?!localhost\b|127\.0\.0\.1\b|\[::1\]|([a-z0-9-]+\.)*example\.(com|org)\b|[^A-Za-z0-9])")
REGISTRY_HOST = re.compile(r"\b(npmjs|yarnpkg|pypi|pythonhosted|crates|debian|ubuntu|golang)\.(org|io|com)\b")
SCRIPT = re.compile(r"^(dev|Dockerfile|docker-compose\.yml|CMakePresets\.json|\.ci/.*)$|(^|/)CMakeLists\.txt$|\.(sh|py|cmake)$|^tools/")
TEXT = re.compile(r"\.(c|h|md|txt|yaml|yml|json|sh|py|cmake|proto|html|js|css)$|(^|/)(dev|Dockerfile|run|README|LICENSE)$")
NOT_OURS = re.compile(r"^(build|build-[a-z]+|\.git|\.cache|\.floe)$|^__pycache__$")

findings = []


def found(rule, path, line, message, value=None, function=None):
    """Notes a finding. With a value it counts as that much (a length), without as one more of its rule in its file."""
    findings.append({"rule": rule, "path": path, "line": line, "message": message, "value": value, "function": function})


def tree():
    for folder, folders, files in os.walk("."):
        folders[:] = sorted(f for f in folders if not NOT_OURS.search(f))
        for name in sorted(files):
            yield os.path.relpath(os.path.join(folder, name), ".")


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def blank(match):
    """Keeps the lines, drops the text."""
    return re.sub(r"[^\n]", " ", match[0])


def code_of(text):
    """The text without comments and literals, line for line."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def room_of(path):
    room = path.split("/")[0]
    return room if room in BELOW else None


def includes(text):
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', text, re.M):
        yield line_of(text, match.start()), match[1] == '"', match[2]


def check_own_include(path, line, header):
    """An include of one of our files: written from the root, along the arrows, and only what the other room shows."""
    room, other = room_of(path), room_of(header)
    if not os.path.exists(header):
        found("include", path, line, f'"{header}" is not written from the root of the tree')
    elif room is None or other is None or other == room:
        return
    elif other not in BELOW[room]:
        found("arrows", path, line, f"{room} must not include {header}: {other} is not below it")
    elif header.endswith("_int.h"):
        found("arrows", path, line, f"{header} is private to {other}")
    elif other not in OPEN_ROOMS and header != f"{other}/{other}.h":
        found("arrows", path, line, f"from outside {other} only {other}/{other}.h is included, not {header}")


def library_rules():
    rules = []
    for line in read("tools/lint-libraries.txt").splitlines():
        if line and not line.startswith("#"):
            pattern, place = line.split()
            rules.append((re.compile(pattern), place))
    return rules


def allowed(path, place):
    folder = place[:-1] if place.endswith("/?") else place
    return path.startswith(folder) if folder.endswith("/") else path == place


def check_libraries(sources, texts):
    """Each third-party library is included by the one file (or small folder) that translates it."""
    users = collections.defaultdict(set)
    rules = library_rules()
    for path in sources:
        for line, own, header in includes(texts[path]):
            rule = next((r for r in rules if r[0].search(header)), None)
            if own or STANDARD_HEADER.match(header):
                continue
            if rule is None:
                found("libraries", path, line, f"<{header}> is not in tools/lint-libraries.txt")
            elif not allowed(path, rule[1]):
                found("libraries", path, line, f"<{header}> belongs to {rule[1]}")
            elif rule[1].endswith("/?"):
                users[rule[0].pattern].add(path)
    for pattern, files in users.items():
        for path in sorted(files)[1:]:
            found("libraries", path, 1, f"{pattern} is included by {sorted(files)[0]} already; one file translates a library")


def check_cleanups(path, text):
    """A local that is cleaned up must hold something by the first way out of its function."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        match = re.match(r"\s*FLOE_AUTO_[A-Z_]+ ([a-z_0-9]+);", line)
        for later in lines[number + 1:] if match else []:
            if re.search(r"_init\(&%s\b" % match[1], later):
                break
            if re.search(r"FLOE_TRY|FLOE_ENSURE|FLOE_FAIL|\breturn\b", later) or later.startswith("}"):
                found("cleanup", path, number + 1, f"{match[1]} is cleaned up on a way out that never set it: give it = {{0}}")
                break


def check_words(path, text, code):
    """What the sources of the rooms must not say."""
    for rule, pattern, message in (
        ("memory", MEMORY, "memory comes from core/mem.h"),
        ("calls", CALLS, "is unsafe or hides its errors"),
        ("print", PRINT, "libraries do not print; cli and api do"),
    ):
        if rule == "memory" and path == "core/mem.c":
            continue
        if rule == "print" and (path in PRINTERS or room_of(path) in ("cli", "api")):
            continue
        for match in pattern.finditer(code):
            found(rule, path, line_of(code, match.start()), f"{match[0].strip()}…: {message}")
    if not text.lstrip().startswith("/*"):
        found("head", path, 1, "the file's head must say what the file is for")


def functions(sources):
    command = ["ctags", "--output-format=json", "--fields=+ne", "--kinds-C=f", "-f", "-", "-L", "-"]
    listed = subprocess.run(command, input="\n".join(sources), capture_output=True, text=True, check=True).stdout
    for tag in map(json.loads, listed.splitlines()):
        if "end" in tag:
            yield tag["end"] - tag["line"] + 1, tag["path"], tag["name"], tag["line"]


def quantile(values, share):
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0


def check_figures(sources, tests, texts):
    lengths = []
    for length, path, name, line in functions(sources):
        lengths.append(length)
        if length > FUNCTION_MAX:
            found("function", path, line, f"{name} has {length} lines, at most {FUNCTION_MAX}", length, name)
    lines = {path: texts[path].count("\n") for path in sources + tests}
    for path in sources:
        if lines[path] > FILE_MAX:
            found("file", path, 1, f"{lines[path]} lines, at most {FILE_MAX}", lines[path])
    lengths.sort()
    median, p95 = quantile(lengths, 0.5), quantile(lengths, 0.95)
    source_lines, test_lines = sum(lines[p] for p in sources), sum(lines[p] for p in tests)
    ratio = test_lines / max(1, source_lines)
    if median > FUNCTION_MEDIAN:
        found("figures", "median", 0, f"the median function has {median} lines, at most {FUNCTION_MEDIAN}", median)
    if p95 > FUNCTION_P95:
        found("figures", "p95", 0, f"95 % of the functions have up to {p95} lines, at most {FUNCTION_P95}", p95)
    if ratio < TESTS_TO_SOURCE:
        found("figures", "tests", 0, f"tests to source {ratio:.2f}, at least {TESTS_TO_SOURCE}", int(ratio * 100))
    return (
        f"{len(sources)} source files, {source_lines} lines, {len(lengths)} functions: median {median}, p95 {p95}, longest "
        f"{lengths[-1] if lengths else 0}; tests {test_lines} lines, {ratio:.2f} to 1"
    )


def check_hosts(path):
    if not SCRIPT.search(path) and not TEXT.search(path):
        return
    for number, line in enumerate(read(path).splitlines(), 1):
        if SCRIPT.search(path) and URL.search(line):
            found("hosts", path, number, "a script names a host: use package names, localhost or example.com")
        elif REGISTRY_HOST.search(line):
            found("hosts", path, number, "a package registry's host: name the package, not the host")


def waivers():
    for number, line in enumerate(read("tools/waivers.txt").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            rule, place, value = line.split()
            yield number, rule, place, int(value)


def settle(groups, number, rule, place, value):
    """Holds one waiver against what was found: equal is fine, anything else is said."""
    group = groups.pop((rule, place), None)
    if group is None:
        return [f"tools/waivers.txt:{number}: {rule} {place} is no longer needed: remove the line"]
    actual = sum(f["value"] if f["value"] is not None else 1 for f in group)
    # The ratio of the tests (in percent) moves with every commit, so its waiver is a floor; every other figure is exact.
    if actual == value or (place == "tests" and actual > value):
        return []
    if actual < value and place != "tests":
        return [f"tools/waivers.txt:{number}: {rule} {place} shrank: write {actual}"]
    return [f"{f['path']}:{f['line']}: {rule}: {f['message']} (waived: {value})" for f in group]


def report():
    """Everything found that no waiver covers, and every waiver that is wrong."""
    groups = collections.defaultdict(list)
    for finding in findings:
        place = finding["path"] + (":" + finding["function"] if finding["function"] else "")
        groups[finding["rule"], place].append(finding)
    complaints = []
    for waiver in waivers():
        complaints += settle(groups, *waiver)
    for group in groups.values():
        complaints += [f"{f['path']}:{f['line']}: {f['rule']}: {f['message']}" for f in group]
    return complaints


def main():
    everything = list(tree())
    c_files = [p for p in everything if re.search(r"\.[ch]$", p)]
    sources = [p for p in c_files if not re.match(r"(tests|bench|examples|fuzz)/|.*\.pb-c\.", p)]
    tests = [p for p in everything if re.match(r"tests/.*\.(c|h|py)$|fuzz/.*\.c$", p)]
    texts = {p: read(p) for p in set(c_files) | set(tests)}
    for path in c_files:
        code = code_of(texts[path])
        for line, own, header in includes(texts[path]):
            if own:
                check_own_include(path, line, header)
        for match in GOTO.finditer(code):
            found("goto", path, line_of(code, match.start()), "no goto: a cleanup attribute frees what leaves")
        if path in sources:
            check_words(path, texts[path], code)
            check_cleanups(path, code)
    check_libraries(sources, texts)
    for path in everything:
        check_hosts(path)
    summary = check_figures(sources, tests, texts)
    complaints = report()
    for complaint in complaints:
        print(complaint)
    print(f"lint: {summary}; " + (f"{len(complaints)} findings" if complaints else "clean"))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
