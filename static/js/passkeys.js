// Passkeys: the browser speaks with the key, the form carries its answer.
//   <button data-passkey="get|create" data-options="/where/the/challenge/is" data-about="what is signed">
// inside a form with a hidden field `passkey`. Without passkeys the button stays hidden.
(() => {
  const bytes = (text) => {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  };
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replace(/=+$/, "");

  function readable(options) {
    const asked = options.publicKey;
    asked.challenge = bytes(asked.challenge);
    if (asked.user) asked.user.id = bytes(asked.user.id);
    for (const name of ["allowCredentials", "excludeCredentials"]) {
      for (const one of asked[name] || []) one.id = bytes(one.id);
    }
    return { publicKey: asked };
  }

  function sendable(credential) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      const value = credential.response[name];
      if (value) response[name] = text(value);
    }
    return {
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      response,
      clientExtensionResults: {},
    };
  }

  async function ask(button, form) {
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    body.append("about", button.dataset.about || "");
    const answer = await fetch(button.dataset.options, { method: "POST", body, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) throw new Error("The server gave no challenge. Load the page anew.");
    const options = readable(await answer.json());
    return button.dataset.passkey === "create"
      ? navigator.credentials.create(options)
      : navigator.credentials.get(options);
  }

  async function go(button) {
    const form = button.form;
    const said = form.querySelector("[data-passkey-said]");
    if (!form.reportValidity()) return;
    button.disabled = true;
    said.textContent = "";
    try {
      form.elements.passkey.value = JSON.stringify(sendable(await ask(button, form)));
      form.submit();
    } catch (error) {
      said.textContent =
        error.name === "NotAllowedError" ? "The passkey was not used. Nothing was sent." : error.message;
      button.disabled = false;
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-passkey]");
    if (button) go(button);
  });

  document.addEventListener("DOMContentLoaded", () => {
    if (!window.PublicKeyCredential) return;
    document.querySelectorAll("[data-passkey]").forEach((button) => {
      button.hidden = false;
    });
    document.querySelectorAll("[data-no-passkey]").forEach((note) => {
      note.hidden = true;
    });
  });
})();
