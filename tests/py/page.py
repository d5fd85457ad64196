"""Reads Coldtrail's page in headless Chromium, by what a person hears and sees: roles and accessible names.

`page.py URL TOKEN WARM FINE LOT NAME PASSWORD` prints one line of JSON for each thing it found to be so, and stops at the first that
is not. WARM is a unit that is held because it got warm, FINE one that may be issued, LOT is `GTIN/LOT`, NAME and PASSWORD are an account's.
"""

import json
import sys

from browser import driver, element, find, fits, go, heard, said, settled, size, tree, until
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

URL, TOKEN, WARM, FINE, LOT, NAME, PASSWORD = sys.argv[1:8]
VIEWS = ["#/now", "#/stock", f"#/lot/{LOT}", f"#/unit/{WARM}"]


def focused():
    return driver.execute_script("return [document.activeElement.tagName, document.activeElement.textContent.trim(), document.activeElement.getAttribute('href')]")


def tab_to(wanted, most=200):
    """Presses Tab until the focus is on what is wanted."""
    for _ in range(most):
        webdriver.ActionChains(driver).send_keys(Keys.TAB).perform()
        if wanted(focused()):
            return
    raise AssertionError(f"the focus does not come there: {focused()}")


def sign_in_and_see_why():
    size("desktop")
    driver.get(URL)
    element("textbox", "Name")
    element("DisclosureTriangle", "Use an API token instead").click()
    token = element("textbox", "API token")
    token.send_keys("no-such-token", Keys.ENTER)
    heard("the token is not known")
    token.clear()
    token.send_keys(TOKEN, Keys.ENTER)
    until(lambda: find("heading", "Now"), "nobody was let in")
    said("signed in by an API token, and not by a wrong one")

    until(lambda: find("link", WARM), f"the warm unit is not among what needs a person: {[pair[:2] for pair in tree()][:150]}")
    heard("Out of limits for too long")
    element("link", WARM).click()
    until(lambda: find("heading", f"Unit {WARM}"), "the unit does not open")
    settled()
    said("found the unit that got warm, on the first view")

    for text in ("May not be issued", "Effective expiry", "Life used", "Fired once."):
        heard(text)
    row = lambda head: element("rowheader", head).find_element(By.XPATH, "..").text
    assert all(text in row("Too warm") for text in ("Hold", "Out of limits for too long", "Fired once.")), row("Too warm")
    assert all(text in row("Monitoring") for text in ("Pass", "100")), row("Monitoring")
    element("button", "Report (PDF)")
    said("sees why, row by row")


def chart():
    """The chart shows what the server has, and comes closer by keys until every reading stands alone."""
    go(f"#/unit/{WARM}")
    stage = element("group", "Temperature and humidity over time")
    painted = """
        const canvas = document.querySelector('.chart canvas');
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return pixels.some((value) => value !== 0);
    """
    assert driver.execute_script(painted), "nothing is painted"
    extent = lambda: driver.execute_script("return document.querySelector('.chart-extent').textContent")
    before = extent()
    driver.execute_script("arguments[0].focus()", stage)
    stage.send_keys("+")
    until(lambda: extent() != before, "a key does not come closer")
    settled()
    everything = element("button", "All")
    assert everything.get_attribute("aria-pressed") == "false", "a part passes for all of it"
    stage.send_keys("0")
    until(lambda: everything.get_attribute("aria-pressed") == "true", "a key does not go back to all of it")
    settled()
    element("DisclosureTriangle", "What is shown, as a table").click()
    heard("Readings of the time that is shown")
    heard("9.5", "the peak is not in the table")
    said("the chart is painted, comes closer by keys, and is there as a table")


def fine_unit_and_lot():
    search = element("searchbox", "Find a unit or lot")
    search.send_keys(FINE, Keys.ENTER)
    until(lambda: find("heading", f"Unit {FINE}"), "the unit is not found by its number")
    settled()
    heard("May be issued")
    assert not any("May not be issued" in name for _, name, _ in tree())
    go(f"#/lot/{LOT}")
    heard("Units, first to be taken first")
    until(lambda: find("link", WARM), "the lot does not list its unit")
    said("found a unit that may go, and the lot")


def languages():
    go("#/now")
    choice = element("combobox", "Language")
    webdriver.support.ui.Select(choice).select_by_value("zh")
    until(lambda: find("heading", "当前"), "the page does not speak Chinese")
    assert driver.execute_script("return document.documentElement.lang") == "zh-CN"
    go(f"#/unit/{WARM}")
    heard("不得发放")
    choice = element("combobox", "语言")
    webdriver.support.ui.Select(choice).select_by_value("en")
    heard("May not be issued")
    files = driver.execute_script("return performance.getEntriesByType('resource').map((one) => one.name).filter((name) => name.includes('/web/words/'))")
    assert len(files) >= 4, files
    compared = driver.execute_async_script(
        """
        const [files, done] = arguments;
        const places = (text) => JSON.stringify([...new Set((typeof text === 'string' ? text : text.other).match(/\\{\\w+\\}/g) ?? [])].sort());
        Promise.all(files.map(async (file) => {
            const { en, zh } = (await import(file)).default;
            const faults = [...Object.keys(en).filter((key) => !(key in zh)), ...Object.keys(zh).filter((key) => !(key in en))];
            const holes = Object.keys(en).filter((key) => key in zh && places(en[key]) !== places(zh[key]));
            return [...faults, ...holes];
        })).then((all) => done(all.flat()), (error) => done([String(error)]));
        """,
        files,
    )
    assert compared == [], compared
    said("speaks both languages, with the same keys and values", files=len(files))


def keyboard():
    go("#/now")
    driver.refresh()
    settled()
    until(lambda: find("link", WARM), "the warm unit is not there")
    webdriver.ActionChains(driver).send_keys(Keys.TAB).perform()
    assert focused()[1] == "Skip to the content", focused()
    webdriver.ActionChains(driver).send_keys(Keys.ENTER).perform()
    until(lambda: driver.execute_script("return document.activeElement.id") == "main", "the skip link does not skip")
    tab_to(lambda it: it[2] is not None and WARM in it[2])
    outline = driver.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", "the focus is not to be seen"
    webdriver.ActionChains(driver).send_keys(Keys.ENTER).perform()
    until(lambda: find("heading", f"Unit {WARM}"), "Enter does not open the unit")
    settled()
    assert focused()[0] == "H1", focused()
    said("goes from the start to the unit by keys alone")


def widths():
    fits(VIEWS)
    size("telephone")
    go("#/now")
    element("button", "More").click()
    heard("Sign out")
    said("nothing scrolls sideways, every text is 4.5 to 1 or more")


def sessions():
    """By name and password, with a link that leads to a unit; it lasts beyond the tab, and ends when one signs out."""
    size("desktop")
    element("button", "Sign out").click()
    element("textbox", "Name").send_keys(NAME)
    element("textbox", "Password").send_keys("not the password", Keys.ENTER)
    heard("do not go together")
    password = element("textbox", "Password")
    password.clear()
    password.send_keys(PASSWORD, Keys.ENTER)
    until(lambda: find("button", "Sign out"), "the right password does not open the page")
    heard(NAME)
    assert driver.execute_script("return sessionStorage.length") == 0, "a session leaves something for scripts to read"
    assert driver.execute_script("return document.cookie") == "", "scripts can read the cookie"
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    size("desktop")
    driver.get(f"{URL}#/unit/{WARM}")
    until(lambda: find("heading", f"Unit {WARM}"), "another tab is not signed in")
    settled()
    element("button", "Sign out").click()
    element("textbox", "Name")
    driver.close()
    driver.switch_to.window(first)
    driver.refresh()
    element("textbox", "Name")
    said("signs in by name and password, in every tab, until one signs out")


def quiet(entries):
    """What the browser complained of; that somebody was not let in is no fault."""
    faults = [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]
    return [fault for fault in faults if "status of 401" not in fault]


def nothing_else():
    complaints = quiet(driver.get_log("browser"))
    assert complaints == [], complaints
    asked = set()
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.add(message["params"]["request"]["url"])
    elsewhere = sorted(url for url in asked if not url.startswith(URL) and not url.startswith(("data:", "blob:", "chrome:", "about:")))
    assert elsewhere == [], elsewhere
    assert any("/web/vendor/uplot/" in url for url in asked), "the chart's library was not asked for"
    said("no complaint in the console, no request beyond the server", requests=len(asked))


try:
    sign_in_and_see_why()
    chart()
    fine_unit_and_lot()
    languages()
    keyboard()
    widths()
    sessions()
    nothing_else()
finally:
    driver.quit()
