"""What people do at the page, each under their own name: hold, ship, decide, ask, audit, settle.

`desk.py URL WARM LOT PASSWORD` prints one line of JSON for each thing it found to be so, and stops at the first that is not. WARM is
a unit that is held because it got warm, LOT is `GTIN/LOT` of it and of another unit. The accounts `j.berg`, `m.lin`, `a.udit` and `r.oot`
(logistics, quality, auditor, admin) have the PASSWORD.
"""

import pathlib
import sys

from browser import DOWNLOADS, driver, element, find, fits, go, heard, said, settled, size, tree, until
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

URL, WARM, LOT, PASSWORD = sys.argv[1:5]
GTIN, LOT_NUMBER = LOT.split("/")
REASON = "stability data 77 cover it"
VIEWS = ["#/holds", "#/ship", "#/ask", "#/audit", "#/settings/people", "#/settings/tokens", "#/settings/products", "#/settings/recipients"]


def sign_in(name):
    driver.get(URL)
    element("textbox", "Name").send_keys(name)
    element("textbox", "Password").send_keys(PASSWORD, Keys.ENTER)
    until(lambda: find("heading", "Now"), f"{name} is not let in")
    settled()


def sign_out():
    element("button", "Sign out").click()
    until(lambda: find("button", "Sign in"), "nobody was let out")


def write(role, name, text):
    field = element(role, name)
    field.clear()
    field.send_keys(text)


def beside(name):
    """What is said to be wrong with a field: it is marked, and the words belong to it."""
    return driver.execute_script(
        """
        const [field] = arguments;
        if (field.getAttribute('aria-invalid') !== 'true') return '';
        return field.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id).textContent).join(' ');
        """,
        element("textbox", name),
    )


def logistics_holds_a_lot_and_scans_it():
    size("desktop")
    sign_in("j.berg")
    go("#/holds")
    element("link", "Look: Hold").click()
    until(lambda: find("heading", "Hold h"), "the hold does not open")
    settled()
    heard("A named person of the role quality decides about holds.")
    assert not any(role == "button" and name in ("Release", "Reject", "Take under review") for role, name, _ in tree())
    said("logistics sees the hold, and why there is no button to release it")

    go("#/holds")
    element("button", "Place a hold").click()
    element("radio", "a lot").click()
    write("textbox", "Product (GTIN)", GTIN)
    element("button", "Place hold").click()
    until(lambda: "Fill this in." in beside("Lot number"), "what is missing is not said beside the field")
    write("textbox", "Lot number", LOT_NUMBER)
    write("textbox", "Reason", "a complaint")
    element("button", "Place hold").click()
    heard("is placed.")
    said("logistics holds a lot by hand")

    go("#/ship")
    field = element("textbox", "Scan or type what is to go out")
    until(lambda: driver.execute_script("return document.activeElement === arguments[0]", field), "a scan would go nowhere")
    field.send_keys(f"(01){GTIN}(10){LOT_NUMBER}", Keys.ENTER)
    heard("Must not be issued")
    heard("3 blocks")
    cells = [name for role, name, _ in tree() if role == "cell"]
    assert cells.count("Hold") == 3, cells
    assert len([name for name in cells if name.startswith("By hand")]) == 2, cells
    assert any(name.startswith("Out of limits for too long") for name in cells), cells
    assert driver.execute_script("return document.activeElement === arguments[0] && arguments[0].selectionEnd - arguments[0].selectionStart === arguments[0].value.length", field), "the next scan does not replace this one"
    field.send_keys("106141411234567890", Keys.ENTER)
    heard("This code cannot be read")
    heard("The check digit is wrong")
    said("a lot is scanned and refused with all blocks, and a misread code as such")
    sign_out()


def quality_reviews_and_releases():
    sign_in("m.lin")
    go("#/holds?cause=excursion")
    element("link", "Look and decide: Hold").click()
    until(lambda: find("heading", "Hold h"), "the hold does not open")
    settled()
    heard(WARM)
    heard("temperature > 8")
    element("button", "Take under review").click()
    write("textbox", "Reason", "looked at the door")
    write("textbox", "Your password", PASSWORD)
    element("button", "Sign: Take under review").click()
    heard("Signed: Take under review")
    until(lambda: find("button", "Note where the goods are"), "the hold is not under review")
    said("quality takes the hold under review")

    element("button", "Release").click()
    element("button", "Sign: Release").click()
    until(lambda: "Say why." in beside("Reason"), "a missing reason is not said beside the field")
    write("textbox", "Reason", REASON)
    write("textbox", "Your password", "not the password at all")
    element("button", "Sign: Release").click()
    until(lambda: "This is not your password. Nothing was signed." in beside("Your password"), "a wrong password is not said beside the field")
    said("a wrong password is refused beside its field")
    write("textbox", "Your password", PASSWORD)
    element("button", "Sign: Release").click()
    heard("This hold is decided: Released by m.lin.")
    heard(REASON)
    signatures = until(lambda: [name for _, name, _ in tree() if "signature valid" in name], "no signature is shown")
    assert len(signatures) >= 2, signatures
    said("quality releases with reason and password, and sees the signatures")
    sign_out()


def auditor_asks_and_looks():
    sign_in("a.udit")
    go("#/ask")
    write("textbox", "SQL, read-only", "SELECT state, count(*) AS n FROM holds GROUP BY state ORDER BY state")
    element("textbox", "SQL, read-only").send_keys(Keys.CONTROL, Keys.ENTER)
    heard("2 rows in")
    heard("released")
    element("button", "CSV").click()
    files = lambda: [file for file in pathlib.Path(DOWNLOADS).glob("*.csv") if file.read_text()]
    assert until(files, "no file came")[0].read_text() == "state,n\nopen,1\nreleased,1\n"
    write("textbox", "SQL, read-only", "DELETE FROM readings")
    element("button", "Ask").click()
    heard("Ask with one SELECT over the tables listed here.")
    said("asked in SQL, took the answer along, and was told what to do with what is refused")

    go("#/audit?what=hold.released")
    heard(REASON)
    heard("1 entry")
    element("DisclosureTriangle", "Hold released").click()
    heard("under_review")
    go("#/audit?what=registry&subject=CR1-A")
    element("DisclosureTriangle", "→ v2").click()
    heard("accuracy_c", "a changed record does not tell what changed")
    cells = {name for role, name, _ in tree() if role in ("cell", "StaticText")}
    assert {"0.3", "0.25"} <= cells and "600" not in cells, cells
    element("button", "Check the chain").click()
    heard("The chain holds")
    said("the audit trail has the release, its reason, what was before, and a whole chain")
    sign_out()


def schema_is_the_servers():
    """Every column the page offers can be asked for."""
    sign_in("r.oot")
    go("#/ask")
    wrong = driver.execute_async_script(
        """
        const done = arguments[0];
        (async () => {
            const { TABLES, EXAMPLES } = await import('/web/views/ask/schema.js');
            const { csrf } = await (await fetch('/v1/session')).json();
            const ask = async (sql) => fetch('/v1/sql', { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf }, body: JSON.stringify({ sql }) });
            const wrong = [];
            const statements = Object.entries(TABLES).map(([table, columns]) => `SELECT ${columns.split(' ').map((one) => `"${one}"`).join(', ')} FROM ${table} LIMIT 1`);
            for (const sql of [...statements, ...Object.values(EXAMPLES).map((one) => one.replaceAll('{day}', '2026-11-22T10:00:00Z'))]) {
                const answer = await ask(sql);
                if (!answer.ok) wrong.push([sql, (await answer.json()).detail]);
            }
            return wrong;
        })().then(done, (error) => done([String(error)]));
        """
    )
    assert wrong == [], wrong
    said("every table, column and example of the page is one of the server's")


def admin_makes_and_revokes_a_token():
    go("#/settings/tokens")
    element("button", "Create token").click()
    write("textbox", "Name", "till.7")
    Select(element("combobox", "Role")).select_by_value("viewer")
    driver.find_element("css selector", "dialog [type=submit]").click()
    heard("shown this once")
    token = driver.execute_script("return document.querySelector('.secret code').textContent")
    status = "return (await fetch('/v1/units?limit=1', { headers: { Authorization: `Bearer ${arguments[0]}` } })).status"
    asked = lambda: driver.execute_async_script(f"const done = arguments[1]; (async () => {{ {status} }})().then(done)", token)
    assert asked() == 200
    element("button", "Revoke token till.7").click()
    driver.find_element("css selector", "dialog [type=submit]").click()
    heard("The token till.7 is revoked.")
    assert asked() == 401
    said("a token is made, shown once, used and revoked")

    go("#/settings/places")
    element("button", "Open CR1").click()
    write("textbox", "Registry document", '{"places":[{"id":"CR1","name":"Cold room 1","kind":"attic"}]}')
    element("button", "Apply document").click()
    heard("/places/0/kind")
    said("a registry document is refused with the pointer of its fault")


def password_of_ones_own():
    go("#/settings/own")
    write("textbox", "Password until now", "not the password at all")
    write("textbox", "New password", PASSWORD[::-1])
    write("textbox", "New password again", PASSWORD[::-1])
    element("button", "Set password").click()
    until(lambda: "This is not your password. Nothing was changed." in beside("Password until now"), "a wrong password is not said beside the field")
    write("textbox", "Password until now", PASSWORD)
    element("button", "Set password").click()
    heard("The password is changed.")
    go("#/settings/people")
    heard("m.lin")
    said("one's own password is changed, by whoever knows the one until now")


def widths():
    fits(VIEWS)
    said("nothing scrolls sideways, every text can be read")


def complaints():
    expected = ("status of 400", "status of 401", "status of 403", "status of 422")
    serious = [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    found = [message for message in serious if not any(status in message for status in expected)]
    assert found == [], found
    said("no complaint in the console but what was to be refused")


try:
    logistics_holds_a_lot_and_scans_it()
    quality_reviews_and_releases()
    auditor_asks_and_looks()
    schema_is_the_servers()
    admin_makes_and_revokes_a_token()
    password_of_ones_own()
    widths()
    complaints()
finally:
    driver.quit()
