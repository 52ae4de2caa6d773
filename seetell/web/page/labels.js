// Labels as a bar chart; the bars are decoration, the list reads as text.

import { TaskView } from "./task.js";

export class LabelsView extends TaskView {
  constructor(command, task, stage) {
    super(command, task, stage);
    this.list.className = "labels";
  }

  reset() {
    this.list.replaceChildren();
  }

  show({ labels }) {
    this.list.replaceChildren(
      ...labels.map(({ text, score }) => {
        const item = document.createElement("li");
        const [name, bar, percent] = ["name", "bar", "percent"].map((kind) => {
          const part = document.createElement("span");
          part.className = kind;
          return part;
        });
        name.textContent = text;
        name.dir = "auto";
        bar.setAttribute("aria-hidden", "true");
        bar.style.setProperty("--probability", `${100 * score}%`);
        percent.textContent = `${(100 * score).toFixed(1)}%`;
        item.append(name, " ", bar, percent);
        return item;
      }),
    );
  }
}
