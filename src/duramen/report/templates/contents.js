// Opens a folded section by its link in the contents, marks the section that is read, and prints all of them open.
"use strict";
(() => {
  const list = document.querySelector("nav ol"), links = [...list.querySelectorAll("a")];
  const sections = links.map(link => document.getElementById(link.hash.slice(1)));
  // A closed section has no place of its own; what folds it has.
  const places = sections.map(section => section.closest("details") || section);
  links.forEach((link, at) => link.addEventListener("click", () => { if (places[at] !== sections[at]) places[at].open = true; }));
  const mark = () => {
    const end = scrollY + innerHeight >= document.documentElement.scrollHeight - 1;
    const begun = end ? places.length : places.filter(place => place.getBoundingClientRect().top <= innerHeight / 3).length;
    links.forEach((link, at) => at === Math.max(0, begun - 1) ? link.setAttribute("aria-current", "location") : link.removeAttribute("aria-current"));
    const link = links[Math.max(0, begun - 1)];
    if (list.scrollHeight > list.clientHeight) list.scrollTop = link.offsetTop - list.clientHeight / 2;
  };
  addEventListener("scroll", mark, {passive: true});
  addEventListener("resize", mark);
  mark();
  let closed = [];
  addEventListener("beforeprint", () => { closed = [...document.querySelectorAll("details:not([open])")]; for (const part of closed) part.open = true; });
  addEventListener("afterprint", () => { for (const part of closed) part.open = false; });
})();
