"use strict";
// Talking to the control process.

let token = "";

class Refusal extends Error {
  constructor(status, detail, code) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** JSON of a path. Throws Refusal with the problem's own sentence. */
async function call(path, method = "GET") {
  const headers = { Accept: "application/json" };
  if (token && method !== "GET") headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(path, { method, headers, cache: "no-store" });
  let content = {};
  try {
    content = await answer.json();
  } catch {
    content = { detail: `The answer (${answer.status}) could not be read.` };
  }
  // /health and /ready say with 503 what is wrong: that is content, not a failure.
  if (!answer.ok && !("problems" in content)) throw new Refusal(answer.status, content.detail || `Error ${answer.status}`, content.code);
  return content;
}

/** A changing call; asks for the token where one is needed. True when it was accepted. */
async function change(path) {
  try {
    await call(path, "POST");
    return true;
  } catch (error) {
    if ((error.status === 401 || error.code === "read_only") && (await askToken())) return change(path);
    trouble(error.message);
    return false;
  }
}

function askToken() {
  const dialog = byId("token");
  byId("tokenvalue").value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      token = dialog.returnValue === "ok" ? byId("tokenvalue").value.trim() : "";
      resolve(token !== "");
    }, { once: true });
  });
}

function trouble(text) {
  const box = byId("trouble");
  box.textContent = text || "";
  box.hidden = !text;
}
