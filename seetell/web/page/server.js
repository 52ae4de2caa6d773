// Asks the server; where it wants a key, asks the reader for one, keeps it until the tab is closed, and tries again.

const ROOT = new URL("..", import.meta.url); // a proxy may serve this page under any address
const STORED = "seetell-key";
const door = document.getElementById("door");
const keyField = document.getElementById("key");

export class Refused extends Error {}

export async function ask(path, { form, signal } = {}) {
  for (;;) {
    const response = await sent(path, form, signal);
    if (response.status === 401) {
      await keyFromReader();
      continue;
    }
    if (!response.ok) throw new Refused(await reason(response));
    return response;
  }
}

async function sent(path, form, signal) {
  const key = sessionStorage.getItem(STORED);
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  try {
    return await fetch(new URL(path, ROOT), { method: form ? "POST" : "GET", body: form, headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server cannot be reached.");
  }
}

async function reason(response) {
  try {
    const { error, code } = await response.json();
    if (code === "busy" || code === "timed_out") return "The server is busy. Try again in a moment.";
    return `${error.charAt(0).toUpperCase()}${error.slice(1)}.`;
  } catch {
    return `The server answered with status ${response.status}.`;
  }
}

let asking;

function keyFromReader() {
  asking ??= new Promise((resolve) => {
    keyField.value = "";
    door.addEventListener("close", () => {
      sessionStorage.setItem(STORED, keyField.value);
      asking = undefined;
      resolve();
    }, { once: true });
    door.showModal();
  });
  return asking;
}

door.addEventListener("cancel", (event) => event.preventDefault()); // nothing works without the key
