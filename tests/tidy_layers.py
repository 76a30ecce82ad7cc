"""The module table of the house style, and the rules about who may use what.

Each rule takes a tree (path -> text) and yields (path, line, message).
"""

import pathlib
import re

from tidy_source import calls, end_of_call, lex, line_of, without_macros

_REPLICA = "base os wal ltx sqlite storage"
MAY_INCLUDE = {
    "base": "",
    "wal": "base",
    "ltx": "base",
    "os": "base",
    "sqlite": "base os wal",
    "http": "base os",
    "storage": "base os http",
    "storage/aws": "base os http storage",
    "storage/s3": "base os http storage storage/aws",
    "storage/stores": "base os http storage storage/aws storage/s3",
    "replication/replica": _REPLICA,
    "replication/capture": f"{_REPLICA} replication/replica",
    "replication/upload": f"{_REPLICA} replication/replica",
    "replication/restore": f"{_REPLICA} replication/replica",
    "replication/startup": f"{_REPLICA} replication/replica replication/capture"
                           " replication/restore",
    "replication": f"{_REPLICA} storage/stores replication/replica replication/capture"
                   " replication/upload replication/restore replication/startup",
    "control": "base os replication replication/replica replication/capture",
    "supervisor": "base os",
    "config": "base",
    "client": "",
    "daemon": "base os sqlite http storage storage/aws storage/stores replication"
              " replication/replica replication/startup control supervisor config client",
    "cli": "base wal ltx os sqlite http storage storage/aws storage/s3 storage/stores replication"
           " replication/replica replication/restore replication/startup replication/upload"
           " control supervisor config client daemon",
}

# A folder with more sources is to be split, unless there is a reason.
MOST_SOURCES = 15
MANY_SOURCES = {
    "os": "small wrappers of POSIX that do not know one another",
}

# Modules, and units of other modules, that decide and never do.
PURE_MODULES = {"base", "wal", "ltx", "config"}
PURE_UNITS = {
    "http/uri", "storage/aws/s3_sign", "replication/replica/layout", "replication/startup/startup",
    "replication/capture/checkpoint", "replication/upload/pace", "replication/replica/plan",
    "control/protocol", "supervisor/lifecycle", "supervisor/lifecycle_state", "supervisor/platform",
}

# What a source declares for itself at the outermost level.
OWN_NAME = re.compile(r"^(?:(?:constexpr|const) [^=;({\n]*?\b(?P<constant>k[A-Z]\w*)"
                      r"|(?:struct|class|enum class|enum) (?P<type>\w+) )", re.M)

SAYS_PURE = re.compile(r"^// Pure[.:;,]", re.M)

# What a pure file may take from os: values, and how they are spelled.
OS_VALUES = {
    "Pid", "ExitStatus", "ReceivedSignal", "format_signal", "parse_signal", "Path", "FileLock",
}

# Modules that call POSIX: `os` for the others, and `client`, which is libc alone.
POSIX_MODULES = {"os", "client"}

THREAD_HEADERS = {
    "thread", "mutex", "shared_mutex", "condition_variable", "future", "semaphore", "latch",
    "barrier", "stop_token",
}
STREAM_HEADERS = {"fstream", "iostream", "cstdio", "stdio.h"}
POSIX_HEADERS = re.compile(
    r"^(sys|net|netinet|arpa|linux|asm)/|^(unistd|fcntl|signal|poll|pthread|spawn|dirent"
    r"|netdb|pwd|grp|sched|termios|mqueue|glob|ftw|syslog|ucontext|utime|aio)\.h$")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+[<"]([^>"]+)[>"]', re.M)
# <csignal> is standard C++ and names the signals; raising and handling them is for os.
CALLS_POSIX = re.compile(r"\bstd::(thread|jthread|async)\b(?!::)|\bpthread_create\b"
                         r"|(?<![\w.>:])(::)?(v?fork|kill|raise|sigaction)\s*\("
                         r"|\bstd::(signal|raise)\b")
IMPURE = {
    "clock": re.compile(r"::now\s*\(|\b(clock_gettime|gettimeofday)\b"
                        r"|\b(std::)?time\s*\(\s*(nullptr|NULL|0)?\s*\)"),
    "thread": re.compile(r"\bstd::(this_thread|thread|jthread|mutex|condition_variable|async)\b"),
    "environment": re.compile(r"\b(secure_)?getenv\s*\(|\benviron\b"),
    "randomness": re.compile(r"\brandom_device\b|\b(s?rand|getrandom|getentropy|random_u64)\s*\("),
    "log": re.compile(r"\blog_?\s*(\.|->)\s*(error|warn|info|debug)\s*\(|\bstd::(cout|cerr|clog)\b"
                      r"|\b(fmt::print|f?printf|puts)\s*\("),
    "file system": re.compile(
        r"\b(std::filesystem|fs)::(exists|remove|remove_all|rename|create_director\w+|file_size"
        r"|copy\w*|is_\w+|status|current_path|temp_directory_path|canonical|absolute|space|"
        r"directory_iterator|recursive_directory_iterator|resize_file|last_write_time)\b"),
}
FROM_OS = re.compile(r"\bos::\w+|\busing\s+namespace\s+(walwrap::)?os\b")


def module_of(path):
    """The module of a file in src/: its folder, "replication/upload"; else None."""
    parts = pathlib.PurePosixPath(path).parts
    return "/".join(parts[1:-1]) if parts[0] == "src" and len(parts) > 2 else None


def unit_of(path):
    """A header and its source: "wal/scanner"."""
    return f"{module_of(path)}/{pathlib.PurePosixPath(path).stem}"


def included_unit(included):
    """The unit of "walwrap/wal/scanner.hpp"; None of another header."""
    match = re.fullmatch(r"walwrap/(.+)\.hpp", included)
    return match and match.group(1)


def is_cpp(path):
    return path.endswith((".cpp", ".hpp"))


def product_files(tree):
    return [path for path in sorted(tree) if module_of(path) and is_cpp(path)]


def includes(text):
    for match in INCLUDE.finditer(text):
        yield line_of(text, match.start()), match.group(1)


def find_all(pattern, code):
    for match in pattern.finditer(code):
        yield line_of(code, match.start()), match.group().strip()


def is_pure(tree, path):
    """By the table, or because its header says so."""
    module = module_of(path)
    unit = unit_of(path)
    header = tree.get(f"src/{unit}.hpp", "")
    return module in PURE_MODULES or unit in PURE_UNITS or SAYS_PURE.search(header) is not None


def module_table(tree):
    """A module includes only what its row of the table lists."""
    for path in product_files(tree):
        module = module_of(path)
        if module not in MAY_INCLUDE:
            yield path, 1, f"module {module} is not in the table"
            continue
        allowed = {module, *MAY_INCLUDE[module].split()}
        for line, included in includes(tree[path]):
            parts = included.split("/")
            unit = included_unit(included)
            if unit and unit.rpartition("/")[0] not in allowed:
                yield path, line, f"{module} may not include {unit.rpartition('/')[0]}"
            if included == "sqlite3.h" and module != "sqlite":
                yield path, line, "only sqlite uses the SQLite C API"
            if parts[0] == "curl" and module != "http":
                yield path, line, "only http uses libcurl"


def no_circles(tree):
    """No unit includes itself by way of others: a header and its source count as one."""
    includes_of = {}
    for path in product_files(tree):
        used = includes_of.setdefault(unit_of(path), {})
        for line, included in includes(tree[path]):
            unit = included_unit(included)
            if unit and unit != unit_of(path):
                used.setdefault(unit, (path, line))
    done = set()

    def visit(unit, trail):
        if unit in done or unit not in includes_of:
            return
        for other, (path, line) in includes_of[unit].items():
            if other in trail:
                circle = [*trail[trail.index(other):], other]
                yield path, line, "a circle: " + " > ".join(circle)
            else:
                yield from visit(other, [*trail, other])
        done.add(unit)

    for unit in sorted(includes_of):
        yield from visit(unit, [unit])


def folder_sizes(tree):
    """A folder holds as many sources as a reader can keep in mind, or the table says why not."""
    sources = {}
    for path in product_files(tree):
        if path.endswith(".cpp"):
            sources.setdefault(module_of(path), []).append(path)
    for module, paths in sorted(sources.items()):
        if len(paths) > MOST_SOURCES and module not in MANY_SOURCES:
            yield paths[0], 1, f"{len(paths)} sources in src/{module}, more than {MOST_SOURCES}"


def pure_units(tree):
    """A pure file has no system call, clock, thread, environment or log of its own."""
    for path in product_files(tree):
        if not is_pure(tree, path):
            continue
        for line, included in includes(tree[path]):
            of_doers = included.startswith(("walwrap/sqlite/", "walwrap/http/")) and (
                not is_pure(tree, included.replace("walwrap/", "src/", 1)))
            if of_doers or included in THREAD_HEADERS | STREAM_HEADERS or (
                    POSIX_HEADERS.match(included)):
                yield path, line, f"a pure file may not include {included}"
        code = lex(tree[path]).code
        for what, pattern in IMPURE.items():
            for line, found in find_all(pattern, code):
                yield path, line, f"a pure file has no {what} of its own: {found}"
        for line, found in find_all(FROM_OS, code):
            if found.removeprefix("os::") not in OS_VALUES:
                yield path, line, f"a pure file takes only values from os: {found}"


def only_os_calls_posix(tree):
    """Only os includes POSIX headers, forks, or starts a thread; client has none of ours below."""
    for path in product_files(tree):
        if module_of(path) in POSIX_MODULES:
            continue
        for line, included in includes(tree[path]):
            if POSIX_HEADERS.match(included):
                yield path, line, f"{included} belongs to os"
        for line, found in find_all(CALLS_POSIX, lex(tree[path]).code):
            yield path, line, f"{found.rstrip('(')} belongs to os"


OPENS = ("open|openat|open64|socket|socketpair|accept4|pipe2|dup3|eventfd|signalfd|timerfd_create"
         "|epoll_create1|inotify_init1|memfd_create|mkostemp")
NEVER_CLOEXEC = "creat|accept|pipe|dup|epoll_create|inotify_init|mkstemp|fopen|freopen|popen"


def _says_cloexec(arguments, code):
    """At the call, or where a variable it is given is set."""
    return "CLOEXEC" in arguments or any(
        re.search(rf"\b{name}\s*\|?=[^;=]*CLOEXEC", code)
        for name in set(re.findall(r"\b[a-z]\w*", arguments)))


def close_on_exec(tree):
    """Every descriptor is opened with O_CLOEXEC or its like."""
    for path in product_files(tree):
        lexed = lex(tree[path])
        code = without_macros(lexed.code)
        for at, name, arguments in calls(code, r"::(?:" + OPENS + ")"):
            if not _says_cloexec(arguments, code):
                yield path, line_of(code, at), f"{name} without CLOEXEC"
        for at, name, _ in calls(code, r"(?:::|std::)?(?:" + NEVER_CLOEXEC + ")"):
            if name.startswith(("::", "std::")) or module_of(path) == "os":
                yield path, line_of(code, at), f"{name} cannot set CLOEXEC"
        for line, included in includes(tree[path]):
            if included == "fstream":
                yield path, line, "streams open without O_CLOEXEC: use os::File"


RENAME = re.compile(r"(?<![\w.>:])(::|std::|std::filesystem::|fs::)?rename(at2?)?\s*\(")


def atomic_file(tree):
    """A file becomes visible by os::AtomicFile; what else must move, moves by os::rename."""
    for path in product_files(tree):
        if module_of(path) == "os":
            continue
        for line, found in find_all(RENAME, lex(tree[path]).code):
            yield path, line, f"{found.rstrip('(')}: publish with os::AtomicFile"


# What may stand before a TRY in its statement: nothing, or a declaration or an assignment whose
# other side is a plain name; before that, the head of a branch or a loop.
BEFORE_TRY = re.compile(
    r"^(?:(?:[\w:<>,&*]+\s+)*(?:\[[\w, ]+\]|\*?\w+(?:(?:\.|->)\w+|\[\w+\])*)\s*=\s*)?$")


def _without_control(head):
    """Takes `if (...)`, `else`, `for (...)`, `while (...)` and `case x:` off the front."""
    while True:
        head = head.lstrip()
        match = re.match(r"(?:if(?:\s+constexpr)?|for|while)\s*\(", head)
        if match:
            head = head[end_of_call(head, match.end() - 1):]
        elif re.match(r"else\b", head):
            head = head[4:]
        elif re.match(r"(?:case\s+[\w:]+|default)\s*:(?!:)", head):
            head = re.sub(r"^(?:case\s+[\w:]+|default)\s*:(?!:)", "", head)
        else:
            return head


def try_stands_alone(tree):
    """TRY is a whole initializer or a whole statement; both compilers leak what is around it."""
    for path in sorted(tree):
        if not is_cpp(path):
            continue
        code = without_macros(lex(tree[path]).code)
        for at, _, _ in calls(code, "TRY"):
            start = max(code.rfind(";", 0, at), code.rfind("{", 0, at), code.rfind("}", 0, at)) + 1
            head = _without_control(code[start:at])
            tail = code[end_of_call(code, code.index("(", at)):].lstrip()
            if not BEFORE_TRY.match(head) or not tail.startswith(";"):
                yield path, line_of(code, at), "TRY inside a larger expression"


def one_meaning_in_a_module(tree):
    """The sources of a module may be compiled as one: their own names must be apart, too."""
    first = {}
    for path in sorted(tree):
        parts = path.split("/")
        if parts[0] != "src" or len(parts) < 3 or not path.endswith(".cpp"):
            continue
        code = lex(tree[path]).code
        for found in OWN_NAME.finditer(code):
            name = found.group("constant") or found.group("type")
            where = first.setdefault((module_of(path), name), path)
            if where != path:
                line = line_of(code, found.start())
                yield path, line, f"{name} is in {where}, too, and the two may be compiled as one"
