// Labels as a bar chart; the bars are decoration, the list reads as text. Where the model says where the object is that
// the first label is of, its box lies over the photo.

import { TaskView } from "./task.js";

export class LabelsView extends TaskView {
  constructor(command, task, stage) {
    super(command, task, stage);
    this.list.className = "labels";
    this.layer = document.createElement("div");
    this.layer.className = "boxes";
    this.layer.dataset.command = command;
    stage.photo.append(this.layer);
    this.list.addEventListener("pointerenter", () => this.layer.childElementCount && stage.bring(this));
  }

  reset() {
    this.find(".description").textContent = "";
    this.list.replaceChildren();
    this.layer.replaceChildren();
  }

  clear() {
    this.#choose();
  }

  // A label that, chosen, shows where it comes from.
  #button(text) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "part";
    button.textContent = text;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => this.#choose(button.getAttribute("aria-pressed") === "true" ? undefined : button));
    return button;
  }

  #choose(chosen) {
    for (const button of this.list.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === chosen));
    this.explain(chosen && { text: chosen.textContent, word: [chosen.textContent], place: 0 });
  }

  show({ labels, box, size }) {
    this.layer.replaceChildren(...(box ? [outline(labels[0].text, box, size)] : []));
    if (box) this.stage.offer(this);
    if (this.maps) this.find(".description").textContent = "Choose a class to see where it comes from.";
    this.list.replaceChildren(
      ...labels.map(({ text, score }) => {
        const item = document.createElement("li");
        const [name, bar, percent] = ["name", "bar", "percent"].map((kind) => {
          const part = document.createElement("span");
          part.className = kind;
          return part;
        });
        name.dir = "auto";
        if (this.maps) name.append(this.#button(text));
        else name.textContent = text;
        bar.setAttribute("aria-hidden", "true");
        bar.style.setProperty("--probability", `${100 * score}%`);
        percent.textContent = `${(100 * score).toFixed(1)}%`;
        item.append(name, " ", bar, percent);
        return item;
      }),
    );
  }
}

function outline(text, [left, top, right, bottom], [width, height]) {
  const box = document.createElement("div");
  box.className = "box";
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", `the box of “${text}”`);
  box.style.setProperty("--colour", "#ffd633");
  Object.assign(box.style, {
    left: `${(100 * left) / width}%`,
    top: `${(100 * top) / height}%`,
    width: `${(100 * (right - left)) / width}%`,
    height: `${(100 * (bottom - top)) / height}%`,
  });
  return box;
}
