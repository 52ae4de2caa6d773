// A word's attention over the photo: a smooth map, transparent where the model did not look, and the same in words.

const SIDE = 160; // pixels of the map's longer side; the browser enlarges it
const SMOOTHING = 0.55; // standard deviation around each location, in locations
const OPACITY = 0.8; // where the model looked most
const UNSEEN = [0, 0, 0, 140]; // over what it did not see of the photo
const COLOURS = [
  [0, [70, 0, 110]],
  [0.3, [165, 20, 120]],
  [0.55, [245, 80, 50]],
  [0.8, [255, 160, 30]],
  [1, [255, 225, 110]],
]; // ever lighter: they keep their order in grey
const PLACES = [
  ["upper left", "top", "upper right"],
  ["left", "centre", "right"],
  ["lower left", "bottom", "lower right"],
];
const EVERYWHERE = 0.8; // from this share of the locations on, the model looked all over the photo

// attention: rows of numbers over the box `covered` (left, top, right, bottom) of a photo of `size` (width, height)
export function draw(canvas, attention, covered, size) {
  const scale = SIDE / Math.max(...size);
  [canvas.width, canvas.height] = size.map((length) => Math.max(1, Math.round(scale * length)));
  const across = shares(canvas.width, covered[0] / size[0], covered[2] / size[0], attention[0].length);
  const down = shares(canvas.height, covered[1] / size[1], covered[3] / size[1], attention.length);
  const values = down.map((rows) => {
    const mixed = attention[0].map((_, column) => dot(rows.shares, attention.map((row) => row[column])));
    return across.map((columns) => (rows.seen && columns.seen ? dot(columns.shares, mixed) : NaN));
  });
  const most = Math.max(...values.flat().filter((value) => value === value));
  const image = new ImageData(canvas.width, canvas.height);
  values.flat().forEach((value, place) => image.data.set(colour(value / most), 4 * place));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

export function where(attention, covered, size) {
  const all = attention.flat();
  const entropy = -all.reduce((sum, share) => sum + (share > 0 ? share * Math.log(share) : 0), 0);
  if (Math.exp(entropy) > EVERYWHERE * all.length) return "all over the photo";
  const place = all.indexOf(Math.max(...all));
  const columns = attention[0].length;
  const along = (index, count, begin, end, length) =>
    Math.min(Math.max(Math.floor((3 * (begin + ((index + 0.5) / count) * (end - begin))) / length), 0), 2);
  const row = along(Math.floor(place / columns), attention.length, covered[1], covered[3], size[1]);
  const column = along(place % columns, columns, covered[0], covered[2], size[0]);
  return `mostly at the ${PLACES[row][column]}`;
}

// What each pixel along an edge takes from each location: a Gaussian around the location's centre.
function shares(pixels, begin, end, locations) {
  return Array.from({ length: pixels }, (_, pixel) => {
    const at = (pixel + 0.5) / pixels;
    const within = Math.min(Math.max(at, begin), end);
    const weights = Array.from({ length: locations }, (_, location) => {
      const centre = begin + ((location + 0.5) / locations) * (end - begin);
      const deviation = ((within - centre) * locations) / (end - begin) / SMOOTHING;
      return Math.exp(-0.5 * deviation ** 2);
    });
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { seen: within === at, shares: weights.map((weight) => weight / sum) };
  });
}

function dot(one, other) {
  return one.reduce((sum, value, place) => sum + value * other[place], 0);
}

function colour(level) {
  if (level !== level) return UNSEEN;
  const upper = Math.max(1, COLOURS.findIndex(([stop]) => stop >= level));
  const [[from, dark], [to, light]] = [COLOURS[upper - 1], COLOURS[upper]];
  const share = (level - from) / (to - from);
  return [...dark.map((channel, place) => channel + share * (light[place] - channel)), 255 * OPACITY * level];
}
