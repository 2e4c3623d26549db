// Forms [data-passkey] ask the browser for a passkey, or for a new one ("create"), and send what it answers. What is
// asked for lies in an element of the page, or comes from an address: [data-options].
{
  // A passkey belongs to a name: browsers refuse numbers.
  const named = !/^([\d.]+|\[.*\])$/.test(location.hostname);
  const possible = Boolean(window.PublicKeyCredential) && named;
  const REFUSED = "It was not given. Try again, or take another way.";

  const optionsOf = async (source) => {
    if (source.startsWith("#")) return JSON.parse(document.querySelector(source).textContent);
    const answer = await fetch(source, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.status === 429 ? "Too many tries. Wait a minute, then try again." : "");
    return (await answer.json()).request_options;
  };

  for (const form of possible ? document.querySelectorAll("form[data-passkey]") : []) {
    const problem = form.querySelector(".problem");
    form.hidden = false;
    // It could not be before: the browser passes over what is hidden.
    form.querySelector("[autofocus]")?.focus();
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.hidden = true;
      try {
        const options = await optionsOf(form.dataset.options);
        const credential = await window.webauthnJSON[form.dataset.passkey](options);
        form.elements.credential.value = JSON.stringify(credential);
        // Not by a button: this is not heard again.
        form.submit();
      } catch (error) {
        problem.textContent = error.name === "Error" && error.message ? error.message : REFUSED;
        problem.hidden = false;
      }
    });
  }
  for (const note of possible ? document.querySelectorAll("[data-no-passkey]") : []) note.hidden = true;
}
