// A fully connected network that trains in the browser: plain or with shortcuts, with or without batch norm.
//
// The first layer goes from 2 numbers to WIDTH, then come blocks of two layers, then two logits:
// depth = 2 + 2 · blocks. With shortcuts a block computes ReLU(F(x) + x), where the ReLU after its second layer
// comes after the sum (He et al. 2015, §3.1). A batch is an array of `count` rows; all arrays are Float64Array.
const playground = (() => {
  const WIDTH = 16;
  const EPSILON = 1e-5; // of batch norm, as in PyTorch

  // Uniform numbers from 0 to 1 that follow from the seed (mulberry32), and normal ones (Box and Muller).
  function randomNumbers(seed) {
    let state = (seed + 1) * 0x9e3779b9 | 0;
    const uniform = () => {
      state = state + 0x6d2b79f5 | 0;
      let mixed = Math.imul(state ^ state >>> 15, 1 | state);
      mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
      return ((mixed ^ mixed >>> 14) >>> 0) / 4294967296;
    };
    const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    return { uniform, normal };
  }

  // Two spirals of 1.5 turns: {x: rows of 2 numbers, y: 0 or 1 for each row, count}.
  function makeSpirals(count, seed) {
    const random = randomNumbers(seed + 1000);
    const x = new Float64Array(2 * count), y = new Uint8Array(count);
    for (let row = 0; row < count; row++) {
      y[row] = row % 2;
      const radius = 0.1 + 0.9 * row / count;
      const angle = 3 * Math.PI * radius + Math.PI * y[row];
      x[2 * row] = 2 * (radius * Math.cos(angle) + 0.02 * random.normal());
      x[2 * row + 1] = 2 * (radius * Math.sin(angle) + 0.02 * random.normal());
    }
    return { x, y, count };
  }

  // One linear layer, with batch norm after it or with a bias.
  class Layer {
    constructor(inputs, outputs, { batchNorm, identity, random }) {
      Object.assign(this, { inputs, outputs, batchNorm });
      this.weight = new Float64Array(outputs * inputs);
      const deviation = Math.sqrt(2 / inputs); // He et al. 2015, arXiv 1502.01852
      for (let i = 0; i < this.weight.length; i++) this.weight[i] = deviation * random.normal();
      if (identity && inputs === outputs) {
        this.weight.fill(0);
        for (let i = 0; i < inputs; i++) this.weight[i * inputs + i] = 1;
      }
      this.shift = new Float64Array(outputs); // β of batch norm, or the bias
      this.scale = new Float64Array(outputs).fill(1); // γ; not used without batch norm
      this.mean = new Float64Array(outputs); // of the last training batch
      this.deviation = new Float64Array(outputs).fill(1);
      this.room = {};
      this.parameters = batchNorm ? ["weight", "scale", "shift"] : ["weight", "shift"];
      this.gradient = Object.fromEntries(this.parameters.map((name) => [name, new Float64Array(this[name].length)]));
    }

    // An array that is used again at the next step: fresh ones would take half of the time.
    array(name, length) {
      const key = `${name} ${length}`;
      return this.room[key] ??= new Float64Array(length);
    }

    // Rows of `inputs` numbers to rows of `outputs`. With `train`, batch norm takes the statistics of this batch.
    forward(x, count, train) {
      const { inputs, outputs, weight, shift, scale, mean, deviation } = this;
      const z = this.array("z", count * outputs);
      for (let row = 0, start = 0, at = 0; row < count; row++, start += inputs) {
        for (let out = 0, w = 0; out < outputs; out += 2, w += 2 * inputs) { // two sums at a time: twice as fast
          let one = 0, two = 0;
          for (let i = 0; i < inputs; i++) {
            const value = x[start + i];
            one += weight[w + i] * value;
            two += weight[w + inputs + i] * value;
          }
          z[at++] = this.batchNorm ? one : one + shift[out];
          z[at++] = this.batchNorm ? two : two + shift[out + 1];
        }
      }
      this.input = x;
      if (!this.batchNorm) return z;
      for (let out = 0; out < outputs && train; out++) {
        let sum = 0, squares = 0;
        for (let at = out; at < z.length; at += outputs) sum += z[at];
        mean[out] = sum / count;
        for (let at = out; at < z.length; at += outputs) squares += (z[at] - mean[out]) ** 2;
        deviation[out] = Math.sqrt(squares / count + EPSILON);
      }
      const result = this.array("result", z.length);
      for (let at = 0, out = 0; at < z.length; at++, out = out + 1 === outputs ? 0 : out + 1) {
        z[at] = (z[at] - mean[out]) / deviation[out];
        result[at] = scale[out] * z[at] + shift[out];
      }
      this.normalised = z;
      return result;
    }

    // The gradient of the output to that of the input; those of the parameters are kept in `gradient`.
    backward(given, count) {
      const { inputs, outputs, weight, scale, deviation, normalised, input, gradient } = this;
      gradient.shift.fill(0);
      for (let at = 0, out = 0; at < given.length; at++, out = out + 1 === outputs ? 0 : out + 1) {
        gradient.shift[out] += given[at];
      }
      let inner = given;
      if (this.batchNorm) {
        gradient.scale.fill(0);
        for (let at = 0, out = 0; at < given.length; at++, out = out + 1 === outputs ? 0 : out + 1) {
          gradient.scale[out] += given[at] * normalised[at];
        }
        inner = this.array("inner", given.length);
        for (let at = 0, out = 0; at < given.length; at++, out = out + 1 === outputs ? 0 : out + 1) {
          const centred = given[at] - (gradient.shift[out] + normalised[at] * gradient.scale[out]) / count;
          inner[at] = scale[out] / deviation[out] * centred;
        }
      }
      const back = this.array("back", count * inputs).fill(0);
      gradient.weight.fill(0);
      const toWeight = gradient.weight;
      for (let row = 0, start = 0, at = 0; row < count; row++, start += inputs) {
        for (let out = 0, w = 0; out < outputs; out++, w += inputs) {
          const value = inner[at++];
          for (let i = 0; i < inputs; i++) {
            toWeight[w + i] += value * input[start + i];
            back[start + i] += value * weight[w + i];
          }
        }
      }
      return back;
    }
  }

  class Network {
    // depth: layers with weights, an even number from 4; identity: weights inside the blocks start as 1 on the diagonal.
    constructor({ depth, shortcuts, batchNorm = true, identity = false, seed = 0 }) {
      const random = randomNumbers(seed);
      Object.assign(this, { depth, shortcuts, step: 0 });
      const inner = { batchNorm, identity, random };
      this.layers = [new Layer(2, WIDTH, inner)];
      for (let i = 0; i < depth - 2; i++) this.layers.push(new Layer(WIDTH, WIDTH, inner));
      this.layers.push(new Layer(WIDTH, 2, { batchNorm: false, identity: false, random }));
      this.moments = this.layers.map((layer) => layer.parameters.map((name) => (
        [new Float64Array(layer[name].length), new Float64Array(layer[name].length)]
      )));
    }

    forward(x, count, train) {
      this.outputs = []; // after the ReLU of each layer
      let kept = null; // the input of the block
      const last = this.layers.length - 1;
      this.layers.forEach((layer, index) => {
        if (index % 2 === 1 && index < last) kept = x;
        const ends = this.shortcuts && index > 0 && index % 2 === 0;
        x = layer.forward(x, count, train);
        if (index === last) return;
        for (let at = 0; at < x.length; at++) x[at] = Math.max(0, ends ? x[at] + kept[at] : x[at]);
        this.outputs.push(x);
      });
      return x;
    }

    // The mean cross-entropy; leaves the gradients in the layers, and that of each input, times count, in `inputGradient`.
    lossAndGradients({ x, y, count }) {
      const logits = this.forward(x, count, true);
      let gradient = new Float64Array(logits.length), loss = 0, wrong = 0;
      for (let row = 0; row < count; row++) {
        const difference = logits[2 * row + 1 - y[row]] - logits[2 * row + y[row]]; // wrong logit minus right one
        loss += Math.max(difference, 0) + Math.log1p(Math.exp(-Math.abs(difference)));
        wrong += difference >= 0;
        const pull = 1 / (1 + Math.exp(-difference)) / count;
        gradient[2 * row + y[row]] = -pull;
        gradient[2 * row + 1 - y[row]] = pull;
      }
      let besides = null; // what reaches the block's input over its shortcut
      for (let index = this.layers.length - 1; index >= 0; index--) {
        if (index < this.layers.length - 1) {
          const output = this.outputs[index];
          for (let at = 0; at < gradient.length; at++) if (output[at] <= 0) gradient[at] = 0;
          if (this.shortcuts && index > 0 && index % 2 === 0) besides = gradient;
        }
        gradient = this.layers[index].backward(gradient, count);
        if (besides && index % 2 === 1) {
          for (let at = 0; at < gradient.length; at++) gradient[at] += besides[at];
          besides = null;
        }
      }
      this.inputGradient = gradient;
      return { loss: loss / count, error: wrong / count };
    }

    // One step of Adam on all points. Returns the loss and the share of wrong points before it.
    train(points, rate = 3e-3) {
      const found = this.lossAndGradients(points);
      this.step += 1;
      const [first, second] = [1 - 0.9 ** this.step, 1 - 0.999 ** this.step];
      this.layers.forEach((layer, index) => layer.parameters.forEach((name, place) => {
        const [mean, square] = this.moments[index][place];
        const values = layer[name], gradient = layer.gradient[name];
        for (let at = 0; at < values.length; at++) {
          mean[at] += 0.1 * (gradient[at] - mean[at]);
          square[at] += 0.001 * (gradient[at] ** 2 - square[at]);
          values[at] -= rate * (mean[at] / first) / (Math.sqrt(square[at] / second) + 1e-8);
        }
      }));
      return found;
    }

    // The size of each layer's gradient, divided by the size of its weights; as left by the last step.
    gradientNorms() {
      const norm = (values) => Math.hypot(...values);
      return this.layers.map((layer) => norm(layer.gradient.weight) / norm(layer.weight));
    }

    // Mean cosine between the loss gradients at each point and at a point close by, and the share of wrong points.
    gradientSimilarity(points) {
      const random = randomNumbers(99);
      const near = { ...points, x: points.x.map((value) => value + 0.01 * random.normal()) };
      this.lossAndGradients(near);
      const other = this.inputGradient.slice();
      const { error } = this.lossAndGradients(points);
      const own = this.inputGradient;
      let sum = 0;
      for (let at = 0; at < own.length; at += 2) {
        const lengths = Math.hypot(own[at], own[at + 1]) * Math.hypot(other[at], other[at + 1]);
        sum += lengths > 0 ? (own[at] * other[at] + own[at + 1] * other[at + 1]) / lengths : 0;
      }
      return { error, similarity: sum / points.count };
    }

    // For each row the probability of class 1, with the statistics of the last training batch.
    predict(x, count) {
      const logits = this.forward(x, count, false);
      return Float64Array.from({ length: count }, (_, row) => 1 / (1 + Math.exp(logits[2 * row] - logits[2 * row + 1])));
    }
  }

  return { Network, makeSpirals };
})();
