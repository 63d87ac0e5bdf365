// Fills what the server rendered with what the API answered. Only textContent: nothing from outside becomes markup.
import { words } from "./api.js";

const SYMBOLS = { CNY: "¥", USD: "US$", EUR: "€", GBP: "£", HKD: "HK$" };
const KINDS = {
  created: "warn", paid: "ok", completed: "ok", closed: "idle",
  issued: "ok", redeemed: "idle", refund_locked: "warn", refunded: "idle", expired: "idle", voided: "bad",
};

export function money(fen, currency) {
  const symbol = SYMBOLS[currency] ?? `${currency} `;
  const yuan = Math.floor(fen / 100).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  const rest = fen % 100;
  return rest ? `${symbol}${yuan}.${String(rest).padStart(2, "0")}` : `${symbol}${yuan}`;
}

// "2026-11-21T18:42:00+08:00" is shown as the shop's clock has it.
export function moment(text) {
  return text ? `${text.slice(0, 10)} ${text.slice(11, 16)}` : "";
}

// Valid until just before midnight of the 23rd means: the 22nd is the last day.
export function lastDay(text) {
  if (text.slice(11, 19) !== "00:00:00") return moment(text);
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() - 1);
  return day.toISOString().slice(0, 10);
}

export function groupedCode(code) {
  return code.replace(/(.{4})(?=.)/g, "$1 ");
}

export function slot(root, name, text) {
  for (const element of root.querySelectorAll(`[data-slot="${name}"]`)) element.textContent = text;
}

export function state(root, name, value) {
  for (const element of root.querySelectorAll(`[data-slot="${name}"]`)) {
    element.textContent = words.states[value] ?? value;
    element.className = `st st-${KINDS[value] ?? "idle"}`;
  }
}

export function showIf(root, name, condition) {
  for (const element of root.querySelectorAll(`[data-if="${name}"]`)) element.hidden = !condition;
}

export function link(root, name, href) {
  for (const element of root.querySelectorAll(`[data-slot="${name}"]`)) element.href = href;
}

export function clone(id) {
  return document.getElementById(id).content.cloneNode(true);
}

export function list(id, sentences) {
  document.getElementById(id).replaceChildren(
    ...sentences.map((sentence) => {
      const item = document.createElement("li");
      item.textContent = sentence;
      return item;
    }),
  );
}

// A list in pages: rows are added, "more" appears while there is a next page.
export function pages(call, path, addRow) {
  const more = document.getElementById("more");
  const rows = document.getElementById("rows");
  let next = path;
  async function load() {
    const answer = await call("GET", next);
    for (const row of answer.results) rows.append(addRow(row));
    next = answer.next ? answer.next.split("/api/v1/")[1] : null;
    more.hidden = !next;
    document.getElementById("empty").hidden = rows.children.length > 0;
  }
  return { load, more };
}
