// The playground's page: one form, two networks that train side by side, two charts of both.
(() => {
  const place = document.querySelector(".playground");
  const form = place.querySelector("form");
  const find = (name) => place.querySelector(`[data-show="${name}"]`);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  // What page.html says, in its language, with numbers in it.
  const words = (name, ...values) => place.querySelector(`[data-say="${name}"]`).textContent.replace(/%(\d)/g, (_, at) => values[at - 1]);
  const KINDS = ["plain", "shortcuts"];
  const STEPS = 100, SIDE = 60, SPAN = 2.4; // steps a press, squares along a map, the map's half width
  const points = playground.makeSpirals(400, 0);
  const grid = Float64Array.from({ length: 2 * SIDE * SIDE }, (_, at) => {
    const square = at >> 1;
    return SPAN * (2 * ((at % 2 ? SIDE - 1 - Math.floor(square / SIDE) : square % SIDE) + 0.5) / SIDE - 1);
  });
  let nets, seed = 0, running = 0; // running: the number of the run that may go on; 0 is none

  function startAgain() {
    const chosen = new FormData(form);
    const depth = 2 * Number(chosen.get("depth"));
    const options = { depth, batchNorm: chosen.has("norm"), identity: chosen.get("start") === "identity", seed };
    running = 0;
    find("depth").textContent = words("layers", depth);
    form.elements.depth.setAttribute("aria-valuetext", words("layers", depth));
    find("seed").textContent = words("seed", seed);
    nets = KINDS.map((kind) => {
      const net = new playground.Network({ ...options, shortcuts: kind === "shortcuts" });
      return { kind, net, errors: [] };
    });
    draw();
    find("button").textContent = words("train", STEPS);
    find("said").textContent = "";
  }

  function train() {
    if (running) {
      running = 0;
      draw();
      return say();
    }
    const until = nets[0].net.step + STEPS, run = performance.now();
    running = run;
    find("button").textContent = words("pause");
    const go = () => {
      if (running !== run) return;
      const begun = performance.now();
      do {
        for (const { net, errors } of nets) errors[net.step] = net.train(points).error; // right before the step
      } while (nets[0].net.step < until && performance.now() - begun < 40);
      const done = nets[0].net.step === until;
      if (done || !still) draw();
      if (!done) return requestAnimationFrame(go);
      running = 0;
      say();
    };
    requestAnimationFrame(go);
  }

  const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

  function say() {
    const [plain, other] = nets.map(({ errors }) => percent(errors.at(-1)));
    find("button").textContent = words("train", STEPS);
    const { step, depth } = nets[0].net;
    find("said").textContent = words("trained", step, depth, points.count, plain, other);
  }

  function draw() {
    for (const { kind, net, errors } of nets) {
      const { error, similarity } = net.gradientSimilarity(points);
      errors[net.step] = error;
      find(`${kind} error`).textContent = percent(errors.at(-1));
      find(`${kind} similarity`).textContent = similarity.toFixed(2).replace("-", "−");
      drawMap(find(`${kind} map`), net, words(`${kind} map`, percent(errors.at(-1))));
    }
    drawChart(find("errors"), nets.map(({ errors }) => errors), { low: 0, high: 0.6, ends: ["0", "60 %"] });
    const norms = nets.map(({ net }) => net.gradientNorms().map((value) => Math.log10(Math.max(value, 1e-12))));
    const low = Math.floor(Math.min(...norms.flat())), high = Math.max(low + 1, Math.ceil(Math.max(...norms.flat())));
    drawChart(find("norms"), norms, { low, high, ends: [`1e${low}`, `1e${high}`] });
    find("errors from").textContent = words("step", nets[0].errors.length - 1);
    find("norms to").textContent = words("layer", nets[0].net.depth);
  }

  // What the network says everywhere, and the points on it.
  function drawMap(canvas, net, label) {
    const context = canvas.getContext("2d"), size = canvas.width / SIDE;
    net.predict(grid, SIDE * SIDE).forEach((share, square) => {
      const mix = (blue, orange) => Math.round(blue + (orange - blue) * share);
      context.fillStyle = `rgb(${mix(163, 247)} ${mix(204, 208)} ${mix(235, 140)})`;
      context.fillRect(square % SIDE * size, Math.floor(square / SIDE) * size, size, size);
    });
    for (let row = 0; row < points.count; row++) {
      const [x, y] = [points.x[2 * row] / SPAN, -points.x[2 * row + 1] / SPAN].map((value) => (value + 1) / 2 * canvas.width);
      context.beginPath();
      context.arc(x, y, 3, 0, 2 * Math.PI);
      context.fillStyle = points.y[row] ? "#8a4b00" : "#00456e";
      context.fill();
    }
    canvas.setAttribute("aria-label", label);
  }

  // One line for each network. The plain one is dashed: colour is not all that tells them apart.
  function drawChart(svg, lines, { low, high, ends }) {
    lines.forEach((values, index) => {
      const at = (value) => 96 - 92 * (Math.min(Math.max(value, low), high) - low) / (high - low);
      const across = (place) => 300 * place / Math.max(values.length - 1, 1);
      const way = values.map((value, place) => `${across(place).toFixed(1)},${at(value).toFixed(1)}`);
      svg.querySelectorAll("polyline")[index].setAttribute("points", way.join(" "));
    });
    svg.parentElement.querySelectorAll(".scale").forEach((label, index) => (label.textContent = ends[1 - index]));
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    train();
  });
  form.addEventListener("input", startAgain);
  find("again").addEventListener("click", () => {
    seed += 1;
    startAgain();
  });
  form.reset(); // a browser may bring back what was chosen before the page was loaded again
  place.hidden = false;
  startAgain();
})();
