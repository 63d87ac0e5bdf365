// Runs in <head> before the first paint: "system" follows the machine, a fixed choice wins.
(function () {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  function apply() {
    const match = document.cookie.match(/(?:^|; )theme=(light|dark|system)/);
    const choice = match ? match[1] : "system";
    const theme = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
    root.dataset.themeChoice = choice;
    if (root.dataset.bsTheme !== theme) root.dataset.bsTheme = theme;
  }
  apply();
  dark.addEventListener("change", apply);
  document.addEventListener("theme:changed", apply);
})();
