"""Headless Chromium as a person meets a page: roles and accessible names, what is read out, what can be told apart."""

import json
import os
import shlex
import tempfile

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE_S = 60
SIZES = {"desktop": (1440, 900), "telephone": (390, 844)}
# Where the browser puts files.
DOWNLOADS = tempfile.mkdtemp(prefix="coldtrail-page-")


def start():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=en-US"):
        options.add_argument(argument)
    options.add_argument("--force-prefers-reduced-motion")
    for argument in shlex.split(os.environ.get("COLDTRAIL_BROWSER", "")):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"intl.accept_languages": "en-US", "download.default_directory": DOWNLOADS})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))


driver = start()


def said(what, **more):
    print(json.dumps({"so": what, **more}), flush=True)


def until(condition, what):
    return WebDriverWait(driver, PATIENCE_S, poll_frequency=0.05).until(lambda _: condition(), what)


def tree():
    """The accessibility tree as pairs of role and name, in the order of reading."""
    nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    shown = [node for node in nodes if not node["ignored"]]
    return [(node["role"]["value"], node.get("name", {}).get("value", ""), node.get("backendDOMNodeId")) for node in shown]


def find(role, name):
    """The first element of this role whose accessible name has `name` in it."""
    for its_role, its_name, node in tree():
        if its_role == role and name in its_name:
            return node
    return None


def element(role, name):
    """The first such element, once there is one that stays while it is taken hold of: views are drawn anew."""

    def held():
        node = find(role, name)
        if node is None:
            return None
        try:
            found = driver.execute_cdp_cmd("DOM.resolveNode", {"backendNodeId": node})["object"]["objectId"]
            driver.execute_cdp_cmd("Runtime.callFunctionOn", {"objectId": found, "functionDeclaration": "function() { window.found = this; }"})
            return driver.execute_script("return window.found")
        except WebDriverException:
            return None

    return until(held, f"no {role} is called {name!r}: {[pair[:2] for pair in tree()][:80]}")


def heard(text, what=None):
    """Waits until `text` is among what is read out."""
    until(lambda: any(text in name for _, name, _ in tree()), what or f"{text!r} is not said: {[pair[:2] for pair in tree()][:120]}")


def size(name):
    width, height = SIZES[name]
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": name == "telephone"})


def settled():
    quiet = "return document.querySelector('main h1') && !document.querySelector('main[aria-busy], .chart[aria-busy]')"
    until(lambda: driver.execute_script(quiet), "the view does not settle")


def go(address):
    driver.execute_script("location.hash = arguments[0]", address)
    settled()


# Texts whose colour is too near to the ground they stand on (WCAG 2.2, 1.4.3): those of 4.5 to 1, large ones 3 to 1.
FAINT = """
const parse = (text) => {
    const [kind] = /^[a-z-]+/.exec(text);
    const numbers = text.match(/-?[\\d.]+(e-?\\d+)?/g).map(Number);
    if (kind === 'color') return [...numbers.slice(0, 3).map((value) => value * 255), numbers[3] ?? 1];
    return [numbers[0], numbers[1], numbers[2], numbers[3] ?? 1];
};
const light = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const over = (top, ground) => top.slice(0, 3).map((value, at) => value * top[3] + ground[at] * (1 - top[3]));
const ground = (element) => {
    const around = [];
    for (let one = element; one; one = one.parentElement) around.unshift(parse(getComputedStyle(one).backgroundColor));
    return around.reduce((below, colour) => over(colour, below), [255, 255, 255]);
};
const faint = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (element.closest('.hidden, .said, :disabled, noscript, option')) continue;
    const style = getComputedStyle(element);
    const below = ground(element);
    const [one, other] = [light(over(parse(style.color), below)), light(below)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if ((one + 0.05) / (other + 0.05) < needed) faint.push([walker.currentNode.textContent.trim().slice(0, 40), style.color, below.join(), ((one + 0.05) / (other + 0.05)).toFixed(2)]);
}
return faint.slice(0, 10);
"""


def fits(views):
    """No view scrolls sideways or has a text too faint to read, on any size and in any light."""
    for name in SIZES:
        size(name)
        for theme in ("light", "dark"):
            driver.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
            for view in views:
                go(view)
                wide = driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
                assert wide[0] <= wide[1], f"{view} scrolls sideways on a {name}: {wide}"
                faint = driver.execute_script(FAINT)
                assert faint == [], f"{view}, {name}, {theme}: too faint: {faint}"
