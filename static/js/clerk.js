// The counter: scanner gun, keys, sounds, and what to do when an answer does not come.
// The forms work without this file; htmx puts their answers into #answer.
import { playRefusal, playSuccess, playTick } from "./clerk-sounds.js";

const counter = document.getElementById("counter");
const field = document.getElementById("code");
const checkForm = document.getElementById("check-form");
const checkButton = document.getElementById("check-button");
const cameraButton = document.getElementById("camera-button");
const hint = document.getElementById("code-hint");
const answer = document.getElementById("answer");
const say = counter.dataset;

const DIGITS = 15;
const GUN_GAP = 50; // ms between keys; a gun is faster, a hand slower
const GUN_PAUSE = 120; // a gun that sends no Enter has finished after this
const ENTER_REST = 250; // some guns send Enter twice: the second must not confirm
const DONE_STAYS = 4000;
const PENDING = "clerk.pending"; // the attempt that waits for its answer, also over a reload …
const PENDING_STAYS = 10 * 60 * 1000; // … for so long: later the customer has gone

let burst = { digits: "", letters: 0, last: -1000 };
let gunTimer = 0;
let countTimer = 0;
let clearTimer = 0;
let enterRestsUntil = 0;
let locked = false;

// --- the code field ---------------------------------------------------------------------------------------------

const digitsOf = (text) => text.normalize("NFKC").replace(/[^0-9]/g, "");
const grouped = (digits) => digits.replace(/(.{4})(?=.)/g, "$1 ");

function setCode(digits) {
  field.value = grouped(digits.slice(0, DIGITS));
}

field.addEventListener("input", (event) => {
  if (event.isComposing) return;
  regroup();
});
field.addEventListener("compositionend", regroup);

function regroup() {
  const before = digitsOf(field.value.slice(0, field.selectionStart)).length;
  if (/\p{L}/u.test(field.value.normalize("NFKC"))) showHint(say.sayLetters);
  else showHint("");
  const digits = digitsOf(field.value).slice(0, DIGITS);
  setCode(digits);
  let caret = 0;
  for (let seen = 0; seen < before && caret < field.value.length; caret++) if (field.value[caret] !== " ") seen++;
  field.setSelectionRange(caret, caret);
}

function showHint(text) {
  if (hint.textContent !== text) hint.textContent = text;
}

// --- what is shown now -------------------------------------------------------------------------------------------

const card = () => answer.querySelector('[data-answer="card"], [data-answer="wait"]');
const redeemForm = () => answer.querySelector("#redeem-form");
const precise = matchMedia("(pointer: fine)");

function focusField() {
  // On a phone the keyboard would cover the answer; there the finger decides.
  if (precise.matches) field.focus();
}

function clear() {
  clearTimeout(clearTimer);
  if (readPending()) return; // an answer is missing: it must not be put out of sight
  answer.replaceChildren();
  field.value = "";
  showHint("");
  focusField();
}

function checkCode(digits) {
  if (digits.length !== DIGITS) {
    showHint(say.sayForeign);
    playRefusal();
    return;
  }
  setCode(digits);
  showHint("");
  checkForm.requestSubmit();
}

// --- keys and the gun ---------------------------------------------------------------------------------------------

document.addEventListener("keydown", onKey, true);

function onKey(event) {
  const gap = event.timeStamp - burst.last;
  const fast = gap < GUN_GAP;
  if (/^Key[A-Z]$/.test(event.code) && !event.ctrlKey && !event.metaKey && !event.altKey) {
    burst = { digits: "", letters: fast ? burst.letters + 1 : 1, last: event.timeStamp };
    rest();
    if (burst.letters >= 4) showHint(say.sayLetters);
    return;
  }
  if (event.isComposing || event.key === "Process" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "F2") {
    event.preventDefault();
    toggleCamera();
    return;
  }
  if (event.key === "Escape") {
    if (document.querySelector("dialog[open], .dropdown-menu.show")) return;
    event.preventDefault();
    camera?.close();
    clear();
    return;
  }
  const digit = event.shiftKey ? null : /^(?:Digit|Numpad)([0-9])$/.exec(event.code)?.[1];
  if (digit) onDigit(event, digit, fast);
  else if (event.code === "Enter" || event.code === "NumpadEnter") onEnter(event, fast);
}

function rest() {
  clearTimeout(gunTimer);
  gunTimer = 0;
}

function onDigit(event, digit, fast) {
  rest();
  clearTimeout(countTimer);
  burst = { digits: fast ? burst.digits + digit : digit, letters: 0, last: event.timeStamp };
  if (burst.digits.length >= DIGITS) gunTimer = setTimeout(fire, GUN_PAUSE);
  else if (burst.digits.length === 1 && redeemForm() && !isTyping(event.target)) {
    countTimer = setTimeout(() => chooseCount(digit), GUN_GAP + 30);
  }
}

function fire() {
  rest();
  const digits = burst.digits;
  burst = { digits: "", letters: 0, last: -1000 };
  enterRestsUntil = performance.now() + ENTER_REST;
  checkCode(digits);
}

function onEnter(event, fast) {
  if ((burst.digits.length >= 8 && fast) || gunTimer) {
    event.preventDefault();
    event.stopPropagation();
    fire();
    return;
  }
  if (event.repeat || performance.now() < enterRestsUntil) {
    event.preventDefault();
    return;
  }
  const form = redeemForm();
  if (event.target === field) {
    const shown = answer.querySelector("[data-answer]")?.dataset.code;
    if (form && shown && shown === digitsOf(field.value)) {
      event.preventDefault();
      form.requestSubmit();
    }
  } else if (event.target === document.body && form) {
    event.preventDefault();
    form.requestSubmit();
  }
}

function isTyping(target) {
  return target.matches?.("input:not([type=radio]), textarea, select");
}

function chooseCount(digit) {
  const radio = answer.querySelector(`#count-${digit}`);
  if (!radio) return;
  radio.checked = true;
  labelRedeem();
}

function labelRedeem() {
  const form = redeemForm();
  const label = form?.querySelector("[data-one]");
  if (!label) return;
  const count = Number(new FormData(form).get("count") || 1);
  label.textContent = count === 1 ? label.dataset.one : label.dataset.many.replace("{n}", String(count));
}

counter.addEventListener("change", (event) => {
  if (event.target.name === "count") labelRedeem();
});
counter.addEventListener("input", (event) => {
  if (event.target.name === "count") labelRedeem();
});

// --- requests and answers ------------------------------------------------------------------------------------------

counter.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id === "today") return;
  const waiting = readPending() && event.target.id !== "redeem-form";
  if (waiting || (locked && event.target === checkForm)) {
    // First the missing answer: the next coupon must not put it out of sight.
    event.preventDefault();
    playRefusal();
    if (waiting) showPending();
    return;
  }
  clearTimeout(clearTimer);
  if (event.target.id === "redeem-form") keepPending(Object.fromEntries(new FormData(event.target)));
});

// A refusal comes with its own status (404, 409, 429 …) and is an answer all the same.
counter.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.getResponseHeader("Counter-Answer")) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

counter.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target !== answer) return;
  if (event.detail.requestConfig.elt.id === "redeem-form") dropPending();
  receive();
});

for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  counter.addEventListener(name, (event) => {
    event.stopPropagation(); // the shell would say that nothing was changed, which nobody knows here
    if (event.target.id === "today") return;
    noAnswer(event.target, event.detail.xhr?.status ?? 0);
  });
}

function receive() {
  const shown = answer.querySelector("[data-answer]");
  if (!shown) return;
  clearTimeout(clearTimer);
  answer.scrollIntoView({ block: "nearest" });
  switch (shown.dataset.answer) {
    case "card":
      playTick();
      labelRedeem();
      answer.querySelector("#redeem-button")?.focus({ preventScroll: false });
      break;
    case "undo":
      answer.querySelector("[data-clear]")?.focus();
      break;
    case "done":
    case "undone":
      playSuccess();
      navigator.vibrate?.(80);
      field.value = "";
      focusField();
      clearTimer = setTimeout(clear, DONE_STAYS);
      htmx.trigger(document.body, "today-changed");
      break;
    default:
      playRefusal();
      navigator.vibrate?.([70, 60, 70]);
      if (shown.dataset.answer === "refused") htmx.trigger(document.body, "today-changed");
      if (shown.querySelector("[data-lock]")) lock();
      focusField();
      field.select();
  }
}

function lock() {
  locked = true;
  checkButton.disabled = true;
}

counter.addEventListener("countdown:over", (event) => {
  event.target.closest(".undo-form")?.remove();
  if (!event.target.closest("[data-lock]") && !event.target.matches("[data-lock]")) return;
  locked = false;
  checkButton.disabled = false;
  clear();
});

counter.addEventListener("click", (event) => {
  if (event.target.closest("[data-clear]")) {
    event.preventDefault();
    clear();
  }
});

function noAnswer(form, status) {
  playRefusal();
  navigator.vibrate?.([70, 60, 70]);
  const outdated = status === 403;
  if (form.id === "redeem-form" && !outdated) {
    showPending();
    return;
  }
  const note = document.createElement("div");
  note.className = "answer answer-wait";
  note.dataset.answer = "lost";
  note.setAttribute("role", "alert");
  const body = document.createElement("div");
  body.className = "card-body";
  for (const [css, text] of [
    ["answer-head", outdated ? say.sayRefresh : say.sayNoAnswer],
    ["answer-line", outdated ? "" : form.id === "undo-form" ? say.sayUndoAgain : say.sayCheckAgain],
  ]) {
    const line = document.createElement("p");
    line.className = css;
    line.textContent = text;
    if (text) body.append(line);
  }
  note.append(body);
  if (form.id === "undo-form") {
    answer.querySelector('[data-answer="lost"]')?.remove();
    answer.append(note); // the question stays, so that it can be answered again
  } else {
    answer.replaceChildren(note);
  }
}

// --- an attempt whose answer is missing ------------------------------------------------------------------------------

function keepPending(fields) {
  const { code, count, attempt_key } = fields;
  const kept = { fields: { code, count, attempt_key }, counter: say.counter, at: Date.now() };
  sessionStorage.setItem(PENDING, JSON.stringify(kept));
}

// The fields to send again; another person or store at this device sends nothing of it.
function readPending() {
  const kept = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  if (!kept) return null;
  if (kept.counter === say.counter && Date.now() - kept.at < PENDING_STAYS) return kept.fields;
  dropPending();
  return null;
}

function dropPending() {
  sessionStorage.removeItem(PENDING);
}

function showPending() {
  const pending = readPending();
  if (!pending) return;
  const copy = document.getElementById("no-answer").content.cloneNode(true);
  for (const [name, value] of Object.entries(pending)) copy.querySelector(`[name="${name}"]`).value = value;
  copy.querySelector("[data-code-shown]").textContent = grouped(pending.code);
  copy.querySelector("[data-answer]").dataset.code = pending.code;
  answer.replaceChildren(copy);
  htmx.process(answer);
  setCode(pending.code);
  answer.querySelector("#redeem-button").focus();
}

// --- connection --------------------------------------------------------------------------------------------------------

const connection = document.getElementById("connection");
const offlineBar = document.getElementById("offline-bar");

function showConnection() {
  const online = navigator.onLine;
  offlineBar.hidden = online;
  connection.textContent = online ? connection.dataset.online : connection.dataset.offline;
  connection.className = `st ${online ? "st-ok" : "st-warn"}`;
}

window.addEventListener("online", showConnection);
window.addEventListener("offline", showConnection);

// --- camera ------------------------------------------------------------------------------------------------------------

let camera = null;

async function toggleCamera() {
  if (!camera) {
    const module = await import(say.scannerUrl);
    camera ??= module.makeCamera({
      panel: document.getElementById("camera"),
      button: cameraButton,
      readerUrl: say.readerUrl,
      wasmUrl: say.wasmUrl,
      onText(text) {
        const digits = digitsOf(text);
        if (digits.length !== DIGITS || digits !== text.trim()) {
          showHint(say.sayForeign);
          return false;
        }
        checkCode(digits);
        return true;
      },
    });
  }
  camera.toggle();
}

cameraButton.hidden = false;
cameraButton.addEventListener("click", toggleCamera);

showConnection();
regroup();
if (readPending()) showPending();
else if (answer.querySelector("[data-answer]")) receive();
else focusField();
