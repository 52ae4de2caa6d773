// The description of what is playing, and buttons that lead to each shot.
const film = document.getElementById("film");
const told = document.getElementById("told");
const shots = [...document.querySelectorAll(".shots li")];

function follow() {
  const now = shots.find((shot) => film.currentTime >= shot.dataset.from && film.currentTime < shot.dataset.to);
  const text = now?.querySelector(".said")?.textContent ?? "";
  if (told.textContent !== text) told.textContent = text;
  for (const shot of shots) {
    shot.classList.toggle("now", shot === now);
    shot.toggleAttribute("aria-current", shot === now);
  }
}

for (const shot of shots) {
  const button = shot.querySelector("button");
  button.disabled = !film;
  button.addEventListener("click", () => {
    film.currentTime = Number(shot.dataset.from);
    film.play();
  });
}
if (film) {
  for (const event of ["timeupdate", "seeked", "loadedmetadata"]) film.addEventListener(event, follow);
  film.addEventListener("error", () => {
    document.getElementById("unplayed").hidden = false;
    for (const shot of shots) shot.querySelector("button").disabled = true;
  });
}
