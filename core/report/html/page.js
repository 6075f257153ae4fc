// What report.html gains by a script; all of it can be read without. ASCII: it goes into the page as it is.
(() => {
  "use strict";

  // A word and what it was copied from show together, wherever the pointer or the focus is.
  const linkOf = (node) => (node instanceof Element ? node.closest("[data-link]") : null);
  const pair = (event) => {
    for (const old of document.querySelectorAll(".paired")) old.classList.remove("paired");
    const link = linkOf(event.target);
    const shown = link && link.closest(".shown");
    if (!shown) return;
    for (const end of shown.querySelectorAll("[data-link]")) {
      if (end.dataset.link === link.dataset.link) end.classList.add("paired");
    }
  };
  document.addEventListener("pointerover", pair);
  document.addEventListener("focusin", pair);

  // A run that goes on: the same address is asked again, and what the reader opened, looks at and stands on stays.
  const kSeconds = 5;
  const keep = () => ({
    open: [...document.querySelectorAll("details[id]")].map((one) => [one.id, one.open]),
    scrolls: [...document.querySelectorAll("main [tabindex='0']")].map((one) => [one.scrollLeft, one.scrollTop]),
    focused: [...document.querySelectorAll("main a, main summary, main [tabindex='0']")].indexOf(document.activeElement),
    y: window.scrollY,
  });
  const restore = (kept) => {
    for (const [id, open] of kept.open) {
      const one = document.getElementById(id);
      if (one) one.open = open;
    }
    const boxes = document.querySelectorAll("main [tabindex='0']");
    kept.scrolls.forEach(([left, top], i) => { if (boxes[i]) boxes[i].scrollTo(left, top); });
    const places = document.querySelectorAll("main a, main summary, main [tabindex='0']");
    if (kept.focused >= 0 && places[kept.focused]) places[kept.focused].focus({ preventScroll: true });
    window.scrollTo({ top: kept.y, behavior: "instant" });
  };
  let shownText = "";
  const show = (next) => {
    const kept = keep();
    document.querySelector("main").replaceChildren(...next.querySelector("main").childNodes);
    document.querySelector("nav").replaceChildren(...next.querySelector("nav").childNodes);
    restore(kept);
  };
  const refresh = async () => {
    try {
      const answer = await fetch(location.href.split("#")[0], { cache: "no-store" });
      const text = answer.ok ? await answer.text() : shownText;
      if (text !== shownText) {
        const next = new DOMParser().parseFromString(text, "text/html");
        show(next);
        shownText = text;
        if (!next.body.hasAttribute("data-live")) return;
      }
    } catch (error) {
      // The run may be over, or the machine asleep: it is asked again.
    }
    setTimeout(refresh, 1000 * kSeconds);
  };
  if (document.body.hasAttribute("data-live")) setTimeout(refresh, 1000 * kSeconds);
})();
