// The frame around every page: drawer on small screens, menus that close, keys.
// Everything here is reachable without it: the drawer opens by its #fragment, menus are <details>.
(() => {
  const drawer = document.getElementById("sidebar");

  function openDrawer() {
    drawer.classList.add("is-open");
    document.body.classList.add("ob-locked");
    drawer.querySelector("a, button, summary")?.focus();
  }

  function closeDrawer() {
    if (!drawer.classList.contains("is-open")) return;
    drawer.classList.remove("is-open");
    document.body.classList.remove("ob-locked");
    document.querySelector("[data-drawer=open]")?.focus();
  }

  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.ob-menu[open]")) {
      if (menu !== except) menu.open = false;
    }
  }

  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("details.ob-menu"));
    const control = event.target.closest("[data-drawer]");
    if (control && drawer) {
      event.preventDefault();
      (control.dataset.drawer === "open" ? openDrawer : closeDrawer)();
    }
    if (event.target.closest("[data-print]")) window.print();
    const notice = event.target.closest("[data-dismiss]")?.closest(".ob-notice");
    notice?.remove();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      closeMenus();
      if (drawer) closeDrawer();
    }
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      const search = document.querySelector(".ob-search input");
      if (search) {
        event.preventDefault();
        search.focus();
      }
    }
  });

  // A filter form sends itself when a choice in it changes.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-autosubmit]");
    if (form && event.target.matches("select, input[type=checkbox], input[type=radio]")) {
      form.requestSubmit();
    }
  });
})();
