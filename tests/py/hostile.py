"""What people and devices wrote stands on the page as they wrote it: it is never a part of the page, and never a formula in a file.

`hostile.py URL MARK LOT UNIT HOLD PASSWORD` prints one line of JSON for each thing it found to be so, and stops at the first that is not. MARK
is the markup in every name, comment and reason of the site, LOT is `GTIN/LOT` of a lot whose number is markup too, UNIT a unit of it, HOLD a hold
that was placed and taken under review with such reasons. The account `r.oot` (admin) has the PASSWORD.
"""

import csv
import io
import json
import pathlib
import sys
import urllib.parse

from browser import DOWNLOADS, driver, element, find, go, heard, said, settled, size, tree, until
from selenium.webdriver.common.keys import Keys

URL, MARK, LOT, UNIT, HOLD, PASSWORD = sys.argv[1:7]
GTIN, LOT_NUMBER = LOT.split("/", 1)
quoted = lambda text: urllib.parse.quote(text, safe="")

# Anything of MARK that came to life: it ran, it is an element, or an element has something to run.
ALIVE = """
const found = [...document.querySelectorAll('hostile-x, iframe, object, embed, base, main script, [srcdoc], [href^="javascript:" i]')];
for (const one of document.querySelectorAll('*')) for (const { name } of one.attributes) if (name.startsWith('on')) found.push(one);
return [window.ran ?? null, found.map((one) => one.outerHTML.slice(0, 200))];
"""


def sign_in(name):
    driver.get(URL)
    element("textbox", "Name").send_keys(name)
    element("textbox", "Password").send_keys(PASSWORD, Keys.ENTER)
    until(lambda: find("heading", "Now"), f"{name} is not let in")
    settled()


def dead(view):
    alive = driver.execute_script(ALIVE)
    assert alive == [None, []], f"{view}: {alive}"


def literal(view, *texts):
    """Waits until each text is to be read in the view, letter by letter, and nothing of it came to life."""
    shown = lambda text: driver.execute_script("return document.querySelector('main').textContent.includes(arguments[0])", text)
    for text in texts:
        until(lambda: shown(text), f"{view} does not show {text!r}: {driver.execute_script('return document.querySelector(`main`).textContent')[:3000]}")
    dead(view)


def views():
    size("desktop")
    sign_in("r.oot")
    for view, texts in {
        "#/now": [MARK],
        "#/stock": [MARK, LOT_NUMBER],
        f"#/lot/{GTIN}/{quoted(LOT_NUMBER)}": [MARK, LOT_NUMBER],
        f"#/unit/{UNIT}": [MARK, LOT_NUMBER],
        "#/holds": [MARK],
        f"#/hold/{HOLD}": [MARK],
        "#/audit": [MARK],
        "#/settings/people": [],
        "#/settings/tokens": [],
        "#/settings/products": [MARK],
        "#/settings/places": [MARK],
        "#/settings/sensors": ["-A"],
        "#/settings/associations": ["-A"],
        "#/settings/recipients": [MARK],
    }.items():
        go(view)
        literal(view, *texts)
    said("every view shows markup as it was written")


def opened():
    """What is behind a fold, and what a person asks for."""
    go("#/settings/sensors")
    element("button", "Open -A").click()
    until(lambda: json.dumps(MARK) in element("textbox", "Registry document").get_attribute("value"), "the certificate is not shown")
    dead("a record that is open")
    go("#/audit?what=hold")
    for fold in driver.find_elements("css selector", "details.entry > summary"):
        fold.click()
    literal("entries that are open", MARK)
    go("#/ship")
    element("textbox", "Scan or type what is to go out").send_keys(f"(01){GTIN}(10){LOT_NUMBER}", Keys.ENTER)
    heard("Must not be issued")
    literal("what was scanned", LOT_NUMBER)
    field = element("textbox", "Scan or type what is to go out")
    field.send_keys(MARK, Keys.ENTER)
    heard("This code cannot be read")
    dead("a code that is no code")
    said("neither does a record, an entry or a scan that is looked at")


def links():
    """Addresses that somebody else made."""
    for view in (f"#/unit/{quoted(MARK)}", f"#/hold/{quoted(MARK)}", f"#/lot/{GTIN}/{quoted(MARK)}", f"#/{quoted(MARK)}", f"#/settings/{quoted(MARK)}", f"#/audit?who={quoted(MARK)}&what={quoted(MARK)}&subject={quoted(MARK)}", f"#/holds?cause={quoted(MARK)}&place={quoted(MARK)}"):
        go(view)
        dead(view)
    literal = "'" + MARK.replace("'", "''") + "'"
    name = '"' + MARK.replace('"', '""') + '"'
    for sql in (f"SELECT {literal} AS {name}", f"SELECT {name} FROM readings", f"SELECT {literal} +"):
        go(f"#/ask?sql={quoted(sql)}")
        until(lambda: driver.execute_script("return document.querySelector('.result, .notice.is-bad') !== null"), f"{sql} is not answered")
        dead(sql)
    said("nor an address that somebody else made")


def asked(sql):
    field = element("textbox", "SQL, read-only")
    field.clear()
    field.send_keys(sql, Keys.CONTROL, Keys.ENTER)


def taken(pattern, press):
    """The text of the file that comes."""
    before = set(pathlib.Path(DOWNLOADS).glob(pattern))
    press()
    came = until(lambda: [file for file in set(pathlib.Path(DOWNLOADS).glob(pattern)) - before if file.stat().st_size > 0], "no file came")
    return came[0].read_bytes().decode()


def files():
    go("#/ask")
    asked("SELECT payload, -5.2 AS cold FROM rejected ORDER BY payload")
    heard("7 rows in")
    literal("answers", MARK)
    rows = list(csv.reader(io.StringIO(taken("*.csv", element("button", "CSV").click), newline="")))
    assert sorted(row[0] for row in rows[1:]) == sorted([MARK, "'=1+1", "'+1", "'-1+x", "'@SUM(A1)", "'\t=1", "'\r=1"]), rows
    assert {row[1] for row in rows[1:]} == {"-5.2"}, rows
    said("a file of answers has no formula in it, and numbers as they are")
    go("#/audit?what=hold.placed&who=-hold")
    heard("1 entry")
    rows = list(csv.DictReader(io.StringIO(taken("*audit*.csv", element("button", "CSV").click), newline="")))
    assert [row["actor"] for row in rows] == ["'-hold"] and json.dumps(MARK) in rows[0]["body"], rows
    said("nor has a file of the audit trail")


def policy():
    """Were there a hole after all, the browser would not run what came in through it."""
    complaints = [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE" and "status of 4" not in entry["message"]]
    assert complaints == [], complaints
    sent = driver.execute_async_script("const done = arguments[0]; fetch('/').then((answer) => done(answer.headers.get('content-security-policy')))")
    assert "default-src 'none'" in sent and "script-src 'self'" in sent and "unsafe" not in sent, sent
    blocked = driver.execute_async_script(
        """
        const done = arguments[0];
        const blocked = [];
        document.addEventListener('securitypolicyviolation', (event) => blocked.push(event.effectiveDirective));
        const script = document.createElement('script');
        script.textContent = 'window.ran = 1';
        const box = document.createElement('div');
        box.innerHTML = '<img src="x" onerror="window.ran = 2"><a href="javascript:window.ran = 3">x</a>';
        document.body.append(script, box);
        box.querySelector('a').click();
        setTimeout(() => done(blocked), 500);
        """
    )
    assert driver.execute_script("return window.ran ?? null") is None, "an inline script ran"
    assert "script-src-elem" in blocked and "script-src-attr" in blocked, blocked
    said("the policy that is sent keeps inline scripts from running")


try:
    views()
    opened()
    links()
    files()
    policy()
finally:
    driver.quit()
