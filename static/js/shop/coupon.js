import { call, clearError, openOwnPage, shop, showError, words } from "./api.js";
import { clone, groupedCode, lastDay, link, list, moment, money, showIf, slot, state } from "./show.js";

const root = document.getElementById("coupon");
const id = root.dataset.coupon;
const LOOK_AGAIN_MS = 4000;
let timer;

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
  list("uses", coupon.uses.map((use) => `${moment(use.redeemed_at)} · ${use.store}`));
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
  }
  showIf(root, "refundable", coupon.refundable);
  link(root, "order", `${shop.dataset.orders}${coupon.order_id}/`);
  root.hidden = false;
  // The clerk redeems it on another screen; this one says so by itself.
  clearTimeout(timer);
  if (usable || coupon.state === "refund_locked") lookLater();
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

document.getElementById("refund-now").addEventListener("click", refund);
openOwnPage(load);
