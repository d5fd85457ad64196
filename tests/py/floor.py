"""What people do on the floor and in the office behind it: scan with a camera, move, reject, print, keep accounts and addresses.

`floor.py URL WARM FINE PASSWORD` prints one line of JSON for each thing it found to be so, and stops at the first that is not. WARM is a unit that
is held because it got warm, FINE one in `CR1` that may be issued. The accounts `j.berg`, `m.lin` and `r.oot` (logistics, quality, admin) have the
PASSWORD.
"""

import os
import pathlib
import sys
import tempfile

URL, WARM, FINE, PASSWORD = sys.argv[1:5]

# The camera's picture: a bar code of our own, four bits a digit, each eight pixels wide, of the unit's number with its identifier.
SCANNED = f"00{WARM}"
WIDTH, HEIGHT, FRAMES = 640, 480, 10


def picture():
    bits = [int(digit) >> bit & 1 for digit in SCANNED for bit in (3, 2, 1, 0)]
    row = bytes(235 if bits[at * len(bits) // WIDTH] else 16 for at in range(WIDTH))
    frame = b"FRAME\n" + row * HEIGHT + b"\x80" * (WIDTH * HEIGHT // 2)
    path = pathlib.Path(tempfile.mkdtemp(prefix="coldtrail-lens-")) / "code.y4m"
    path.write_bytes(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAMES}:1 Ip A1:1 C420\n".encode() + frame * FRAMES)
    return path


os.environ["COLDTRAIL_BROWSER"] = f"--use-fake-device-for-media-stream --use-file-for-fake-video-capture={picture()}"

from browser import DOWNLOADS, driver, element, find, fits, go, heard, said, settled, size, tree, until  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

# Chromium reads bar codes itself on telephones and not here: this reads the camera's picture in its place, pixel by pixel.
DETECTOR = """
window.BarcodeDetector = class {
    static async getSupportedFormats() { return ['code_128']; }
    async detect(video) {
        if (!video.videoWidth) return [];
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
        const context = canvas.getContext('2d');
        context.drawImage(video, 0, 0);
        const row = context.getImageData(0, canvas.height >> 1, canvas.width, 1).data;
        const digits = Array.from({ length: 20 }, (_, digit) => {
            let value = 0;
            for (let bit = 0; bit < 4; bit += 1) value = value * 2 + (row[4 * Math.floor((digit * 4 + bit + .5) * canvas.width / 80)] > 128);
            return value;
        });
        return digits.every((one) => one < 10) ? [{ rawValue: digits.join('') }] : [];
    }
};
"""


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


def submit():
    """Presses what the open dialog is there for."""
    driver.find_element("css selector", "dialog [type=submit]").click()


def permit(setting):
    driver.execute_cdp_cmd("Browser.setPermission", {"permission": {"name": "camera"}, "setting": setting, "origin": URL.rstrip("/")})


def camera():
    size("telephone")
    sign_in("j.berg")
    go("#/ship")
    assert not driver.execute_script("return 'BarcodeDetector' in window"), "this browser reads bar codes itself: use it"
    assert find("button", "Camera") is None, "a camera is offered that nothing can read"
    element("textbox", "Scan or type what is to go out").send_keys(WARM, Keys.ENTER)
    heard("Must not be issued")
    said("where the browser reads no bar codes there is no camera, and typing does")

    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": DETECTOR})
    permit("denied")
    driver.refresh()
    settled()
    element("button", "Camera").click()
    heard("The camera cannot be used")
    assert element("button", "Camera").get_attribute("aria-pressed") == "false"
    said("a camera that is not allowed says so, and the field stays")

    permit("granted")
    driver.refresh()
    settled()
    element("button", "Camera").click()
    until(lambda: driver.execute_script("return document.querySelector('#scan').value") == SCANNED, "the camera's picture is not read")
    heard("Must not be issued")
    heard("1 block")
    lens = "const video = document.querySelector('video'); return [video.hidden, video.srcObject.getTracks().map((track) => track.readyState).join()]"
    assert driver.execute_script(lens) == [True, "ended"], "the camera stays on"
    said("the camera reads the code of a held unit, which is refused, and goes off")


def moves():
    size("desktop")
    go("#/ship")
    element("textbox", "Scan or type what is to go out").send_keys(FINE, Keys.ENTER)
    heard("May be issued")
    to = lambda: driver.find_element("css selector", "section[aria-labelledby=move] input[list=destinations]")
    until(lambda: find("button", "Plan the move"), "no move can be planned")
    element("button", "Plan the move").click()
    heard("Say where it goes.")
    to().send_keys("CR2")
    element("button", "Plan the move").click()
    heard(f"Planned: {FINE} to CR2.")
    element("button", "It has left").click()
    heard(f"Recorded: {FINE} is at CR2.")
    go(f"#/unit/{FINE}")
    heard("Cold room 2")
    said("a move is planned, and recorded when it happened")

    go("#/ship")
    element("textbox", "Scan or type what is to go out").send_keys(WARM, Keys.ENTER)
    heard("Must not be issued")
    assert find("button", "Plan the move") is None, "what is held can be planned to leave"
    until(to, "no move can be recorded").send_keys("PHARMACY-7")
    element("button", "It has left all the same").click()
    heard("An alarm was raised: moved while blocked.")
    said("what left though it was held is recorded, with an alarm")
    sign_out()


def rejects():
    sign_in("m.lin")
    go("#/holds?cause=excursion")
    element("link", "Look and decide: Hold").click()
    until(lambda: find("heading", "Hold h"), "the hold does not open")
    settled()
    element("button", "Reject").click()
    write("textbox", "Reason", "the carton is wet")
    write("textbox", "Your password", PASSWORD)
    element("button", "Sign: Reject").click()
    heard("Choose what becomes of it.")
    element("radio", "destroy").click()
    element("button", "Sign: Reject").click()
    heard("This hold is decided: Rejected by m.lin.")
    heard("the carton is wet")
    assert find("button", "Release") is None, "what is rejected can be released"
    said("quality rejects what is held, once it is said what becomes of it")


def prints():
    go(f"#/unit/{WARM}")
    element("button", "Report (PDF)").click()
    files = lambda: [file for file in pathlib.Path(DOWNLOADS).glob("*.pdf") if file.stat().st_size > 0]
    report = until(files, "no report came")[0].read_bytes()
    assert report.startswith(b"%PDF-") and b"%%EOF" in report[-64:], report[:20]
    heard("The report is there.")
    said("the report comes by its button", bytes=len(report))
    sign_out()


def accounts():
    sign_in("r.oot")
    go("#/settings/people")
    element("button", "Create account").click()
    write("textbox", "Name", "n.ew")
    write("textbox", "Set password", "too short")
    submit()
    heard("At least 12 characters.")
    write("textbox", "Set password", PASSWORD)
    submit()
    heard("The account is created.")
    element("button", "Change role: n.ew").click()
    Select(element("combobox", "Role")).select_by_value("auditor")
    write("textbox", "Reason (may be empty)", "she audits now")
    submit()
    heard("The account n.ew is changed.")
    row = lambda: element("rowheader", "n.ew").find_element("xpath", "..").text
    until(lambda: "auditor" in row(), "the role is not shown")
    element("button", "Disable: n.ew").click()
    submit()
    until(lambda: "disabled" in row(), "the account is not shown as disabled")
    sign_out()
    element("textbox", "Name").send_keys("n.ew")
    element("textbox", "Password").send_keys(PASSWORD, Keys.ENTER)
    heard("do not go together")
    sign_in("r.oot")
    go("#/settings/people")
    element("button", "Enable: n.ew").click()
    submit()
    until(lambda: "active" in row(), "the account is not let in again")
    element("button", "Set password: n.ew").click()
    write("textbox", "Set password", PASSWORD[::-1])
    submit()
    heard("The password of n.ew is set.")
    go("#/audit?what=user.changed&subject=n.ew")
    heard("3 entries")
    heard("she audits now")
    said("an account is made, changed, disabled, let in again, and each of it stands in the audit trail")


def addresses():
    go("#/settings/recipients")
    element("button", "Add person").click()
    write("textbox", "Id, as in signatures", "o.n-call")
    write("textbox", "E-mail", "nobody")
    submit()
    until(lambda: driver.execute_script("return document.querySelector('dialog [aria-invalid=true], dialog .notice') !== null"), "a wrong address is not refused")
    write("textbox", "E-mail", "on.call@wh.example")
    write("textbox", "Name", "Whoever is on call")
    submit()
    heard("Whoever is on call")
    element("button", "Edit: o.n-call").click()
    write("spinbutton", "Level", "2")
    submit()
    row = lambda: element("rowheader", "Whoever is on call").find_element("xpath", "..").text
    until(lambda: "on.call@wh.example – 2" in " ".join(row().split()), "the level is not changed")
    said("who is told is registered and changed, and a wrong address refused")


def looks():
    fits(["#/settings/people", "#/settings/recipients", "#/audit", "#/ship"])
    serious = [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    found = [message for message in serious if not any(f"status of {status}" in message for status in (400, 401, 409, 422))]
    assert found == [], found
    said("nothing scrolls sideways, no complaint but what was to be refused")


try:
    camera()
    moves()
    rejects()
    prints()
    accounts()
    addresses()
    looks()
finally:
    driver.quit()
