"""The rules about names, sizes, comments and documents.

Each rule takes a tree (path -> text) and yields (path, line, message).
"""

import ast
import fnmatch
import itertools
import pathlib
import posixpath
import re

from tidy_layers import is_cpp, module_of, product_files
from tidy_source import functions, lex

MOST_FUNCTION_LINES = 70
MOST_FILE_LINES = 500
MOST_COLUMNS = 100


def is_data(path):
    return path.startswith(("tests/data/", "tests/fuzz/corpus/"))


def is_python(path, text):
    return path.endswith(".py") or text.startswith(("#!/usr/bin/env python3", "#!/usr/bin/python3"))


def is_shell(path, text):
    return path.endswith(".sh") or re.match(r"#!\s*/\S*(bin/|env )(ba)?sh\b", text) is not None


def is_code(path, text):
    return not is_data(path) and (is_cpp(path) or is_python(path, text) or is_shell(path, text) or
                                  path.endswith(("CMakeLists.txt", ".cmake")))


def numbered(text):
    return enumerate(text.split("\n"), 1)


# What others call by a name that they know; no header declares it.
ENTRY_POINTS = {("cli", "main"), ("client", "walwrap_sqlite")}


def _units(tree):
    """(module, name) of every header and source of a module; an entry point is no unit."""
    return sorted({(module_of(path), pathlib.PurePosixPath(path).stem)
                   for path in product_files(tree)} - ENTRY_POINTS)


def three_paths(tree):
    """One name, three paths: header, source and test of a unit are found from one another.

    A header that only declares data or an interface needs neither source nor test. A unit's tests
    may be several files: <unit>_test.cpp, <unit>_<what>_test.cpp.
    """
    units = _units(tree)
    for module, name in units:
        source = f"src/{module}/{name}.cpp"
        header = next((path for path in (f"src/{module}/{name}.hpp", f"include/{name}.h")
                       if path in tree), None)
        if header is None:
            yield source, 1, f"has no header src/{module}/{name}.hpp"
            continue
        has_code = source in tree or any(
            function.lines > 3 for function in functions(lex(tree[header]).code))
        tests = [path for path in tree if
                 fnmatch.fnmatch(path, f"tests/{module}/{name}_test.cpp") or
                 fnmatch.fnmatch(path, f"tests/{module}/{name}_*_test.cpp")]
        if has_code and not tests:
            yield source if source in tree else header, 1, (
                f"has no test tests/{module}/{name}_test.cpp")
    for path in sorted(tree):
        match = re.match(r"tests/([\w/]+)/(\w+)_test\.cpp$", path)
        if match and match.group(1) not in ("support", "simulation") and not any(
                module == match.group(1) and (match.group(2) + "_").startswith(name + "_")
                for module, name in [*units, *ENTRY_POINTS]):
            yield path, 1, f"tests no unit of src/{match.group(1)}"


def public_headers(tree):
    """What is in include/ is for programs outside, and it is one header."""
    for path in sorted(tree):
        if path.startswith("include/") and path != "include/walwrap.h":
            yield path, 1, "belongs beside its source: include/ is the public header alone"


def _python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1, node.name


def sizes(tree):
    """Functions, files and lines have a largest size."""
    for path, text in sorted(tree.items()):
        if not is_code(path, text):
            continue
        lines = text.count("\n")
        if lines > MOST_FILE_LINES:
            yield path, MOST_FILE_LINES, f"{lines} lines, more than {MOST_FILE_LINES}"
        for number, line in numbered(text):
            if len(line) > MOST_COLUMNS:
                yield path, number, f"{len(line)} columns, more than {MOST_COLUMNS}"
        found = []
        if is_cpp(path):
            found = [(f.line, f.lines, f.head) for f in functions(lex(text).code)]
        elif is_python(path, text):
            found = _python_functions(text)
        for line, length, name in found:
            if length > MOST_FUNCTION_LINES:
                yield path, line, f"{length} lines, more than {MOST_FUNCTION_LINES}: {name[:60]}"


CPP_STATEMENT = re.compile(
    r"^(#\s*(include|define|if|endif)\b.*|(if|for|while|switch)\s*\(.*\)\s*[{;]?|\}\s*(else\b.*)?"
    r"|(return|break|continue|throw|delete)\b[^.]*;|[\w:<>,*&\s]+=[^=].*;|[\w:.>-]+\s*\(.*\)\s*;"
    r"|(const\s+)?(auto|int|bool|std::\S+)\s+\w+\s*[;={(].*;)$")
SHELL_STATEMENT = re.compile(r"^(fi|done|esac|[A-Za-z_]+=\S*|.*; (then|do)|.*\\)$")


def _is_python_statement(text):
    try:
        body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError):
        return False
    return any(isinstance(node, (ast.Assign, ast.AugAssign, ast.Import, ast.ImportFrom)) or
               (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)) for node in body)


def commented_out_code(tree):
    """A comment is prose. A header's comment may show an example, indented as one."""
    for path, text in sorted(tree.items()):
        if not is_code(path, text):
            continue
        if is_cpp(path):
            for comment in lex(text).comments:
                is_example = path.endswith(".hpp") and comment.text.startswith("   ")
                if CPP_STATEMENT.match(comment.text.strip()) and not is_example:
                    yield path, comment.line, f"commented-out code: {comment.text.strip()}"
            continue
        is_statement = _is_python_statement if is_python(path, text) else SHELL_STATEMENT.match
        for number, line in numbered(text):
            match = re.match(r"\s*#(?![!:]) ?(\S.*)$", line)
            if match and is_statement(match.group(1)):
                yield path, number, f"commented-out code: {match.group(1)}"


TODO = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))")


def _comments(path, text):
    if is_cpp(path):
        return [(comment.line, comment.text) for comment in lex(text).comments]
    return [(number, line.partition("#")[2]) for number, line in numbered(text)]


def todo_has_issue(tree):
    """What is left to do names its issue."""
    for path, text in sorted(tree.items()):
        if not is_code(path, text):
            continue
        for line, comment in _comments(path, text):
            match = TODO.search(comment)
            if match:
                yield path, line, f"{match.group(1)} without (#issue)"


def is_document(path):
    return path.endswith(".md") and (path.startswith("docs/") or "/" not in path)


LINE_NUMBER = re.compile(
    r"\.(?:cpp|hpp|h|py|sh|md|txt):\d+|#L\d+|\b[Ll]ines? \d+(?:\s*(?:-|to)\s*\d+)?")
ROOTS = "src|include|tests|docs|scripts|integration|bench|cmake|packaging|examples|\\.ci|\\.github"
FULL_PATH = re.compile(rf"(?<![\w/.$<>-])(?:\./)?((?:{ROOTS})/[\w./*{{}},-]*)")
SHORT_PATH = re.compile(r"`((?:[\w-]+/)+[\w.*{},-]+\.(?:cpp|hpp|py|sh|md|cmake))(?::?:?\w*)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
SHORT_ROOTS = ("", "src/", "tests/", "docs/")


def _alternatives(pattern):
    """Spells out {a,b} groups."""
    groups = [part.split(",") if index % 2 else [part]
              for index, part in enumerate(re.split(r"\{([^}]*)\}", pattern))]
    return ["".join(choice) for choice in itertools.product(*groups)]


def _exists(tree, pattern):
    pattern = pattern.rstrip("/")
    return any(fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, pattern + "/*")
               for path in tree)


def documents(tree):
    """Documents name no line numbers, and every path they name exists."""
    for path, text in sorted(tree.items()):
        if not is_document(path):
            continue
        for number, line in numbered(text):
            for match in LINE_NUMBER.finditer(line):
                yield path, number, f"names a line number: {match.group()}"
            named = [(m.group(1).rstrip(".,-"), ("",)) for m in FULL_PATH.finditer(line)]
            named += [(m.group(1), SHORT_ROOTS) for m in SHORT_PATH.finditer(line)]
            for target in LINK.findall(line):
                if "://" not in target and not target.startswith("mailto:"):
                    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
                    named.append((target, ("",)))
            for name, roots in named:
                for each in _alternatives(name):
                    if not any(_exists(tree, root + each) for root in roots):
                        yield path, number, f"names {each}, which does not exist"


def conflict_markers(tree):
    """No file has kept both sides of a merge."""
    for path, text in sorted(tree.items()):
        if is_data(path):
            continue
        for number, line in numbered(text):
            if line.startswith(("<<<<<<" + "< ", ">>>>>>" + "> ")):
                yield path, number, "a marker of a merge that was not finished"


INCIDENTS = "docs/incidents.md"
MUTANT_TABLE = "tests/simulation/mutant_table.py"
TEST_FILE = re.compile(r"`((?:tests|integration)/[\w/.-]+\.(?:cpp|py))`")
TEST_NAME = re.compile(r'"([^"]+)"')
LITERAL_GOES_ON = re.compile(r'"\s*\n\s*"')
INCIDENT_CELLS = 5


def incidents(tree):
    """The fourth cell of each incident names the file of a test, and a test that is in it:
    `tests/module/unit_test.cpp` "name"; more of them follow in the same way. The fifth one names
    mutants of the table in backquotes, or says why there is none.
    """
    mutants = re.findall(r'Mutant\(\s*"([^"]+)"', tree.get(MUTANT_TABLE, ""))
    for number, line in numbered(tree.get(INCIDENTS, "")):
        if not line.startswith("|") or line.startswith(("| what happened |", "|---")):
            continue
        cells = line.strip().strip("|").split("|")
        if len(cells) != INCIDENT_CELLS or not cells[-1].strip():
            yield INCIDENTS, number, f"has not {INCIDENT_CELLS} cells"
            continue
        for name in re.findall(r"`([^`]+)`", cells[-1]):
            if name not in mutants:
                yield INCIDENTS, number, f"{MUTANT_TABLE} has no mutant {name}"
        cell = cells[-2]
        files = TEST_FILE.findall(cell)
        names = TEST_NAME.findall(cell)
        missing = [path for path in files if path not in tree]
        for path in missing:
            yield INCIDENTS, number, f"names {path}, which does not exist"
        if not files or not names:
            yield INCIDENTS, number, 'names no test: `tests/module/unit_test.cpp` "name"'
        text = "\n".join(LITERAL_GOES_ON.sub("", tree.get(path, "")) for path in files)
        for name in names:
            if not missing and name not in text:
                yield INCIDENTS, number, f"there is no test of this name in {files}: {name}"


HOSTS = (r"(?:deb|security|snapshot)\.debian\.org|archive\.ubuntu\.com|pypi\.org"
         r"|files\.pythonhosted\.org|registry\.npmjs\.org|(?:proxy|sum)\.golang\.org"
         r"|(?:static|index)\.crates\.io|registry-1\.docker\.io")
FORBIDDEN = {
    "the host of a package registry": re.compile(rf"(?<![\w.-])(?:{HOSTS})(?![\w-])"),
    "a path of one machine": re.compile(r"(?<![\w.})*-])/(?:work(?=[/\s\"'`:)]|$)|tmp/build\b)"),
    "a folder outside the repository": re.compile(
        r"(?<!\w)shared/(?:STYLE|design|reference|prototypes|hooks|tools)\b"),
}


def forbidden_words(tree):
    """The project holds outside this machine too."""
    for path, text in sorted(tree.items()):
        if is_data(path):
            continue
        for number, line in numbered(text):
            for what, pattern in FORBIDDEN.items():
                match = pattern.search(line)
                # Integration tests look for the independent reader of LTX files beside the tree.
                is_oracle = path.startswith("integration/") and what.startswith("a folder")
                if match and not is_oracle:
                    yield path, number, f"{what}: {match.group()}"


# Words of docs/architecture.md's glossary's right column, and riddles: what a native speaker of the
# field would not write. A text that says what WAL stands for, or cites SQLite's page of that name,
# may spell it out.
AVOIDED = {
    "whoever": re.compile(r"\bwhoever\b", re.IGNORECASE),
    "somebody": re.compile(r"\bsomebody\b", re.IGNORECASE),
    "anew": re.compile(r"\banew\b", re.IGNORECASE),
    "desk, say request handler": re.compile(r"\bdesks?\b"),
    "merged file, say compacted file": re.compile(r"\bmerged files?\b", re.IGNORECASE),
    "log, say WAL": re.compile(r"\bthe log can be\b", re.IGNORECASE),
    "write-ahead log, say WAL": re.compile(
        r"^(?!.*\bWAL\b)(?!.*\"The Write-Ahead Log\").*\bwrite-ahead log\b", re.IGNORECASE),
}
# What an identifier may still be called, but no message and no name of a test.
AVOIDED_IN_LITERALS = {
    **AVOIDED,
    "brake, say blocking checkpoint": re.compile(r"\bbrakes?\b", re.IGNORECASE),
}
LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"')


def plain_words(tree):
    """Texts say what engineers all over the world understand, and the field's own terms."""
    for path, text in sorted(tree.items()):
        is_test = path.startswith("tests/") and is_cpp(path) and not is_data(path)
        is_text = path.startswith(("src/", "include/")) or is_document(path)
        if not is_test and not is_text:
            continue
        for number, line in numbered(text):
            literals = " ".join(LITERAL.findall(line)) if is_test or is_cpp(path) else ""
            found = {word for word, pattern in AVOIDED_IN_LITERALS.items()
                     if pattern.search(literals)}
            if is_text:
                found |= {word for word, pattern in AVOIDED.items() if pattern.search(line)}
            for word in sorted(found):
                yield path, number, f"avoid: {word}"
