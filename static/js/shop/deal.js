// Buying: one press, one order. The key of a press is kept until its answer came, so a press that was sent twice
// (a lost answer, a sign-in in between) still makes one order.
import { call, clearError, finishSignIn, freshKey, isSignedIn, shop, showError, signIn, words } from "./api.js";
import { money } from "./show.js";

const form = document.getElementById("buy");
if (form) {
  const quantity = form.elements.quantity;
  const WISH = `tongdao.wish.${form.dataset.deal}`;
  // The link the customer came by: pieces may be set aside for it.
  const from = new URLSearchParams(location.search).get("from");
  const more = from ? { placement: from } : {};

  for (const button of form.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => {
      const wanted = Number(quantity.value || 0) + Number(button.dataset.step);
      quantity.value = Math.min(Number(quantity.max), Math.max(1, wanted));
      showTotal();
    });
  }
  quantity.addEventListener("input", showTotal);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    buy();
  });

  function showTotal() {
    const count = Number(quantity.value);
    const valid = quantity.validity.valid && count > 0;
    document.getElementById("total").textContent = valid ? money(count * Number(form.dataset.price), words.currency) : "";
  }

  async function buy() {
    clearError();
    const count = Number(quantity.value);
    let wish = JSON.parse(sessionStorage.getItem(WISH) ?? "null");
    if (wish?.quantity !== count) wish = { quantity: count, key: freshKey() };
    sessionStorage.setItem(WISH, JSON.stringify({ ...wish, waiting: !isSignedIn() }));
    if (!isSignedIn()) return signIn();
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    try {
      const order = await call("POST", "orders/", {
        body: { merchant: shop.dataset.shop, deal_id: form.dataset.deal, quantity: count, ...more },
        key: wish.key,
      });
      sessionStorage.removeItem(WISH);
      if (order.waiting) return waitFor(order.waiting, wish);
      location.assign(`${shop.dataset.orders}${order.id}/`);
    } catch (error) {
      if (error.status === 401) return signIn();
      if (error.status > 0 && error.status < 500) sessionStorage.removeItem(WISH);
      showError(error, error.status === 0 || error.status >= 500 ? buy : undefined);
    } finally {
      button.disabled = false;
    }
  }

  // Nothing is ordered yet. A second tab takes over the first one's key: it has the same place, and they make one order.
  function waitFor(place, wish) {
    const WAIT = `tongdao.wait.${form.dataset.deal}`;
    const known = JSON.parse(localStorage.getItem(WAIT) ?? "null");
    if (known?.quantity !== wish.quantity) localStorage.setItem(WAIT, JSON.stringify({ ...wish, more }));
    location.assign(form.dataset.waiting.replace("TICKET", place.ticket));
  }

  // Back from signing in: go on with what was pressed.
  try {
    const cameBack = await finishSignIn();
    const wish = JSON.parse(sessionStorage.getItem(WISH) ?? "null");
    if (wish) quantity.value = wish.quantity;
    showTotal();
    if (cameBack && wish?.waiting) buy();
  } catch (error) {
    showError(error);
  }
}
