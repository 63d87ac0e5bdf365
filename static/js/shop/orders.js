import { startCountdowns } from "../countdown.js";
import { call, openOwnPage, shop, showError } from "./api.js";
import { clone, link, moment, money, pages, slot, state } from "./show.js";

const list = pages(call, `orders/?page_size=20&merchant=${shop.dataset.shop}`, (order) => {
  const row = clone("row");
  slot(row, "title", `${order.deal_title} ×${order.quantity}`);
  slot(row, "amount", money(order.total_fen, order.currency));
  slot(row, "meta", `${moment(order.placed_at)}`);
  state(row, "state", order.state);
  link(row, "link", `${shop.dataset.orders}${order.id}/`);
  if (order.state === "created") {
    row.querySelector('[data-slot="closing"]').hidden = false;
    row.querySelector('[data-slot="left"]').dataset.secondsLeft = order.seconds_left;
  }
  return row;
});

async function load() {
  await list.load();
  startCountdowns(document);
}

list.more.addEventListener("click", () => load().catch((error) => showError(error)));
openOwnPage(load);
