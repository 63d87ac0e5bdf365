import { call, openOwnPage, shop, showError, words } from "./api.js";
import { clone, lastDay, link, pages, slot, state } from "./show.js";

const wanted = document.getElementById("rows").dataset.state;
const list = pages(call, `coupons/?page_size=20&merchant=${shop.dataset.shop}${wanted ? `&state=${wanted}` : ""}`, (coupon) => {
  const row = clone("row");
  slot(row, "title", coupon.deal_title);
  state(row, "state", coupon.state);
  slot(row, "code", coupon.code_masked);
  slot(row, "uses", coupon.uses_total > 1 ? words.uses.replace("{left}", coupon.uses_left).replace("{total}", coupon.uses_total) : "");
  slot(row, "until", lastDay(coupon.valid_until));
  link(row, "link", `${shop.dataset.coupons}${coupon.id}/`);
  return row;
});

list.more.addEventListener("click", () => list.load().catch((error) => showError(error)));
openOwnPage(list.load);
