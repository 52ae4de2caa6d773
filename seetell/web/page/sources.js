// Sources of photos: files that are chosen, dropped or pasted, and the camera.

const PHOTO = /^(image|video)\//;

export function listenToSources(give, complain) {
  const file = document.getElementById("file");
  document.getElementById("choose").addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    if (file.files.length) give(file.files[0]);
    file.value = "";
  });
  const takeFirst = (files) => {
    const photo = [...files].find((each) => PHOTO.test(each.type)) ?? files[0];
    if (photo) give(photo);
    return Boolean(photo);
  };
  document.addEventListener("paste", (event) => {
    if (takeFirst(event.clipboardData.files)) event.preventDefault();
  });
  let inside = 0; // elements that the dragged file is over: it enters one before it leaves the other
  const over = (change) => {
    inside = Math.max(0, inside + change);
    document.body.classList.toggle("dragging", inside > 0);
  };
  document.addEventListener("dragenter", () => over(1));
  document.addEventListener("dragleave", () => over(-1));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(-inside);
    takeFirst(event.dataTransfer.files);
  });
  if (navigator.mediaDevices?.getUserMedia) offerCamera(give, complain);
}

function offerCamera(give, complain) {
  const camera = document.getElementById("camera");
  const view = document.getElementById("view");
  const take = document.getElementById("take");
  const shoot = document.getElementById("shoot");
  shoot.hidden = false;
  shoot.addEventListener("click", async () => {
    try {
      view.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      camera.showModal();
    } catch {
      complain("There is no camera, or this page may not use it.");
    }
  });
  view.addEventListener("loadeddata", () => (take.disabled = false));
  camera.addEventListener("close", () => {
    take.disabled = true;
    view.srcObject?.getTracks().forEach((track) => track.stop());
    view.srcObject = null;
  });
  document.getElementById("leave").addEventListener("click", () => camera.close());
  take.addEventListener("click", () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [view.videoWidth, view.videoHeight];
    canvas.getContext("2d").drawImage(view, 0, 0);
    canvas.toBlob((blob) => blob && give(new File([blob], "camera.jpg", { type: blob.type })), "image/jpeg", 0.92);
    camera.close();
  });
}
