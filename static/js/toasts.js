// Short notices in the corner. Successes leave by themselves; errors stay until closed.
const LEAVES_AFTER = 6000;

export function showToast(text, kind = "ok") {
  const corner = document.getElementById("toasts");
  if (!corner || !text) return;
  const toast = document.createElement("div");
  toast.className = `note note-${kind}`;
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn-close ms-auto";
  close.dataset.close = "";
  close.setAttribute("aria-label", corner.dataset.closeLabel);
  toast.append(words, close);
  corner.append(toast);
  if (kind === "ok") setTimeout(() => toast.remove(), LEAVES_AFTER);
}

export function dismissLater(root) {
  for (const note of root.querySelectorAll(".note[data-leaves]")) setTimeout(() => note.remove(), LEAVES_AFTER);
}
