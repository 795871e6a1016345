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
  const single = document.getElementById("message");
  const first = document.getElementById("variant_0_content");
  const [from, to] = event.target.checked ? [single, first] : [first, single];
  if (!to.value.trim()) to.value = from.value;
  to.dispatchEvent(new Event("input", { bubbles: true }));
});

const errors = document.getElementById("form-errors");
if (errors) (document.querySelector('[aria-invalid="true"]') ?? errors).focus();
