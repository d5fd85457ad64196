// The camera as a scanner, where the browser can read barcodes by itself.

import { el } from "../../shell/dom.js";
import { button } from "../../shell/parts.js";
import { t } from "../../shell/words.js";

const FORMATS = ["code_128", "data_matrix", "qr_code", "ean_13", "ean_8", "itf", "databar", "databar_expanded"];
// Pictures looked at, one every so many ms.
const EVERY = 250;

/** A button that opens the camera, and the room for its picture; `read(text)` gets what was seen. Nothing where it can't be. */
export function camera(read) {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return { button: null, box: null, stop() {} };
  const picture = el("video", { class: "lens", playsinline: true, muted: true, hidden: true, "aria-label": t("ship.camera.picture") });
  const trouble = el("p", { class: "note", role: "status", hidden: true });
  let stream = null;

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    picture.hidden = true;
    press.setAttribute("aria-pressed", "false");
  }

  async function start() {
    trouble.hidden = true;
    try {
      const known = await BarcodeDetector.getSupportedFormats();
      const detector = new BarcodeDetector({ formats: FORMATS.filter((format) => known.includes(format)) });
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      picture.srcObject = stream;
      picture.hidden = false;
      press.setAttribute("aria-pressed", "true");
      await picture.play();
      const mine = stream;
      while (stream === mine) {
        const [seen] = await detector.detect(picture);
        if (stream !== mine) return;
        if (seen) {
          stop();
          return read(seen.rawValue);
        }
        await new Promise((done) => setTimeout(done, EVERY));
      }
    } catch (error) {
      stop();
      trouble.textContent = t("ship.camera.trouble", { why: error.message });
      trouble.hidden = false;
    }
  }

  const press = button(t("ship.camera"), () => (stream ? stop() : start()), { kind: "quiet", "aria-pressed": "false" });
  return { button: press, box: [picture, trouble], stop };
}
