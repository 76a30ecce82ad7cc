#!/usr/bin/env python3
"""The page for people, in a real browser: what it says, how it looks, and what it may load.

PICTURES=docs/pictures keeps the pictures that docs/ shows.
"""

import html
import http.client
import os
import pathlib
import re
import shlex
import sqlite3
import subprocess

from lib.browser import Browser
from lib.harness import binary, case, main, wait_until
from lib.scene import Scene
from lib.site import free_port
from lib.terminal import Screen

PICTURES = os.environ.get("PICTURES")
SIZES = {"wide": (1100, 900), "narrow": (360, 740)}


def listening(run, rows=200, *flags):
    scene = Scene(run)
    port = free_port()
    walwrap = scene.start(scene.writer("--rows", rows, "--rate", 100, "--linger"),
                          "--listen", "127.0.0.1:%d" % port, *flags)
    wait_until(lambda: scene.last_ack() >= rows - 1, 30 + rows / 50, "the last row")
    subprocess.run([binary(), "flush", "--socket", str(scene.socket)],
                   check=True, capture_output=True)
    return scene, walwrap, "http://127.0.0.1:%d/" % port


def opened(browser, url):
    """With the points, which are listed for the first look."""
    browser.open(url)
    wait_until(lambda: "being listed" not in (browser.open(url), browser.text())[1], 10,
               "the points")


def keep(browser, run, name):
    target = pathlib.Path(PICTURES) if PICTURES else run.path("pictures", "x").parent
    target.mkdir(parents=True, exist_ok=True)
    # Where the test happens to run is nobody's business.
    browser.replace(str(run.dir), "/data")
    browser.picture(target / name)


def luminance(colour):
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@case("the dashboard shows the state and is readable light and dark, wide and narrow")
def looks(run):
    scene, walwrap, url = listening(run, 9_000 if PICTURES else 200)
    browser = Browser(run)
    try:
        browser.without_scripts()
        for scheme in ("light", "dark"):
            for name, (width, height) in SIZES.items():
                browser.look(width, height, scheme)
                opened(browser, url)
                said = browser.text()
                for words in ("Healthy.", "Everything that was written is stored",
                              str(scene.db), "Newest snapshot", "points in time"):
                    run.must(words in said, "%r is not in %r" % (words, said))
                run.must(browser.evaluate("document.documentElement.scrollWidth") <= width,
                         "it is wider than %d pixels" % width)
                for selector in (".state", ".state b", "dt", "dd", "h3", ".axis", ".hint"):
                    style = "getComputedStyle(document.querySelector('%s')).color" % selector
                    card = "getComputedStyle(document.querySelector('section')).backgroundColor"
                    got = contrast(browser.evaluate(style), browser.evaluate(card))
                    run.must(got >= 4.5, "%s %s: contrast %.1f" % (scheme, selector, got))
                keep(browser, run, "page-%s%s.png"
                     % (scheme, "" if name == "wide" else "-" + name))
        run.must(browser.complaints() == [], browser.complaints())
    finally:
        browser.close()
        walwrap.stop()


@case("a click on a restore point shows a command that restores it")
def click(run):
    scene, walwrap, url = listening(run)
    browser = Browser(run)
    try:
        browser.look(*SIZES["wide"], "light")
        opened(browser, url)
        shown = "[...document.querySelectorAll('.command')].filter(e => e.offsetHeight > 0)"
        run.must(browser.evaluate(shown + ".length") == 0, "a command before any click")
        widths = browser.evaluate("[...document.querySelectorAll('svg.points .hit')]"
                                  ".map(e => e.getBoundingClientRect().width)")
        # Of points that lie within a pixel or two, nobody can choose one.
        choice = max(range(1, len(widths)), key=lambda i: widths[i])
        browser.click("svg.points a:nth-of-type(%d) .hit" % (choice + 1))
        run.must(browser.evaluate(shown + ".length") == 1, "not one command")
        words = shlex.split(browser.evaluate(shown + "[0].querySelector('code').innerText"))
        keep(browser, run, "page-point.png")
        run.must(browser.complaints() == [], browser.complaints())
    finally:
        browser.close()
        walwrap.stop()
    run.must(words[0] == "walwrap", words)
    subprocess.run([binary(), *words[1:]], check=True, cwd=run.dir, capture_output=True)
    with sqlite3.connect(run.dir / "restored.db") as db:
        run.must(db.execute("pragma integrity_check").fetchone() == ("ok",), "damaged")
    db.close()


@case("a problem is shown at once, in words and not by colour alone")
def trouble(run):
    scene, walwrap, url = listening(run, 50, "--health-max-lag", "1s")
    (scene.replica / "ltx").rename(scene.replica / "gone")
    (scene.replica / "ltx").write_text("no directory")
    browser = Browser(run)
    try:
        with sqlite3.connect(scene.db) as db:
            db.execute("create table more(a)")
        db.close()
        browser.look(*SIZES["wide"], "light")
        wait_until(lambda: "Unhealthy." in (browser.open(url), browser.text())[1], 20, "trouble")
        run.must("Writes are not stored: " in browser.text(), browser.text())
        keep(browser, run, "page-trouble.png")
    finally:
        browser.close()
        (scene.replica / "ltx").unlink()
        (scene.replica / "gone").rename(scene.replica / "ltx")
        walwrap.stop()


@case("the browser asks for the token as a password, and nothing is shown without it")
def token(run):
    scene, walwrap, url = listening(run, 20, "--listen-token", "s3cret")
    port = int(re.search(r":(\d+)/", url)[1])

    def status(headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/", headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, answer.getheader("WWW-Authenticate")

    run.must(status({}) == (401, 'Basic realm="walwrap"'), status({}))
    run.must(status({"Authorization": "Basic eDp3cm9uZw=="})[0] == 401, "x:wrong was let in")
    browser = Browser(run)
    try:
        browser.open(url.replace("http://", "http://me:s3cret@"))
        run.must("Healthy." in browser.text(), browser.text())
    finally:
        browser.close()
        walwrap.stop()


@case("`walwrap status --watch` repeats the status on a terminal")
def watch(run):
    scene, walwrap, url = listening(run)
    screen = Screen()
    asking = subprocess.Popen([binary(), "status", "--watch", "--socket",
                               str(scene.socket)],
                              stdin=screen.slave, stdout=screen.slave, stderr=screen.slave)
    try:
        screen.shows("\x1b[H\x1b[2J")
        screen.shows("\x1b[H\x1b[2J", 10)
        screen.shows("fencing")
        text = ""
        screen.shows("\x1b[H\x1b[2J", 10)
        wait_until(lambda: (screen.read_now(), "fencing  on" in screen.shown)[1], 5, "the end")
        text = screen.shown.replace("\r", "")
    finally:
        asking.terminate()
        asking.wait()
        walwrap.stop()
        screen.close()
    for word in ("healthy", "stored", "lag", "uploads", "snapshot", "restore", "wal", "writer"):
        run.must(re.search(r"^  %s |healthy" % word, text, re.M), "%s is not in %r" % (word, text))
    page = run.path("terminal.html")
    page.write_text("<meta charset=utf-8><style>body{margin:0;background:#1f1f1d}pre{margin:0;"
                    "padding:16px;color:#eceae6;font:15px/1.45 monospace}</style><pre>%s</pre>"
                    % html.escape(text.replace(str(run.dir), "/data")))
    browser = Browser(run)
    try:
        browser.look(800, 100, "dark")
        browser.open("file://%s" % page)
        keep(browser, run, "status-watch.png")
    finally:
        browser.close()


if __name__ == "__main__":
    main(jobs=2)
