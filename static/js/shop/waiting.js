// The waiting room: asks for the place as often as the server says, and orders by itself when the turn has come.
import { call, freshKey, isSignedIn, shop, showError, words } from "./api.js";
import { showIf, slot } from "./show.js";

const root = document.getElementById("waiting");
const WISH = `tongdao.wait.${root.dataset.deal}`;
const STATES = ["waiting", "turn", "gone", "refused"];
const AGAIN_SECONDS = 5;
const opened = performance.now();
let ticket = root.dataset.ticket;
let timer;

function show(state) {
  root.dataset.state = state;
  for (const one of STATES) showIf(root, one, one === state);
}

// Rounded up: who is told two minutes has his turn within two minutes.
function about(seconds) {
  if (seconds > 90) return words.about_minutes.replace("{count}", Math.ceil(seconds / 60));
  return words.about_seconds.replace("{count}", Math.ceil(seconds / 5) * 5);
}

function showPlace(place) {
  const waited = Number(root.dataset.waited) + (performance.now() - opened) / 1000;
  slot(root, "position", place.position);
  slot(root, "about", about(place.seconds));
  document.getElementById("progress").value = Math.round((100 * waited) / (waited + place.seconds));
  show("waiting");
}

function askIn(seconds) {
  clearTimeout(timer);
  // A crowd that was answered in the same moment does not ask in the same moment.
  timer = setTimeout(ask, seconds * 1000 + Math.random() * 500);
}

async function ask() {
  clearTimeout(timer);
  let place;
  try {
    place = await call("GET", `waiting/${ticket}/`);
  } catch (error) {
    if (error.status === 0 || error.status >= 500) return askIn(AGAIN_SECONDS);
    return refuse(error);
  }
  ticket = place.ticket;
  if (place.state === "waiting") {
    showPlace(place);
    askIn(place.poll_after_seconds);
  } else if (place.state === "turn") {
    takeTurn();
  } else {
    localStorage.removeItem(WISH);
    show("gone");
  }
}

// The same key in every tab of this customer: however many pages see the turn, one order is placed.
async function takeTurn() {
  const wish = JSON.parse(localStorage.getItem(WISH) ?? "null");
  show("turn");
  if (!wish || !isSignedIn()) return;
  document.getElementById("ordering").hidden = false;
  slot(root, "turn", "");
  try {
    const answer = await call("POST", "orders/", {
      body: { merchant: shop.dataset.shop, deal_id: root.dataset.deal, quantity: wish.quantity, ...wish.more },
      key: wish.key ?? freshKey(),
    });
    if (answer.waiting) {
      ticket = answer.waiting.ticket;
      history.replaceState(null, "", root.dataset.here.replace("TICKET", ticket));
      showPlace(answer.waiting);
      return askIn(answer.waiting.poll_after_seconds);
    }
    localStorage.removeItem(WISH);
    location.replace(`${shop.dataset.orders}${answer.id}/`);
  } catch (error) {
    if (error.status === 0 || error.status >= 500) return showError(error, takeTurn);
    refuse(error);
  } finally {
    document.getElementById("ordering").hidden = true;
  }
}

function refuse(error) {
  localStorage.removeItem(WISH);
  slot(root, "refused", error.message);
  slot(root, "next", error.nextStep ?? "");
  show("refused");
}

if (root.dataset.state === "waiting") askIn(Number(root.dataset.poll));
if (root.dataset.state === "turn") takeTurn();
// A page that slept asks as soon as somebody looks at it.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && root.dataset.state === "waiting") ask();
});
