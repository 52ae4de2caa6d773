// A word's attention over the photo: as a smooth heat map, transparent where there is none, and in words.

const SIDE = 160; // pixels of the map's longer side; the browser enlarges it
const SMOOTHING = 0.55; // standard deviation around each location, in locations
const OPACITY = 0.8; // at the highest attention
const UNSEEN = [0, 0, 0, 140]; // outside the part of the photo that the model sees
const COLOURS = [
  [0, [70, 0, 110]],
  [0.3, [165, 20, 120]],
  [0.55, [245, 80, 50]],
  [0.8, [255, 160, 30]],
  [1, [255, 225, 110]],
]; // increasing lightness: their order is kept in grey
const AGAINST = [
  [0, [0, 40, 110]],
  [0.5, [20, 110, 190]],
  [1, [130, 210, 255]],
]; // of what is below 0
const PLACES = [
  ["upper left", "top", "upper right"],
  ["left", "centre", "right"],
  ["lower left", "bottom", "lower right"],
];
const UNIFORM = 0.8; // attention as spread out as over this share of the locations counts as all over the photo

// attention: rows of numbers over the box (left, top, right, bottom) of a photo of `size` (width, height); in other maps
// negative where the photo speaks against something
export function draw(canvas, attention, box, size) {
  const scale = SIDE / Math.max(...size);
  [canvas.width, canvas.height] = size.map((length) => Math.max(1, Math.round(scale * length)));
  const across = weights(canvas.width, box[0] / size[0], box[2] / size[0], attention[0].length);
  const down = weights(canvas.height, box[1] / size[1], box[3] / size[1], attention.length);
  const values = down.map((rows) => {
    const mixed = attention[0].map((_, column) => dot(rows.weights, attention.map((row) => row[column])));
    return across.map((columns) => (rows.seen && columns.seen ? dot(columns.weights, mixed) : NaN));
  });
  const most = Math.max(...values.flat().filter((value) => value === value).map(Math.abs)) || 1;
  const image = new ImageData(canvas.width, canvas.height);
  values.flat().forEach((value, place) => image.data.set(colour(value / most), 4 * place));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

export function where(attention, box, size) {
  const all = attention.flat();
  const entropy = -all.reduce((sum, share) => sum + (share > 0 ? share * Math.log(share) : 0), 0);
  if (Math.exp(entropy) > UNIFORM * all.length) return "all over the photo";
  const place = all.indexOf(Math.max(...all));
  const columns = attention[0].length;
  const along = (index, count, begin, end, length) =>
    Math.min(Math.max(Math.floor((3 * (begin + ((index + 0.5) / count) * (end - begin))) / length), 0), 2);
  const row = along(Math.floor(place / columns), attention.length, box[1], box[3], size[1]);
  const column = along(place % columns, columns, box[0], box[2], size[0]);
  return `mostly at the ${PLACES[row][column]}`;
}

// The weight of each location for each pixel along an edge: a Gaussian around the location's centre.
function weights(pixels, begin, end, locations) {
  return Array.from({ length: pixels }, (_, pixel) => {
    const at = (pixel + 0.5) / pixels;
    const within = Math.min(Math.max(at, begin), end);
    const gaussians = Array.from({ length: locations }, (_, location) => {
      const centre = begin + ((location + 0.5) / locations) * (end - begin);
      const deviation = ((within - centre) * locations) / (end - begin) / SMOOTHING;
      return Math.exp(-0.5 * deviation ** 2);
    });
    const sum = gaussians.reduce((total, weight) => total + weight, 0);
    return { seen: within === at, weights: gaussians.map((value) => value / sum) };
  });
}

function dot(one, other) {
  return one.reduce((sum, value, place) => sum + value * other[place], 0);
}

function colour(signed) {
  if (signed !== signed) return UNSEEN;
  const [level, colours] = [Math.abs(signed), signed < 0 ? AGAINST : COLOURS];
  const upper = Math.max(1, colours.findIndex(([stop]) => stop >= level));
  const [[from, dark], [to, light]] = [colours[upper - 1], colours[upper]];
  const share = (level - from) / (to - from);
  return [...dark.map((channel, place) => channel + share * (light[place] - channel)), 255 * OPACITY * level];
}
