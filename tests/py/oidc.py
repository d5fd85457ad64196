"""Signing in at an identity provider from the page, and signing there once more.

`oidc.py URL BASE WARM` prints one line of JSON for each thing it found to be so, and stops at the first that is not. BASE is where browsers find
the page, WARM a unit that is held. The provider, on another site, knows `lin-1` (of the role quality here) and `guest-1` (of none).
"""

import sys

from browser import driver, element, find, go, heard, said, settled, size, until
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

BASE, WARM = sys.argv[2:4]
NAME = "Example Corp"


def at_the_provider(subject):
    """Says who one is where the provider asks for it."""
    until(lambda: driver.find_elements(By.NAME, "sub"), "the provider does not ask who it is")
    driver.find_element(By.NAME, "sub").send_keys(subject, Keys.ENTER)


def refused_and_let_in():
    size("desktop")
    driver.get(BASE)
    element("textbox", "Name")
    element("button", f"Sign in at {NAME}").click()
    at_the_provider("guest-1")
    heard("you have no role here")
    assert "refused" not in driver.current_url, driver.current_url
    Select(element("combobox", "Language")).select_by_value("zh")
    element("button", f"通过 {NAME} 登录")
    Select(element("combobox", "语言")).select_by_value("en")
    said("whoever has no role is told so, in words")

    driver.get(f"{BASE}#/unit/{WARM}")
    element("button", f"Sign in at {NAME}").click()
    at_the_provider("lin-1")
    until(lambda: find("heading", f"Unit {WARM}"), "one does not come back to the view one wanted")
    settled()
    heard("m.lin")
    assert driver.execute_script("return document.cookie") == "", "scripts can read a cookie"
    said("signed in at the provider, and came back to the view that was wanted")


def signs_again():
    go("#/holds")
    element("link", "Look and decide: Hold").click()
    until(lambda: find("heading", "Hold h"), "the hold does not open")
    settled()
    element("button", "Take under review").click()
    heard("you sign in at the identity provider once more")
    assert find("textbox", "Your password") is None, "a password is asked for that nobody has"
    element("textbox", "Reason").send_keys("looked at the door")
    page = driver.current_window_handle
    for subject, outcome in (("guest-1", "Somebody else signed in at the identity provider."), ("lin-1", "Signed: Take under review")):
        element("button", "Sign: Take under review").click()
        until(lambda: len(driver.window_handles) == 2, "no window opens")
        driver.switch_to.window(next(one for one in driver.window_handles if one != page))
        at_the_provider(subject)
        until(lambda: len(driver.window_handles) == 1, "the window does not go away")
        driver.switch_to.window(page)
        heard(outcome)
    heard("m.lin")
    said("signs a hold by signing in again, and nobody else does it for them")


def settings():
    go("#/settings/own")
    heard("There is no password of yours here.")
    assert find("textbox", "New password") is None
    said("is offered no password")


def looks():
    element("button", "Sign out").click()
    element("button", f"Sign in at {NAME}")
    for name in ("desktop", "telephone"):
        size(name)
        wide = driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], wide
    serious = [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    found = [message for message in serious if BASE in message and not any(f"status of {status}" in message for status in (401, 403))]
    assert found == [], found
    said("fits a desktop and a telephone, without a complaint")


try:
    refused_and_let_in()
    signs_again()
    settings()
    looks()
finally:
    driver.quit()
