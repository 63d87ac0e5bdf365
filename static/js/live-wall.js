// The wall asks for its figures every five seconds and shows them whole, as the server wrote them. When none came for
// more than thirty seconds it dims and says for how long; the last figures stay. F: full screen.
const EVERY_MS = 5_000;
const STALE_MS = 30_000;

const wall = document.querySelector("[data-wall]");
const figures = document.getElementById("wall-figures");
const canvas = document.getElementById("wall-canvas");
const staleNote = document.getElementById("wall-stale");
const age = document.getElementById("wall-age");
const time = document.getElementById("wall-time");
let tag = "";
let last = performance.now() - Number(wall.dataset.age) * 1000;
let asking = false;

function clock(seconds) {
  const pad = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  return `${hours ? `${hours}:` : ""}${pad(Math.floor((seconds % 3600) / 60))}:${pad(seconds % 60)}`;
}

function tick() {
  const waited = performance.now() - last;
  const stale = waited > STALE_MS;
  wall.classList.toggle("is-stale", stale);
  staleNote.hidden = !stale;
  if (stale) age.textContent = clock(Math.floor(waited / 1000));
  const since = figures.querySelector("[data-since]");
  if (since) since.textContent = clock(Math.max(0, Math.floor((Date.now() - Date.parse(since.dataset.since)) / 1000)));
}

// `aged`: for how many seconds the server has had these figures.
function arrived(aged) {
  last = performance.now() - aged * 1000;
  const now = new Date(Date.now() - aged * 1000);
  time.dateTime = now.toISOString();
  time.textContent = now.toTimeString().slice(0, 8);
  tick();
}

async function ask() {
  if (asking) return;
  asking = true;
  try {
    // A redirect is the sign-in page: no figures.
    const answer = await fetch(wall.dataset.wall, {
      headers: tag ? { "If-None-Match": tag } : {},
      redirect: "error",
      cache: "no-store",
      signal: AbortSignal.timeout(EVERY_MS * 2),
    });
    const aged = Number(answer.headers.get("Age") ?? 0);
    if (answer.status === 304) return arrived(aged);
    if (!answer.ok) return;
    figures.innerHTML = await answer.text();
    tag = answer.headers.get("ETag") ?? "";
    const data = JSON.parse(document.getElementById("wall-curve").textContent);
    canvas.dispatchEvent(new CustomEvent("chart:changed", { bubbles: true, detail: data }));
    arrived(aged);
  } catch {
    // No answer: tick() says since when.
  } finally {
    asking = false;
  }
}

function toggleFull() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}

document.getElementById("wall-full").addEventListener("click", toggleFull);
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.key === "Process" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.toLowerCase() === "f") toggleFull();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) ask();
});
setInterval(ask, EVERY_MS);
setInterval(tick, 1_000);
tick();
