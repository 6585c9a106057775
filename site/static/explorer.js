// Explorers without a kernel: the answers to all settings stand in the page, and a control chooses one.
for (const explorer of document.querySelectorAll(".explorer")) {
  const answers = JSON.parse(explorer.querySelector("script").textContent);
  const form = explorer.querySelector("form");
  const place = explorer.querySelector(".explorer-answer");
  const names = [...new Set([...form.elements].map((control) => control.name).filter(Boolean))];

  function update(event) {
    const control = event.target;
    if (control.type === "range") {
      const words = JSON.parse(control.dataset.words)[control.value];
      control.setAttribute("aria-valuetext", words);
      control.nextElementSibling.textContent = words;
    }
    const chosen = new FormData(form);
    place.innerHTML = answers[names.map((name) => chosen.get(name)).join(",")];
  }

  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.reset(); // a browser may bring back what was chosen before the page was loaded again
  form.hidden = false;
}
