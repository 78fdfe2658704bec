// Theme switch, focus, copying and the one message the server cannot send. Everything else is HTML.

// --- theme ---

const root = document.documentElement;
const themeSwitch = document.getElementById("theme-switch");

function showTheme() {
  themeSwitch?.setAttribute("aria-pressed", String(root.dataset.bsTheme === "dark"));
}

if (themeSwitch) {
  themeSwitch.hidden = false;
  showTheme();
  themeSwitch.addEventListener("click", () => {
    root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.bsTheme);
    } catch {
      // storage is switched off: the choice lasts for this page
    }
    showTheme();
  });
  new MutationObserver(showTheme).observe(root, { attributeFilter: ["data-bs-theme"] });
}

// --- while Sage is asked: said to those who do not see the button turn ---

const asking = document.getElementById("asking");

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!isQuiet(event)) asking.textContent = event.detail.elt.dataset.asking ?? "";
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!isQuiet(event)) asking.textContent = "";
});

// What a page asks by itself: nobody waits for it, and nobody is told when it gets no answer.
function isQuiet(event) {
  return event.detail.elt && "quiet" in event.detail.elt.dataset;
}

// --- rows that say by themselves what Sage said: only while somebody looks ---

const LOOKS_AGAIN_AFTER = 10_000;
const live = document.getElementById("live");

function lookAgain() {
  if (document.visibilityState === "visible") htmx.trigger(live, "live");
}

if (live) {
  setInterval(lookAgain, LOOKS_AGAIN_AFTER);
  document.addEventListener("visibilitychange", lookAgain);
  document.addEventListener("htmx:oobAfterSwap", (event) => {
    const said = event.detail.target.querySelector?.("[data-says]");
    const row = said?.closest("tr");
    if (row) row.dataset.presence = said.dataset.says;
  });
}

// --- selecting rows ---

const selectAll = document.getElementById("select-all");
const boxes = () => [...document.querySelectorAll('#panel input[name="cco"]')];

function countSelected() {
  const all = boxes();
  const selected = all.filter((box) => box.checked).length;
  document.getElementById("selected").textContent = selected ? `${selected} selected` : "";
  selectAll.checked = selected > 0 && selected === all.length;
  selectAll.indeterminate = selected > 0 && selected < all.length;
}

if (selectAll && document.getElementById("selected")) {
  selectAll.hidden = false;
  countSelected(); // the browser may have kept what was selected
  selectAll.addEventListener("change", () => {
    for (const box of boxes()) box.checked = selectAll.checked;
    countSelected();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches('input[name="cco"]')) countSelected();
  });
  document.addEventListener("htmx:afterSettle", countSelected);
}

// --- a dialog: an answer fills and opens it, Escape or its own button closes it ---

const dialog = document.getElementById("dialog");

// Once it has settled: until then htmx itself gives the focus to what asks for it, whoever has it by then.
dialog?.addEventListener("htmx:afterSettle", () => {
  if (!dialog.open && dialog.firstElementChild) dialog.showModal(); // a refusal leaves it empty
});
dialog?.addEventListener("close", () => dialog.replaceChildren());

// --- a message that was read ---

document.addEventListener("click", (event) => {
  const close = event.target.closest?.(".message-close");
  if (!close) return;
  close.closest(".message").remove();
  document.getElementById("panel-heading")?.focus({ preventScroll: true });
});

// --- copying a block: the button is only there where the browser lets a page do it ---

for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
    asking.textContent = button.textContent = "Copied";
  });
}

// --- focus after an answer about a row ---

const calm = matchMedia("(prefers-reduced-motion: reduce)");

document.addEventListener("htmx:beforeSwap", (event) => {
  const row = event.detail.target?.closest?.("#panel tr[id^=cco-]");
  if (!row || !event.detail.shouldSwap || event.detail.swapOverride) return; // the server's own wish goes first

  // Only a row that leaves fades; one that stays is replaced in place.
  const stays = event.detail.serverResponse.includes(`id="${row.id}"`);
  if (!stays && !calm.matches) event.detail.swapOverride = "outerHTML swap:180ms";

  const rows = [...document.querySelectorAll("#panel tr[id^=cco-]")];
  const ids = rows.slice(rows.indexOf(row)).map((one) => one.id);
  // htmx tells nobody when a row is replaced by nothing, so the document is asked.
  new MutationObserver((_, observer) => {
    if (row.isConnected) return;
    observer.disconnect();
    takeUpFocus(ids);
  }).observe(document.getElementById("panel"), { childList: true, subtree: true });
});

// To the first button of these rows that acts; the heading when there is none.
function takeUpFocus(ids) {
  if (document.activeElement !== document.body) return; // the person has moved on
  const button = ids
    .map((id) => document.getElementById(id)?.querySelector(".row-actions form button:enabled"))
    .find(Boolean);
  (button ?? document.getElementById("panel-heading"))?.focus({ preventScroll: !button });
}

// --- no answer, or one that fits nowhere: say so, never stay silent ---

function sayNoAnswer(event) {
  if (isQuiet(event)) return;
  const words = document.getElementById("no-answer");
  document.getElementById("messages-status").replaceChildren();
  document.getElementById("messages-alert").replaceChildren(words.content.cloneNode(true));
}

for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError", "htmx:swapError"]) {
  document.addEventListener(name, sayNoAnswer);
}

document.addEventListener("htmx:afterRequest", (event) => {
  // The button was switched off while it waited, and lost the focus by that. Where the form was replaced,
  // htmx names what is around it.
  const asked = event.detail.elt;
  if (asked.matches("form, button") && document.activeElement === document.body) {
    (asked.querySelector("button") ?? asked).focus();
  }
});

// --- Escape closes the words beside a button until pointer and focus have left ---

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const why of document.querySelectorAll(".with-reasons:is(:hover, :focus-within)")) why.dataset.closed = "";
});
for (const name of ["mouseout", "focusout"]) {
  document.addEventListener(name, (event) => {
    const why = event.target.closest?.(".with-reasons");
    if (why && !why.contains(event.relatedTarget)) delete why.dataset.closed;
  });
}
