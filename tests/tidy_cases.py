"""Examples for tidy.py's self-test: trees (path -> text) that break one rule, and some that do not.

BAD: rule -> (name, tree, (path, line) where the rule must speak). GOOD: (name, tree).
"""


def source(text, path="src/os/file.cpp"):
    return {path: text}


def _bad_source(text, line=1, path="src/os/file.cpp"):
    return text.split("\n", line)[line - 1].strip(), {path: text}, (path, line)


def _unit(module="wal", name="scanner"):
    return {
        f"src/{module}/{name}.hpp": "int feed();\n",
        f"src/{module}/{name}.cpp": f'#include "walwrap/{module}/{name}.hpp"\n',
        f"tests/{module}/{name}_test.cpp": "TEST_CASE(\"x\") {\n}\n",
    }


def _without(tree, path):
    return {key: value for key, value in tree.items() if key != path}


def _doc(text, path="docs/architecture.md"):
    return {path: text + "\n", **_unit()}


def _bad_doc(text):
    return text, _doc(text), ("docs/architecture.md", 1)


def _body(lines):
    return "int f() {\n" + "  step();\n" * (lines - 2) + "}\n"


PURE = "src/replication/replica/plan.cpp"
SCANNER = "src/wal/scanner.hpp"
UNKNOWN_MODULE = "src/extras/thing.cpp"
MARK = "TO" + "DO"  # in two parts, for the rule reads this file too

INCIDENTS_HEAD = "| what happened | a | b | test | simulated |\n|---|---|---|---|---|\n"
NAMED_TEST = 'TEST_CASE(\n    "a name "\n    "in two parts") {\n}\n'


GOOD_TEST = '`tests/wal/scanner_x_test.cpp` "a name in two parts"'


def _incident(cell, simulated="not"):
    """A table with one row, and the test and the mutant that it may name."""
    return {"docs/incidents.md": INCIDENTS_HEAD + "| a | b | c | %s | %s |\n" % (cell, simulated),
            "tests/simulation/mutant_table.py": 'Mutant("breaks-it", "Law 1")\n',
            "tests/wal/scanner_x_test.cpp": NAMED_TEST, **_unit()}


BAD = {
    "module_table": (
        _bad_source('#include "walwrap/storage/object_store.hpp"', path="src/wal/scanner.cpp"),
        _bad_source('#include "walwrap/replication/replica/plan.hpp"',
                    path="src/supervisor/init.cpp"),
        _bad_source('#include "walwrap/replication/upload/pace.hpp"',
                    path="src/replication/capture/capture.cpp"),
        _bad_source('\n#  include "walwrap/os/fd.hpp"', 2, "src/ltx/format.hpp"),
        _bad_source("#include <sqlite3.h>", path="src/replication/capture/capture.cpp"),
        _bad_source("#include <curl/curl.h>", path="src/storage/s3_store.cpp"),
        _bad_source('#include "walwrap/base/result.hpp"', path="src/client/text.cpp"),
        _bad_source("int a;", path=UNKNOWN_MODULE),
    ),
    "pure_units": tuple(_bad_source(text, path=PURE) for text in (
        '#include "walwrap/sqlite/snapshot.hpp"',
        "auto file = TRY(os::File::open(path));",
        "using namespace os;",
        "#include <thread>",
        "#include <mutex>",
        "#include <fstream>",
        "#include <unistd.h>",
        "#include <sys/stat.h>",
        "auto now = std::chrono::steady_clock::now();",
        "auto now = Clock::now ();",
        "auto now = std::time(nullptr);",
        "const char* home = std::getenv(\"HOME\");",
        "std::random_device random;",
        "std::mutex lock;",
        "log.info(\"planned\");",
        "log_->warn(\"planned\");",
        "std::cerr << 1;",
        "printf(\"%d\", 1);",
        "if (std::filesystem::exists(path)) return;",
    )) + (
        _bad_source("#include <fcntl.h>", path="src/http/uri.hpp"),
        _bad_source("#include <poll.h>", path="src/config/config.cpp"),
        ("a header that calls itself pure", {
            "src/os/table.hpp": "// A table.\n//\n// Pure.\nint f();\n",
            "src/os/table.cpp": "#include <mutex>\n"}, ("src/os/table.cpp", 1)),
    ),
    "no_circles": (
        ("two headers", {"src/wal/a.hpp": '#include "walwrap/wal/b.hpp"',
                         "src/wal/b.hpp": '\n#include "walwrap/wal/a.hpp"'}, ("src/wal/b.hpp", 2)),
        ("a header and a source", {"src/wal/a.hpp": '#include "walwrap/wal/c.hpp"',
                                   "src/wal/c.hpp": '#include "walwrap/wal/b.hpp"',
                                   "src/wal/b.hpp": "", "src/wal/b.cpp":
                                   '#include "walwrap/wal/a.hpp"'}, ("src/wal/b.cpp", 1)),
    ),
    "folder_sizes": (
        ("16 sources", {f"src/wal/{letter}.cpp": "" for letter in "abcdefghijklmnop"},
         ("src/wal/a.cpp", 1)),
    ),
    "public_headers": (
        ("a header of a module", {"include/walwrap/a.hpp": ""}, ("include/walwrap/a.hpp", 1)),
    ),
    "only_os_calls_posix": tuple(_bad_source(text, path="src/storage/open.cpp") for text in (
        "#include <unistd.h>",
        "#include <sys/socket.h>",
        "#include <signal.h>",
        "#include <pthread.h>",
        "std::thread worker([] {});",
        "std::jthread worker([] {});",
        "auto later = std::async(run);",
        "if (fork() == 0) return;",
        "::kill(pid, SIGKILL);",
        "std::signal(SIGTERM, handle);",
    )),
    "close_on_exec": tuple(_bad_source(text) for text in (
        "int fd = ::open(path, O_RDONLY);",
        "Fd fd(::openat(dir,\n path, O_RDONLY | O_CREAT, 0600));",
        "int fd = ::open(path, O_RDONLY);  // O_CLOEXEC",
        "::socket(AF_UNIX, SOCK_STREAM, 0);",
        "::epoll_create1(0);",
        "::pipe(ends);",
        "dup(2);",
        "std::FILE* file = std::fopen(path, \"r\");",
        "#include <fstream>",
    )),
    "atomic_file": tuple(_bad_source(text, path="src/storage/file_store.cpp") for text in (
        "std::filesystem::rename(from, to);",
        "rename(from, to);",
        "::renameat2(AT_FDCWD, a, AT_FDCWD, b, 0);",
        "renameat(1, from, 2, to);",
    )),
    "try_stands_alone": tuple(_bad_source(text) for text in (
        "auto a = f(TRY(g()));",
        "return TRY(g());",
        "const auto a = TRY(g()) + 1;",
        "const auto a = TRY(g()).size();",
        "const auto a = *TRY(g());",
        "if (TRY(g())) return;",
        "Thing thing(TRY(g()));",
        "Thing thing{TRY(g())};",
        "list.push_back(TRY(g()));",
        "std::cout << TRY(g());",
    )) + (_bad_source("void f() {\n  g(1,\n    TRY(h()));\n}", 3, "tests/wal/scanner_test.cpp"),),
    "one_meaning_in_a_module": tuple(
        (text, {"src/wal/a.cpp": text, "src/wal/b.cpp": "\n" + text}, ("src/wal/b.cpp", 2))
        for text in ("constexpr std::size_t kChunk = 1;", "constexpr int kSizes[] = {1};",
                     "const std::string kName{};", "struct Row {\n};", "class Reader : Base {};")),
    "three_paths": (
        ("no header", _without(_unit(), SCANNER), ("src/wal/scanner.cpp", 1)),
        ("no test", _without(_unit(), "tests/wal/scanner_test.cpp"), ("src/wal/scanner.cpp", 1)),
        ("a test of nothing", {"tests/wal/other_test.cpp": "", **_unit()},
         ("tests/wal/other_test.cpp", 1)),
        ("code in a header only, and no test", {SCANNER: _body(5)}, (SCANNER, 1)),
    ),
    "sizes": (
        ("a long function", source(_body(71)), ("src/os/file.cpp", 1)),
        ("a long member", source("struct A {\n  A() : a_{1}, b_(2) {\n" + "    x();\n" * 70 +
                                 "  }\n};\n"), ("src/os/file.cpp", 2)),
        ("a long test", source('TEST_CASE("x") {\n' + "  x();\n" * 70 + "}\n",
                               "tests/os/file_test.cpp"), ("tests/os/file_test.cpp", 1)),
        ("a long Python function", source("def f():\n" + "    g()\n" * 71, "bench/run.py"),
         ("bench/run.py", 1)),
        ("a long file", source("int a;\n" * 501), ("src/os/file.cpp", 500)),
        ("a long line", source("\n// " + "x" * 98 + "\n"), ("src/os/file.cpp", 2)),
        ("a long line of shell", source("#!/usr/bin/env bash\necho " + "x" * 96, "scripts/demo"),
         ("scripts/demo", 2)),
    ),
    "commented_out_code": tuple(_bad_source(text) for text in (
        "// frames_.clear();",
        "//frames_.clear();",
        "  // return fail(Code::Io);",
        "  // auto x = 3;",
        "  // if (x) {",
        "// }",
        "// #include <thread>",
        "/* int count = 0; */",
        "//     frames_.clear();",
    )) + (
        _bad_source("# import os", path="tests/run.py"),
        _bad_source("    # print(value)", path="tests/run.py"),
        _bad_source("# value = 3", path="tests/run.py"),
        _bad_source("#!/bin/sh\n# mode=fast", 2, "scripts/demo"),
    ),
    "todo_has_issue": (
        _bad_source(f"// {MARK}: later"),
        _bad_source(f"// {MARK}(name): later"),
        _bad_source("int a;  // FIX" "ME"),
        _bad_source(f"# {MARK} later", path="integration/test_x.py"),
    ),
    "documents": tuple(_bad_doc(text) for text in (
        "see `src/wal/scanner.cpp:12`",
        "see line 40 of the scanner",
        "see [it](../src/wal/scanner.cpp#L3)",
        "see `src/wal/missing.cpp`",
        "see `wal/missing.hpp`",
        "run `scripts/missing` first",
        "see [it](missing.md)",
        "see `src/wal/scanner.{cpp,txt}`",
        "    ./scripts/missing --now",
    )) + (("in the README", {"README.md": "see docs/no.md\n"}, ("README.md", 1)),),
    "incidents": tuple((cell, _incident(cell), ("docs/incidents.md", 3)) for cell in (
        "none yet", "`tests/wal/scanner_x_test.cpp`", '"a name in two parts"',
        '`tests/wal/none_test.cpp` "a name in two parts"',
        '`tests/wal/scanner_x_test.cpp` "another name"')) + tuple(
            (simulated, _incident(GOOD_TEST, simulated), ("docs/incidents.md", 3))
            for simulated in ("", "mutant `breaks-them`", "HTTP | TLS")),
    "forbidden_words": (
        _bad_source("# from deb.debian." + "org", path="scripts/lib/packages.sh"),
        _bad_source("curl https://pypi." + "org/simple", path="docs/x.md"),
        _bad_source("cd /wo" + "rk/main", path="scripts/demo"),
        _bad_source("ls /tmp/" + "build-x", path="docs/x.md"),
        _bad_source("see shared/" + "design.md", path="docs/x.md"),
        _bad_source("see ../shared/" + "tools/ltx.py", path="src/ltx/format.cpp"),
    ),
    "plain_words": (
        _bad_source("// For who" + "ever asks.", path="src/os/file.hpp"),
        _bad_source("The log is begun a" + "new.", path="docs/x.md"),
        _bad_source('log.info("merged ' + 'file stored");', path="src/os/file.cpp"),
        _bad_source("// A request handler, called de" + "sk.", path="src/os/file.hpp"),
        _bad_source("// The write-ahead " + "log of a database.", path="src/wal/scanner.hpp"),
        _bad_source('return "the br' + 'ake waits";', path="src/os/file.cpp"),
        _bad_source('TEST_CASE("some' + 'body waits") {', path="tests/os/file_test.cpp"),
    ),
    "conflict_markers": (
        _bad_source("<<<<<<" + "< HEAD", path="scripts/soak"),
        _bad_source(">>>>>>" + "> 8268bda (a change)", path="docs/x.md"),
    ),
}

GOOD_TRY = """void f() {
  TRY(g());
  const auto a = TRY(g().context("a (deep; one) {"));
  auto& [b, c] = TRY(h(
      1, 2));
  std::optional<std::map<int, Pgno>> d = TRY(g());
  config.databases = TRY(g());
  owner->list_[i] = TRY(g());
  if (a) TRY(g());
  for (const auto& x : list) TRY(g(x));
  if (a) {
    TRY(g());
  } else TRY(h());
  switch (a) {
    case Code::Io:
      TRY(g());
  }
  // return TRY(...) is not allowed, as this comment says.
}
#define TRY(...) (void)(__VA_ARGS__)
"""

GOOD_OS = """// What opens a file. "Close on exec" is kept by the rule; see (Law 2).
//
//   const auto file = TRY(File::open(path));
#include <fcntl.h>
int flags = O_RDONLY | O_CLOEXEC;
Fd fd(::open(path, flags));
Fd other(::openat(dir, path,
                  O_RDONLY | O_CLOEXEC));
auto text = "::open(path, 0)";
auto raw = R"x(::pipe(a) " )x";
const int million = 1'000'000;  // TOD""" + """O(#12): a reason
auto file = File::open(path);
store.rename(from);
"""

GOOD = (
    ("a whole unit", _unit()),
    ("a file moved by os", {**_unit("storage", "file_store"),
                            "src/storage/file_store.cpp": "TRY(os::rename(a, b));\n"}),
    ("a private header and two tests", {
        "src/os/lane.hpp": "", "src/os/lane.cpp": "", "tests/os/lane_wide_test.cpp": "",
        "tests/os/lane_test.cpp": ""}),
    ("a header with data only", {"src/os/seam.hpp":
                                 "struct Seam {\n  int next() const { return 1; }\n};\n"}),
    ("the entry point", {"src/cli/main.cpp": "int main() { return 0; }\n"}),
    ("the C interface", {"include/walwrap.h": "int walwrap_wait(void);\n",
                         "src/client/walwrap.cpp": "#include <sys/socket.h>\n",
                         "tests/client/walwrap_test.cpp": ""}),
    ("the SQLite extension", {"src/client/walwrap_sqlite.cpp": "#include <sqlite3ext.h>\n"}),
    ("TRY where it may be", source(GOOD_TRY, "tests/support/tries.cpp")),
    ("os opens files", source(GOOD_OS, "src/os/opens.hpp")),
    ("a function of 70 lines and a file of 500", source(
        "namespace a {\n" + _body(70) + "// x\n" * 428 + "}\n", "tests/support/large.cpp")),
    ("prose in comments", source(
        "// It ends here; the next one (if any) begins.\n"
        "// Returns what is left: a = b means equality there, and nothing more\n"
        "// if the log was reset (Law 6), or a commit is being written\n",
        "tests/support/prose.hpp")),
    ("prose in Python", source("# Import what is needed, then run.\n# x = y holds (always).\n"
                               "# --flag=value\n", "integration/test_x.py")),
    ("a document", _doc("`src/wal/scanner.cpp`, `wal/scanner.hpp`, [tests](../tests/wal/), src/wal,"
                        " `tests/<module>/`, `src/wal/*.cpp`, https://x.example/src/a.cpp, 5 lines,"
                        " {src,include}, $WORK/src/none.")),
    ("an incident", _incident(GOOD_TEST)),
    ("a simulated incident", _incident(GOOD_TEST, "mutant `breaks-it`")),
    ("plain words", source("// Source: sqlite.org/fileformat2.html, \"The Write-Ahead Log\".\n"
                           "// SQLite's write-ahead log, the WAL.\nResult<void> brake();\n",
                           "src/wal/format.hpp")),
    ("data is left alone", {"tests/data/x.cpp": "// foo();\n" * 600}),
    ("a pure unit may take time as a value", {
        "src/replication/upload/pace.hpp": "#include <chrono>\nos::Pid pid;\n"}),
)
