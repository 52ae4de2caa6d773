// A sentence, word by word: with attention, a word shows on the photo where the model looked.

import { draw, where } from "./heat.js";
import { Parts } from "./parts.js";
import { TaskView } from "./task.js";

export class TextView extends TaskView {
  constructor(command, task, stage) {
    super(command, task, stage);
    const hint = "attention" in task.options ? "Point at a word, or choose it, to see where the model looked." : "";
    this.words = new Parts(this.list, this.find(".description"), hint, (place) => this.#look(place), (place) =>
      this.explain(place < 0 || !this.row.words?.length ? undefined : { text: this.row.words[place].text, place }),
    );
    const copyText = this.find(".copy-text");
    copyText.hidden = false;
    this.copyText = copyText;
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

  show({ caption, confidence, kind, reason, words, visible_box: box, size }) {
    this.copyText.hidden = caption === null;
    const made = kind === "tags" ? "Made of what the detectors found. " : "";
    const sure = confidence === null ? "" : `${made}${Math.round(100 * confidence)}% sure that all of it is there.`;
    this.find(".count").textContent = reason ? `No caption: ${reason}.` : sure;
    if (caption === null) {
      this.stage.announce(`No caption: ${reason}.`);
      this.words.fill([]);
      return;
    }
    this.stage.describe(altText(caption));
    if (!words.length) {
      const description = kind === "tags" ? "What the model's detectors found; it was not sure enough of a sentence." : "";
      this.words.fill([{ text: caption, description }]);
      return;
    }
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
    return row.words ? { ...row, words: row.words.map(({ text, logprob }) => ({ text, logprob })) } : row;
  }

  #look(place) {
    const attention = this.row?.words?.[place]?.attention;
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
