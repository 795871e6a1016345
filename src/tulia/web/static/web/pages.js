"use strict";
// A part of the page that couldn't be fetched says so beside itself, until a fetch works again.
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => event.target.setAttribute("data-failed", ""));
}
document.addEventListener("htmx:beforeSwap", (event) => event.target.removeAttribute("data-failed"));

// A second press of a button that sends must not send a second request.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.hasAttribute("data-once")) return;
  if (form.hasAttribute("data-sent")) event.preventDefault();
  form.setAttribute("data-sent", "");
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) form.removeAttribute("data-sent");
});

// Whoever switches the test on has usually written the first message already.
document.addEventListener("change", (event) => {
  if (event.target.id !== "is_ab_test") return;
  copyTemplate(event.target.checked);
  const single = document.getElementById("message");
  const first = document.getElementById("variant_0_content");
  const [from, to] = event.target.checked ? [single, first] : [first, single];
  if (!to.value.trim()) to.value = from.value;
  to.dispatchEvent(new Event("input", { bubbles: true }));
});

function copyTemplate(isTest) {
  const [from, to] = isTest ? ["message", "variant_0"] : ["variant_0", "message"];
  const [source, goal] = [from, to].map((name) => document.getElementById(`${name}_template`));
  if (!source?.value || goal.value) return;
  const kind = document.querySelector(`[name=${from}_kind]:checked`).value;
  document.querySelector(`[name=${to}_kind][value=${kind}]`).checked = true;
  goal.value = source.value;
  goal.dispatchEvent(new Event("change", { bubbles: true }));
}

// What is being written outlives the end of a session: kept in this tab, and put back after signing in again.
const UNSENT = "unsent", form = document.querySelector("form[data-keep]");
const unsent = JSON.parse(sessionStorage.getItem(UNSENT) ?? "null");
if (document.querySelector("[data-door]")) {
  if (unsent) sessionStorage.setItem(UNSENT, JSON.stringify({ ...unsent, isInterrupted: true }));
} else if (form && unsent?.isInterrupted && unsent.path === location.pathname) {
  sessionStorage.removeItem(UNSENT);
  const again = document.createElement("form");
  again.method = "post";
  const fresh = ["csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value];
  for (const [name, value] of [...unsent.entries, fresh, ["do", "look"], ["restored", "yes"]]) {
    const input = document.createElement("input");
    [input.type, input.name, input.value] = ["hidden", name, value];
    again.append(input);
  }
  document.body.append(again);
  again.submit();
} else if (!document.querySelector("[data-passage]")) sessionStorage.removeItem(UNSENT);
if (form) {
  const keep = () => {
    const entries = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken");
    sessionStorage.setItem(UNSENT, JSON.stringify({ path: location.pathname, entries }));
  };
  for (const name of ["input", "change", "submit"]) form.addEventListener(name, keep);
}
document.querySelector("form[data-leave]")?.addEventListener("submit", () => sessionStorage.removeItem(UNSENT));

const errors = document.getElementById("form-errors");
if (errors) (document.querySelector('[aria-invalid="true"]') ?? errors).focus();
