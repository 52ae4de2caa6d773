// The photo drawn in styles: a slider for the weight of each, and one for how strong they are together.

import { describeError, request } from "./server.js";

const TEMPLATE = document.getElementById("style-template").content.firstElementChild;

export class StyleSection {
  // styles: names; stage: what the views share
  constructor(styles, stage) {
    Object.assign(this, { styles, stage });
    this.section = TEMPLATE.cloneNode(true);
    [this.sliders, this.strength, this.colours, this.button, this.picture, this.status, this.problem, this.link] = [
      ".sliders", ".strength", ".colours", ".draw", ".picture", ".count", ".problem", ".save",
    ].map((selector) => this.section.querySelector(selector));
    this.sliders.replaceChildren(...styles.map((name, place) => slider(name, place === 0 ? 100 : 0)));
    this.button.addEventListener("click", () => this.draw());
    this.section.addEventListener("change", () => this.picture.hidden || this.draw());
  }

  // Show no picture; with a photo, offer to draw it.
  forget(photo) {
    this.section.hidden = !photo;
    this.picture.hidden = this.link.hidden = true;
    this.status.textContent = this.problem.textContent = "";
  }

  async draw() {
    this.asked?.abort();
    this.asked = new AbortController();
    const signal = AbortSignal.any([this.asked.signal, this.stage.signal]);
    const chosen = [...this.sliders.querySelectorAll("input")]
      .map((input) => ({ name: input.dataset.style, weight: input.value / 100 }))
      .filter(({ weight }) => weight > 0);
    this.problem.textContent = chosen.length ? "" : "Give one of the styles some weight.";
    if (!chosen.length) return;
    this.status.textContent = "Drawing…";
    const query = new URLSearchParams({ strength: this.strength.value / 100, keep_colour: this.colours.checked });
    for (const { name, weight } of chosen) {
      query.append("style", name);
      query.append("weight", weight);
    }
    const form = new FormData();
    form.set("image", this.stage.file);
    try {
      const drawn = await (await request(`v1/style?${query}`, { form, signal })).blob();
      if (signal.aborted) return;
      URL.revokeObjectURL(this.picture.src);
      this.picture.src = this.link.href = URL.createObjectURL(drawn);
      this.picture.alt = `The photo, drawn in ${chosen.map(({ name }) => name).join(" and ")}`;
      this.picture.hidden = this.link.hidden = false;
      this.status.textContent = `${this.picture.alt}.`;
    } catch (error) {
      if (signal.aborted) return;
      this.status.textContent = "";
      this.problem.textContent = describeError(error);
    }
  }
}

function slider(name, value) {
  const [line, label, input] = ["p", "label", "input"].map((kind) => document.createElement(kind));
  label.textContent = name.charAt(0).toUpperCase() + name.slice(1);
  label.htmlFor = input.id = `style-${name}`;
  Object.assign(input, { type: "range", min: 0, max: 100, step: 5 });
  input.value = value;
  input.dataset.style = name;
  line.append(label, input);
  return line;
}
