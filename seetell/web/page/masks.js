// Masks in colours over the photo, on a canvas in a layer, and a list of what they show; pointing at one shows it alone.

import { Parts } from "./parts.js";
import { TaskView } from "./task.js";

const SIDE = 1200; // pixels of the canvas's longer side at most

export class MasksView extends TaskView {
  constructor(command, task, stage) {
    super(command, task, stage);
    this.layer = document.createElement("div"); // hidden from those who listen, for whom the list says it all
    this.layer.className = "masks";
    this.layer.dataset.command = command;
    this.layer.setAttribute("aria-hidden", "true");
    stage.photo.append(this.layer);
    this.canvas = document.createElement("canvas");
    const hint = "Point at an entry, or choose one, to see its part of the photo alone.";
    this.parts = new Parts(this.list, this.find(".description"), hint, (place) => this.#highlight(place));
  }

  reset() {
    this.layer.replaceChildren();
    this.parts.fill([]);
  }

  clear() {
    this.parts.clear();
  }

  show({ masks }) {
    this.find(".buttons").hidden = !masks.length;
    this.find(".count").textContent = masks.length ? "" : "Nothing found.";
    this.parts.fill(
      masks.map(({ text, share, score, index }, place) => ({
        text: `${text} ${percent(share)}`,
        description: `“${text}”: ${percent(share)} of the photo; confidence ${percent(score)}`,
        badge: String(place + 1),
        colour: `rgb(${colour(index).join()})`,
      })),
    );
    this.#draw(masks);
    this.layer.replaceChildren(this.canvas);
    this.stage.offer(this);
  }

  #highlight(place) {
    if (this.row) this.#draw(place < 0 ? this.row.masks : [this.row.masks[place]]);
    if (place >= 0) this.stage.bring(this);
  }

  #draw(masks) {
    const [width, height] = this.row.size;
    const scale = Math.min(1, SIDE / Math.max(width, height));
    this.canvas.width = Math.max(1, Math.round(width * scale));
    this.canvas.height = Math.max(1, Math.round(height * scale));
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(this.canvas.width, this.canvas.height);
    for (const mask of [...masks].reverse()) paint(image, mask, width, height); // the first lie on top
    context.putImageData(image, 0, 0);
  }
}

// Paint the cells of an image whose middle is in a mask of an image of width × height pixels.
function paint(image, { rle, index }, width, height) {
  const [across, down] = [image.width / width, image.height / height];
  const columns = new Map(); // of the image, by that of the mask
  for (let x = 0; x < image.width; x++) columns.set(Math.floor((x + 0.5) / across), x);
  const pixel = [...colour(index), 255];
  let start = 0;
  runLengths(rle.counts).forEach((count, place) => {
    const end = start + count;
    if (place % 2) {
      for (let column = Math.floor(start / height); column * height < end; column++) {
        if (!columns.has(column)) continue;
        const [from, to] = [Math.max(start - column * height, 0), Math.min(end - column * height, height)];
        for (let y = Math.ceil(from * down - 0.5); y < to * down - 0.5; y++) {
          image.data.set(pixel, 4 * (y * image.width + columns.get(column)));
        }
      }
    }
    start = end;
  });
}

// COCO's compressed run lengths, see seetell/geometry/masks.py.
function runLengths(text) {
  const counts = [];
  for (let at = 0; at < text.length; ) {
    let [count, shift, letter] = [0, 0, 0];
    do {
      letter = text.charCodeAt(at++) - 48;
      count |= (letter & 31) << shift;
      shift += 5;
    } while (letter & 32);
    if (letter & 16) count |= -1 << shift;
    counts.push(counts.length > 2 ? count + counts.at(-2) : count);
  }
  return counts;
}

// Pascal VOC's colour of a value of a label map, as in drawn pictures: its bits, dealt out to red, green and blue.
function colour(index) {
  const value = ((index - 1) % 255) + 1;
  return [0, 1, 2].map((channel) => {
    let level = 0;
    for (let place = 0; place < 8; place++) level |= ((value >> (3 * place + channel)) & 1) << (7 - place);
    return level;
  });
}

function percent(share) {
  return share >= 0.01 || share === 0 ? `${Math.round(100 * share)}%` : "<1%";
}
