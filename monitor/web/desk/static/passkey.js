"use strict";
// Passkeys. Buttons with data-passkey ("show" or "new") stay hidden where there are none.
(() => {
  const bytes = (text) => Uint8Array.from(
    atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const send = async (path, form) => {
    const said = await fetch(path, {method: "POST", body: new URLSearchParams(form)});
    return said.json();
  };
  const options = (said) => {
    const found = {...said, challenge: bytes(said.challenge)};
    if (said.user) found.user = {...said.user, id: bytes(said.user.id)};
    for (const name of ["excludeCredentials", "allowCredentials"]) {
      if (said[name]) found[name] = said[name].map((each) => ({...each, id: bytes(each.id)}));
    }
    return found;
  };
  const plain = (made) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (made.response[name]) response[name] = text(made.response[name]);
    }
    return JSON.stringify({id: made.id, rawId: text(made.rawId), type: made.type, response,
      clientExtensionResults: made.getClientExtensionResults()});
  };
  const work = async (button) => {
    const form = Object.fromEntries(new FormData(button.form));
    const isNew = button.dataset.passkey === "new";
    const asked = await send(isNew ? "/passkey/new/begin" : "/passkey/begin", form);
    if (asked.go) return asked;
    const publicKey = options(asked);
    const made = isNew ? await navigator.credentials.create({publicKey})
      : await navigator.credentials.get({publicKey});
    return send(isNew ? "/passkey/new" : "/passkey", {...form, credential: plain(made)});
  };
  for (const button of document.querySelectorAll("[data-passkey]")) {
    if (!window.PublicKeyCredential || !window.isSecureContext) continue;
    button.form.hidden = false;
    button.addEventListener("click", async (event) => {
      event.preventDefault();
      const told = button.form.querySelector("[role=alert]");
      told.textContent = "";
      let said;
      try {
        said = await work(button);
      } catch {
        said = {wrong: "No passkey was used: the browser stopped it, or it took too long."};
      }
      if (said.go) location.assign(said.go);
      else told.textContent = said.wrong;
    });
  }
})();
