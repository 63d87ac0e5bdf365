import { startCountdowns } from "../countdown.js";
import { call, clearError, openOwnPage, shop, showError } from "./api.js";
import { clone, link, list, moment, money, showIf, slot, state } from "./show.js";

const root = document.getElementById("order");
const id = root.dataset.order;
const PAYING = `tongdao.paying.${id}`;
const ASK_AGAIN_MS = 1500;
const ASK_FOR_MS = 120_000;
let askUntil = 0;
let counted = false;
let timer;

async function load() {
  show(await call("GET", `orders/${id}/`));
}

function show(order) {
  const open = order.state === "created";
  const paying = sessionStorage.getItem(PAYING);
  slot(root, "title", order.deal_title);
  state(root, "state", order.state);
  slot(root, "amount", money(order.total_fen, order.currency));
  slot(root, "due", money(order.total_fen, order.currency));
  slot(root, "quantity", order.quantity);
  slot(root, "placed", moment(order.placed_at));
  slot(root, "paid", moment(order.paid_at));
  slot(root, "closed", moment(order.closed_at));
  slot(root, "refunded", money(order.refunded_fen, order.currency));
  slot(root, "number", order.id);
  list("rules", order.rules);
  showIf(root, "open", open);
  showIf(root, "paid", Boolean(order.paid_at));
  showIf(root, "closed", Boolean(order.closed_at));
  showIf(root, "refunded", order.refunded_fen > 0);
  showIf(root, "waiting", open && Boolean(paying));
  showIf(root, "fresh", order.state === "paid" && Boolean(paying));
  showIf(root, "coupons", order.coupons.length > 0);
  document.getElementById("coupons").replaceChildren(
    ...order.coupons.map((coupon) => {
      const row = clone("coupon-row");
      slot(row, "code", coupon.code_masked);
      state(row, "state", coupon.state);
      link(row, "link", `${shop.dataset.coupons}${coupon.id}/`);
      return row;
    }),
  );
  root.hidden = false;
  if (open && !counted) {
    counted = true;
    document.getElementById("left").dataset.secondsLeft = order.seconds_left;
    startCountdowns(root);
  }
  if (open && paying) askAgain();
  if (!open) sessionStorage.removeItem(PAYING);
}

// The provider tells our server, not this page; so the page asks, for two minutes.
function askAgain() {
  if (!askUntil) askUntil = Date.now() + ASK_FOR_MS;
  clearTimeout(timer);
  if (Date.now() < askUntil) timer = setTimeout(() => load().catch(askAgain), ASK_AGAIN_MS);
}

async function pay() {
  clearError();
  try {
    const { pay_url } = await call("POST", `orders/${id}/payment/`, { body: { return_url: location.href } });
    sessionStorage.setItem(PAYING, "1");
    location.assign(pay_url);
  } catch (error) {
    showError(error, pay);
    load().catch(() => {});
  }
}

async function cancel() {
  document.getElementById("cancel").close();
  clearError();
  try {
    show(await call("POST", `orders/${id}/cancellation/`));
  } catch (error) {
    showError(error);
    load().catch(() => {});
  }
}

document.getElementById("pay").addEventListener("click", pay);
document.getElementById("cancel-now").addEventListener("click", cancel);
root.addEventListener("countdown:over", () => setTimeout(() => load().catch(() => {}), ASK_AGAIN_MS));
openOwnPage(load);
