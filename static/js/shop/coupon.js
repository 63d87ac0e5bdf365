import { call, clearError, openOwnPage, shop, showError, words } from "./api.js";
import { clone, groupedCode, lastDay, link, list, moment, money, showIf, slot, state } from "./show.js";

const root = document.getElementById("coupon");
const id = root.dataset.coupon;
const LOOK_AGAIN_MS = 4000;
const REFUND_KINDS = { requested: "warn", approved: "info", failed: "info", paid_out: "ok", rejected: "bad" };
let timer;
let asked;

async function load() {
  show(await call("GET", `coupons/${id}/`));
}

function show(coupon) {
  const usable = coupon.state === "issued";
  slot(root, "title", coupon.deal_title);
  state(root, "state", coupon.state);
  showIf(root, "usable", usable);
  slot(root, "code", groupedCode(coupon.code));
  const qr = document.getElementById("qr");
  const drawing = `data:image/svg+xml,${encodeURIComponent(coupon.qr_svg)}`;
  if (usable && qr.src !== drawing) qr.src = drawing;
  showIf(root, "uses_left", usable && coupon.uses_total > 1);
  slot(root, "uses", `${coupon.uses_left} / ${coupon.uses_total}`);
  slot(root, "from", moment(coupon.valid_from).replace(" 00:00", ""));
  slot(root, "until", lastDay(coupon.valid_until));
  slot(root, "price", money(coupon.price_fen, coupon.currency));
  slot(document, "back", money(coupon.price_fen, coupon.currency));
  list("rules", coupon.rules);
  showIf(root, "used", coupon.uses.length > 0);
  document.getElementById("uses").replaceChildren(...coupon.uses.map((use) => useRow(use, coupon.currency)));
  document.getElementById("stores").replaceChildren(
    ...coupon.stores.map((store) => {
      const row = clone("store-row");
      slot(row, "name", store.name);
      slot(row, "address", store.address ? `${store.city}${store.district}${store.address}` : "");
      return row;
    }),
  );
  showIf(root, "refund", Boolean(coupon.refund));
  if (coupon.refund) {
    slot(root, "refund", `${words.refund_states[coupon.refund.state]} · ${money(coupon.refund.amount_fen, coupon.currency)}`);
    const said = coupon.refund.recall_words ? words.shop_said.replace("{words}", coupon.refund.recall_words) : "";
    slot(root, "refund_next", `${words.paid_back_to_you} ${said}`);
  }
  showIf(root, "refundable", coupon.refundable);
  link(root, "order", `${shop.dataset.orders}${coupon.order_id}/`);
  root.hidden = false;
  // The clerk redeems it on another screen; this one says so by itself.
  clearTimeout(timer);
  const moves = coupon.uses.some((use) => use.refund && ["requested", "approved", "failed"].includes(use.refund.state));
  if (usable || moves || coupon.state === "refund_locked") lookLater();
}

// A use, whether its money may be asked for, and what became of asking.
function useRow(use, currency) {
  const row = clone("use-row");
  const { refund } = use;
  slot(row, "when", moment(use.redeemed_at));
  slot(row, "store", use.store);
  slot(row, "use_price", money(use.price_fen, currency));
  showIf(row, "undo", !refund && new Date(use.undo_until) > new Date());
  slot(row, "undo", words.undo_until.replace("{time}", moment(use.undo_until)));
  showIf(row, "use_refund", Boolean(refund));
  showIf(row, "use_refundable", use.refundable);
  if (refund) {
    const badge = row.querySelector('[data-slot="refund_state"]');
    badge.textContent = words.refund_states[refund.state];
    badge.className = `st st-${REFUND_KINDS[refund.state]}`;
    slot(row, "refund_amount", money(refund.amount_fen, currency));
    slot(row, "use_next", nextOf(refund));
  }
  row.querySelector("[data-ask]").addEventListener("click", () => ask(use, currency));
  return row;
}

function nextOf(refund) {
  const said = refund.decision_reason ? words.shop_said.replace("{words}", refund.decision_reason) : "";
  if (refund.state === "requested") return words.answer_until.replace("{time}", moment(refund.review_due_at));
  if (refund.state === "rejected") return said;
  return `${words.paid_back_to_you} ${said}`;
}

function ask(use, currency) {
  asked = use.id;
  slot(document.getElementById("ask-back"), "asked", money(use.price_fen, currency));
  document.getElementById("ask-back").showModal();
}

async function sendAsk(event) {
  event.preventDefault();
  const button = event.target.querySelector("[type=submit]");
  if (button.disabled) return;
  button.disabled = true;
  const body = { cause: document.getElementById("cause").value, words: document.getElementById("ask-words").value };
  document.getElementById("ask-back").close();
  clearError();
  try {
    await call("POST", `uses/${asked}/refund/`, { body });
  } catch (error) {
    showError(error);
  } finally {
    button.disabled = false;
  }
  load().catch(() => {});
}

function lookLater() {
  timer = setTimeout(lookAgain, LOOK_AGAIN_MS);
}

function lookAgain() {
  if (document.hidden) lookLater();
  else load().catch(lookLater);
}

async function refund() {
  document.getElementById("give-back").close();
  clearError();
  try {
    show(await call("POST", `coupons/${id}/refund/`));
  } catch (error) {
    showError(error);
    load().catch(() => {});
  }
}

document.getElementById("ask-form").addEventListener("submit", sendAsk);
document.getElementById("refund-now").addEventListener("click", refund);
openOwnPage(load);
