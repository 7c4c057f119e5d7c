// Light, dark or as the system says. Loaded in the head, before anything is painted.
(() => {
  const KEY = "ombud-theme";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;

  function remembered() {
    try {
      return localStorage.getItem(KEY) || "system";
    } catch {
      return "system"; // storage is forbidden: follow the system
    }
  }

  function remember(choice) {
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // the choice then lasts for this page
    }
  }

  function paint(theme) {
    root.setAttribute("data-bs-theme", theme);
    document.dispatchEvent(new CustomEvent("ombud:theme", { detail: { theme } }));
  }

  function show(choice) {
    paint(choice === "system" ? (dark.matches ? "dark" : "light") : choice);
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
  }

  show(remembered());
  root.classList.add("js");
  dark.addEventListener("change", () => show(remembered()));
  document.addEventListener("DOMContentLoaded", () => show(remembered()));
  window.addEventListener("beforeprint", () => paint("light")); // paper is white
  window.addEventListener("afterprint", () => show(remembered()));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    remember(button.dataset.themeChoice);
    show(button.dataset.themeChoice);
  });
})();
