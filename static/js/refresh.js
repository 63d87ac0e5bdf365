// R presses the page's [data-key-refresh], unless somebody types or an input method composes.
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.key === "Process" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.toLowerCase() !== "r" || event.target.closest("input, textarea, select, [contenteditable]")) return;
  const button = document.querySelector("[data-key-refresh]");
  if (button) {
    event.preventDefault();
    button.click();
  }
});
