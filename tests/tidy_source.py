"""Reads C++ well enough for tidy.py: code without comments and strings, comments, functions."""

import dataclasses
import functools
import re

RAW_STRING = re.compile(r'R"([^()\\ ]{0,16})\(')


@dataclasses.dataclass(frozen=True)
class Comment:
    line: int
    text: str  # without its slashes, with its indentation


@dataclasses.dataclass(frozen=True)
class Function:
    line: int  # where its head begins
    lines: int  # head and body
    head: str


@dataclasses.dataclass(frozen=True)
class Lexed:
    code: str  # same length and lines as the source; comments and string contents are blanks
    comments: tuple


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def _end_of_quoted(text, start):
    """The index behind the literal that opens at `start` with a quote."""
    quote = text[start]
    at = start + 1
    while at < len(text) and text[at] != quote and text[at] != "\n":
        at += 2 if text[at] == "\\" else 1
    return min(at + 1, len(text))


def _literal(text, at):
    """(end, what to show for it) if a comment or a literal begins at `at`, else None."""
    two = text[at:at + 2]
    if two == "//":
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        return end, _blank(text[at:end])
    if two == "/*":
        end = text.find("*/", at + 2)
        end = len(text) if end < 0 else end + 2
        return end, _blank(text[at:end])
    raw = RAW_STRING.match(text, at) if text[at] == "R" else None
    if raw and not (at and (text[at - 1].isalnum() or text[at - 1] == "_")):
        end = text.find(")" + raw.group(1) + '"', raw.end())
        end = len(text) if end < 0 else end + len(raw.group(1)) + 2
        return end, '"' + _blank(text[at + 1:end - 1]) + '"'
    is_separator = text[at] == "'" and at and text[at - 1].isalnum()  # 1'000
    if text[at] in "\"'" and not is_separator:
        end = _end_of_quoted(text, at)
        return end, text[at] + _blank(text[at + 1:end - 1]) + text[at]
    return None


@functools.lru_cache(maxsize=None)
def lex(text):
    shown, comments, at = [], [], 0
    while at < len(text):
        found = _literal(text, at)
        if found is None:
            shown.append(text[at])
            at += 1
            continue
        end, replacement = found
        if text.startswith("//", at):
            comments.append(Comment(text.count("\n", 0, at) + 1, text[at + 2:end]))
        elif text.startswith("/*", at):
            first = text.count("\n", 0, at) + 1
            for offset, line in enumerate(text[at + 2:end - 2].split("\n")):
                comments.append(Comment(first + offset, line))
        shown.append(replacement)
        at = end
    return Lexed("".join(shown), tuple(comments))


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def end_of_call(code, opening):
    """The index behind the parenthesis that closes the one at `opening`."""
    depth = 0
    for at in range(opening, len(code)):
        depth += {"(": 1, ")": -1}.get(code[at], 0)
        if depth == 0:
            return at + 1
    return len(code)


def calls(code, names):
    """(index, name, text between the parentheses) of each call or declaration of one of `names`."""
    for match in re.finditer(rf"(?<![\w.>])({names})\s*\(", code):
        end = end_of_call(code, match.end() - 1)
        yield match.start(), match.group(1), code[match.end():end - 1]


def without_macros(code):
    """Blanks preprocessor lines, with those they continue on."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: _blank(m.group()), code, flags=re.M)


SCOPE = re.compile(r"^\s*(?:(?:public|private|protected):\s*|inline\s+|typedef\s+"
                   r"|template\s*<.*>\s*)*(?:namespace|class|struct|union|enum|extern\s*\")", re.S)


def functions(code):
    """Every function with a body, lambdas and local classes counted within it.

    Relies on clang-format: a block's brace has a blank before it, an initializer's has not.
    """
    code = without_macros(code)
    stack, head_start = [], 0  # of (kind, where the head began)
    for at, char in enumerate(code):
        kind = stack[-1][0] if stack else "scope"
        if char == "{":
            head = code[head_start:at]
            is_block = head.rstrip() != head
            if kind == "scope" and SCOPE.match(head):
                stack.append(("scope", head_start))
            elif kind == "scope" and is_block and ")" in head:
                stack.append(("function", head_start))
            else:
                stack.append(("other", head_start))
        elif char == "}" and stack:
            kind, start = stack.pop()
            if kind == "function":
                begin = start + len(code[start:at]) - len(code[start:at].lstrip())
                head = " ".join(code[begin:code.index("{", begin)].split())
                yield Function(line_of(code, begin), code.count("\n", begin, at) + 1,
                               re.sub(r"^(public|protected|private): ", "", head))
        is_outside = not stack or stack[-1][0] == "scope"
        if is_outside and (char == ";" or (char in "{}" and kind != "other")):
            head_start = at + 1
