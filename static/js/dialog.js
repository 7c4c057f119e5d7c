// Native dialogs.
//   <a href="/page" data-dialog="id">   opens <dialog id="id">; without JavaScript it goes to /page
//   <button data-dialog-close>          closes the dialog around it
//   <dialog data-dialog-open>           opens when the page arrives (a form came back with errors)
// Answers of htmx may bring dialogs too.
(() => {
  function open(dialog) {
    if (!dialog.open) dialog.showModal();
  }

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialog);
      if (dialog) {
        event.preventDefault();
        open(dialog);
      }
      return;
    }
    const closer = event.target.closest("[data-dialog-close]");
    if (closer) {
      event.preventDefault();
      closer.closest("dialog")?.close();
    } else if (event.target instanceof HTMLDialogElement) {
      event.target.close(); // the backdrop
    }
  });

  function openMarked(root) {
    root.querySelectorAll("dialog[data-dialog-open]").forEach(open);
  }

  document.addEventListener("DOMContentLoaded", () => openMarked(document));
  document.addEventListener("htmx:afterSettle", (event) => openMarked(event.target));
})();
