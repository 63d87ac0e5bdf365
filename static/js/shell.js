// Every page: theme switch, htmx, messages, confirmations, countdowns, keys.
import { startCountdowns } from "./countdown.js";
import { dismissLater, showToast } from "./toasts.js";

// htmx sends Django's CSRF token with every request that changes something.
document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector('meta[name="csrf-token"]')?.content;
  if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token;
});
// A failed request says so and keeps what was typed.
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => showToast(document.body.dataset.requestFailed, "bad"));
}
// Views say {"toast": {"text": …, "kind": "ok"}} in HX-Trigger.
document.addEventListener("toast", (event) => showToast(event.detail.text, event.detail.kind));
document.addEventListener("htmx:load", (event) => startCountdowns(event.target));

// Theme: the form posts without JavaScript; with it the page changes at once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-theme-form]") && event.submitter) {
    event.preventDefault();
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${event.submitter.value}; path=/; max-age=31536000; SameSite=Lax${secure}`;
    document.dispatchEvent(new Event("theme:changed"));
    markTheme();
    return;
  }
  // A second click must not send a form twice.
  if (form.method === "post" && !form.hasAttribute("data-repeatable") && !event.defaultPrevented) {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  }
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

function markTheme() {
  const choice = document.documentElement.dataset.themeChoice;
  for (const button of document.querySelectorAll("[data-theme-form] button")) {
    button.setAttribute("aria-pressed", String(button.value === choice));
  }
}

// <button data-dialog="id"> opens <dialog id="id"> (components/confirm.html); [data-close] closes it.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.dialog)?.showModal();
  }
  if (event.target.closest("[data-close]")) event.target.closest("dialog, .note")?.[
    event.target.closest("dialog") ? "close" : "remove"
  ]();
  const copier = event.target.closest("[data-copy]");
  if (copier) {
    navigator.clipboard?.writeText(copier.dataset.copy).then(() => showToast(copier.dataset.copied, "ok"));
  }
  if (event.target.closest("[data-print]")) window.print();
});
// Filters apply when changed; their button stays for readers without JavaScript.
document.addEventListener("change", (event) => {
  if (event.target.closest("[data-autosubmit]")) event.target.form.requestSubmit();
});

// "/" goes to the search field, Ctrl/⌘ S saves, unless an input method is composing.
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.key === "Process") return;
  if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
    const button = document.querySelector("[data-key-save]");
    if (button) {
      event.preventDefault();
      button.click();
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  // A letter presses the [data-key] that bears it, while no question is open.
  const named = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (named && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    named.click();
    return;
  }
  if (event.key === "/") {
    const search = document.querySelector("[data-key-search], input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  }
});

// A question the server opened (an answer was not right) is asked as one, in front of the page.
for (const question of document.querySelectorAll("dialog[open][data-question]")) {
  question.close();
  question.showModal();
}

markTheme();
startCountdowns(document);
dismissLater(document);
