// <span data-seconds-left="3540">59:00</span> counts down; the server's figure is used, not the machine's clock.
const running = new WeakSet();

export function startCountdowns(root) {
  const found = [...(root.querySelectorAll?.("[data-seconds-left]") ?? [])];
  if (root.matches?.("[data-seconds-left]")) found.push(root);
  for (const element of found) {
    if (running.has(element)) continue;
    running.add(element);
    const ends = performance.now() + Number(element.dataset.secondsLeft) * 1000;
    const timer = setInterval(tick, 1000);
    function tick() {
      const left = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
      element.textContent = clock(left);
      if (left === 0 || !element.isConnected) clearInterval(timer);
      if (left === 0) element.dispatchEvent(new CustomEvent("countdown:over", { bubbles: true }));
    }
    tick();
  }
}

function clock(seconds) {
  const pad = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${pad(Math.floor((seconds % 3600) / 60))}:${pad(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}
