"use strict";
// Keys, copying, and word of what is new. All of it only spares a hand: no act needs it, and no
// key changes anything without a form between.

const typing = (element) =>
  element && (/^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) || element.isContentEditable);

const rooms = { i: "/inbox", c: "/c", a: "/find", f: "/following", h: "/health", l: "/lists" };
let before = "";

function lines() {
  return [...document.querySelectorAll("ol.list a, table.cards tbody td:nth-child(2) a, table.moves td:first-child a")];
}

function move(step) {
  const all = lines();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  const selected = all.findIndex((each) => each.getAttribute("aria-current"));
  const from = at >= 0 ? at : selected;
  const next = Math.max(0, Math.min(all.length - 1, from + step));
  all[next].focus();
}

function press(selector) {
  const found = document.querySelector(selector);
  if (!found) return false;
  if (found.tagName === "A") window.location = found.href;
  else found.focus();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const key = event.key;
  if (before === "g") {
    before = "";
    if (rooms[key]) {
      event.preventDefault();
      window.location = rooms[key];
    }
    return;
  }
  before = key === "g" ? "g" : "";
  const wanted = {
    j: () => move(1),
    k: () => move(-1),
    "/": () => {
      const box = document.querySelector("input[type=search]");
      if (box) box.focus();
      else window.location = "/find";
    },
    "?": () => { window.location = "/help/keys"; },
    t: () => press("[data-key=t]") || press("[data-key=o]"),
    n: () => press("[data-key=n]"),
    h: () => press("[data-key=h]"),
    c: () => press("[data-key=c]"),
    f: () => press("[data-key=f]"),
    l: () => press("[data-key=l]"),
    m: () => press("[data-key=m]"),
    p: () => press("[data-key=p]"),
    w: () => press("[data-key=w]"),
    x: () => {
      const row = document.activeElement && document.activeElement.closest("tr");
      const box = row && row.querySelector("input[type=checkbox]");
      if (box) box.checked = !box.checked;
    },
  }[key];
  if (wanted) {
    event.preventDefault();
    wanted();
  }
});

// A button beside each address and hash, where the browser can copy.
if (navigator.clipboard) {
  for (const each of document.querySelectorAll(".mono")) {
    if (each.textContent.length < 20 || each.closest("ol.list")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "copy";
    button.setAttribute("aria-label", `Copy ${each.textContent.slice(0, 12)}...`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(each.textContent.trim());
      button.textContent = "copied";
    });
    each.after(button);
  }
}

// A form that somebody asked for is where they write next. (Not on a phone: its keyboard would hide it.)
if (new URLSearchParams(window.location.search).has("do") && window.matchMedia("(min-width: 761px)").matches) {
  // After the browser has gone to the #form of the address, which takes the focus away.
  window.addEventListener("load", () => {
    const first = document.querySelector("#form select, #form textarea");
    if (first && !typing(document.activeElement)) first.focus();
  });
}

// What came since this page was made is said, and shown only when somebody asks for it.
const news = document.getElementById("news");
if (news) {
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(`/inbox/new?since=${news.dataset.since}`);
      const number = answer.ok ? Number(await answer.text()) : 0;
      if (number > 0) {
        news.hidden = false;
        news.querySelector("a").textContent = `${number} new since this page was made: show`;
      }
    } catch { /* the next look may go better; the page says as of when it is */ }
  };
  setInterval(look, 30000);
}
