// A sentence, word by word: with attention, a word shows on the photo where the model looked.

import { draw, where } from "./heat.js";
import { Parts } from "./parts.js";
import { TaskView } from "./task.js";

export class TextView extends TaskView {
  constructor(command, task, stage) {
    super(command, task, stage);
    const hint = "attention" in task.options ? "Point at a word, or choose it, to see where the model looked." : "";
    this.words = new Parts(this.list, this.find(".description"), hint, (place) => this.#look(place));
    const copyText = this.find(".copy-text");
    copyText.hidden = false;
    copyText.addEventListener("click", () => this.copy(altText(this.row.caption), copyText));
  }

  query() {
    return "attention" in this.task.options ? { attention: true } : {};
  }

  reset() {
    this.words.fill([]);
  }

  clear() {
    this.words.clear();
  }

  show({ caption, words, visible_box: box, size }) {
    this.stage.describe(altText(caption));
    this.words.fill(
      words.map(({ text, logprob, attention }) => {
        const likely = `${Math.round(100 * Math.exp(logprob ?? -Infinity))}% likely`;
        const looked = attention ? `the model looked ${where(attention, box, size)}; ` : "";
        return { text, description: `“${text}”: ${looked}${likely}` };
      }),
    );
  }

  // Without the attention maps.
  copied() {
    const { size, visible_box, ...row } = this.row;
    return { ...row, words: row.words.map(({ text, logprob }) => ({ text, logprob })) };
  }

  #look(place) {
    const attention = this.row?.words[place]?.attention;
    this.stage.photo.classList.toggle("looking", Boolean(attention));
    if (!attention) return;
    this.stage.bring(this);
    draw(this.stage.map, attention, this.row.visible_box, this.row.size);
  }
}

function altText(caption) {
  const text = caption.charAt(0).toUpperCase() + caption.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
