// Reads QR codes with the phone's camera or from a photo: the browser's own detector where it has one, else zxing-wasm.
const LOOKS_PER_SECOND = 8;
const LONGEST_SIDE = 1280;

export function makeCamera({ panel, button, readerUrl, wasmUrl, onText }) {
  const view = panel.querySelector("video");
  const words = panel.querySelector("[role=status]");
  const file = panel.querySelector("input[type=file]");
  const canvas = document.createElement("canvas");
  const say = panel.dataset;
  let stream = null;
  let timer = 0;
  let turn = 0; // counts openings: an answer for an older one is dropped

  async function open() {
    const mine = ++turn;
    panel.hidden = false;
    button.setAttribute("aria-expanded", "true");
    words.textContent = say.sayStarting;
    if (!navigator.mediaDevices?.getUserMedia) {
      words.textContent = say.sayInsecure;
      return;
    }
    try {
      const [read, opened] = await Promise.all([
        loadReader(readerUrl, wasmUrl),
        navigator.mediaDevices.getUserMedia({
          video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 } },
        }),
      ]);
      if (mine !== turn) {
        stop(opened);
        return;
      }
      stream = opened;
      view.srcObject = stream;
      view.hidden = false;
      await view.play();
      words.textContent = say.sayAim;
      look(read, mine);
    } catch (error) {
      if (mine !== turn) return;
      close({ keepPanel: true });
      words.textContent =
        {
          NotAllowedError: say.sayDenied,
          SecurityError: say.sayDenied,
          NotFoundError: say.sayNone,
          OverconstrainedError: say.sayNone,
          NotReadableError: say.sayBusy,
        }[error.name] ?? say.sayFailed;
    }
  }

  async function look(read, mine) {
    if (mine !== turn) return;
    const text = view.videoWidth ? await read(draw(view, view.videoWidth, view.videoHeight)).catch(() => "") : "";
    if (mine !== turn) return;
    if (text && onText(text)) close();
    else timer = setTimeout(() => look(read, mine), 1000 / LOOKS_PER_SECOND);
  }

  function draw(source, width, height) {
    const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  }

  function close({ keepPanel = false } = {}) {
    turn++;
    clearTimeout(timer);
    stop(stream);
    stream = null;
    view.srcObject = null;
    view.hidden = true;
    if (keepPanel) return;
    panel.hidden = true;
    button.setAttribute("aria-expanded", "false");
  }

  file.addEventListener("change", async () => {
    const photo = file.files[0];
    file.value = "";
    if (!photo) return;
    close({ keepPanel: true });
    try {
      const picture = await createImageBitmap(photo);
      const read = await loadReader(readerUrl, wasmUrl);
      const text = await read(draw(picture, picture.width, picture.height));
      if (text && onText(text)) close();
      else words.textContent = say.sayUnread;
    } catch {
      words.textContent = say.sayUnread;
    }
  });
  panel.querySelector("#camera-stop").addEventListener("click", () => close());
  window.addEventListener("pagehide", () => close());

  return { toggle: () => (panel.hidden ? open() : close()), close };
}

function stop(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

let reader = null;

// (ImageData) => Promise<text, "" when there is no code>
function loadReader(readerUrl, wasmUrl) {
  reader ??= makeReader(readerUrl, wasmUrl).catch((error) => {
    reader = null;
    throw error;
  });
  return reader;
}

async function makeReader(readerUrl, wasmUrl) {
  if ("BarcodeDetector" in window) {
    const formats = await BarcodeDetector.getSupportedFormats().catch(() => []);
    if (formats.includes("qr_code")) {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      return async (picture) => (await detector.detect(picture))[0]?.rawValue ?? "";
    }
  }
  await loadScript(readerUrl);
  window.ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => wasmUrl } });
  return async (picture) => {
    const found = await window.ZXingWASM.readBarcodes(picture, {
      formats: ["QRCode"],
      tryHarder: true,
      maxNumberOfSymbols: 1,
    });
    return found[0]?.text ?? "";
  };
}

function loadScript(url) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = resolve;
    script.onerror = () => reject(new Error("reader not loaded"));
    document.head.append(script);
  });
}
