// <button data-copy="text"> puts the text on the clipboard and says so.
(() => {
  async function put(text) {
    if (navigator.clipboard && window.isSecureContext) {
      await navigator.clipboard.writeText(text);
      return;
    }
    // Plain http on another host than localhost: the old way, through a field.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const before = button.getAttribute("aria-label");
    try {
      await put(button.dataset.copy);
      button.classList.add("is-copied");
      button.setAttribute("aria-label", "Copied");
    } catch {
      button.setAttribute("aria-label", "Copying failed: select the text instead");
    }
    setTimeout(() => {
      button.classList.remove("is-copied");
      if (before) button.setAttribute("aria-label", before);
    }, 1600);
  });
})();
