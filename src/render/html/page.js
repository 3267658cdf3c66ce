"use strict";
// All that is searched is already on the page: this only finds it, marks it and goes there.
(() => {
  const MOST = 20000;
  const byId = (id) => document.getElementById(id);
  const box = byId("q"), count = byId("count"), log = byId("log"), list = byId("list");
  const chunks = Array.from(document.querySelectorAll(".c"));
  const items = Array.from(document.querySelectorAll("#list li"));
  const texts = new Array(chunks.length);
  const itemTexts = new Array(items.length);
  const textOf = (at) => (texts[at] ??= chunks[at].textContent);
  const itemText = (at) => (itemTexts[at] ??= items[at].textContent);
  const canMark = typeof Highlight === "function" && CSS.highlights;
  // Hits as [chunk, start, end], in order; byChunk has the first hit of each chunk.
  let hits = [], byChunk = new Map(), now = -1;
  const near = new Set();

  const pattern = (word) => new RegExp(word.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"), "giu");

  const range = ([chunk, start, end]) => {
    const found = document.createRange();
    const walker = document.createTreeWalker(chunks[chunk], NodeFilter.SHOW_TEXT);
    let offset = 0, isStarted = false;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const next = offset + node.length;
      if (!isStarted && start < next) {
        found.setStart(node, start - offset);
        isStarted = true;
      }
      if (isStarted && end <= next) {
        found.setEnd(node, end - offset);
        return found;
      }
      offset = next;
    }
    return found;
  };

  const paint = () => {
    if (!canMark) return;
    const ranges = [];
    for (const at of near) {
      for (let hit = byChunk.get(at); hit < hits.length && hits[hit][0] === at; hit++) {
        ranges.push(range(hits[hit]));
      }
    }
    CSS.highlights.set("hit", new Highlight(...ranges));
    const current = new Highlight(...(now >= 0 ? [range(hits[now])] : []));
    current.priority = 1;
    CSS.highlights.set("now", current);
  };

  const say = () => {
    const more = hits.length >= MOST ? "+" : "";
    count.value = box.value === "" ? "" : hits.length === 0 ? "no hit" : `${now + 1} of ${hits.length}${more}`;
    document.body.dataset.hits = box.value === "" ? "" : hits.length;
  };

  // What is far away has no layout yet, so it may be elsewhere once it is near: look again.
  const bring = (place, tries) => {
    const at = place.getBoundingClientRect();
    const top = byId("find").getBoundingClientRect().bottom;
    const isIn = at.top >= top && at.bottom <= innerHeight;
    document.body.dataset.now = isIn ? "in view" : "";
    if (!isIn && tries > 0) {
      scrollBy(0, at.top - (top + innerHeight) / 2);
      requestAnimationFrame(() => bring(place, tries - 1));
      return;
    }
    const area = log.getBoundingClientRect();
    if (at.left < area.left || at.right > area.right) log.scrollLeft += at.left - area.left - 40;
    paint();
  };

  const go = (to) => {
    if (hits.length === 0) return;
    now = (to + hits.length) % hits.length;
    const chunk = chunks[hits[now][0]];
    const place = range(hits[now]);
    for (let fold = place.startContainer.parentElement; fold && fold !== chunk; fold = fold.parentElement) {
      if (fold.tagName === "DETAILS") fold.open = true;
    }
    chunk.scrollIntoView({ block: "nearest" });
    requestAnimationFrame(() => bring(place, 5));
    say();
  };

  const search = (start) => {
    const word = box.value;
    hits = [];
    byChunk = new Map();
    now = -1;
    if (word !== "") {
      const wanted = pattern(word);
      for (let at = 0; at < chunks.length && hits.length < MOST; at++) {
        for (const found of textOf(at).matchAll(wanted)) {
          if (!byChunk.has(at)) byChunk.set(at, hits.length);
          hits.push([at, found.index, found.index + found[0].length]);
          if (hits.length >= MOST) break;
        }
      }
    }
    sift();
    say();
    paint();
    if (hits.length > 0) go(start ?? 0);
  };

  const sift = () => {
    const which = document.querySelector("#which input:checked").value;
    const wanted = box.value === "" ? null : pattern(box.value);
    items.forEach((item, at) => {
      const isWanted = (which === "" || item.classList.contains(which))
        && (wanted === null || itemText(at).search(wanted) >= 0);
      if (item.hidden === isWanted) item.hidden = !isWanted;
    });
  };

  const remember = () => {
    const hash = box.value === "" ? "#" : `#q=${encodeURIComponent(box.value)}`;
    try {
      history.replaceState(null, "", hash);
    } catch {
      // Some browsers refuse this for files; nothing depends on it.
    }
  };

  const follow = () => {
    if (!location.hash.startsWith("#q=")) return;
    try {
      box.value = decodeURIComponent(location.hash.slice(3));
    } catch {
      box.value = location.hash.slice(3);
    }
    search();
  };

  // The statements in their places, for the keys [ and ].
  const step = (by) => {
    const marks = Array.from(document.querySelectorAll(".st"));
    const top = byId("find").getBoundingClientRect().bottom + 8;
    const here = marks.findIndex((mark) => mark.getBoundingClientRect().top > top);
    const at = by > 0 ? (here < 0 ? marks.length : here) : (here < 0 ? marks.length : here) - 2;
    marks[Math.min(Math.max(at, 0), marks.length - 1)]?.scrollIntoView({ block: "start" });
  };

  let waiting = 0;
  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { search(); remember(); }, 120);
  });
  byId("find").addEventListener("submit", (event) => event.preventDefault());
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      go(now + (event.shiftKey ? -1 : 1));
    }
  });
  byId("on").addEventListener("click", () => go(now + 1));
  byId("back").addEventListener("click", () => go(now - 1));
  byId("wrap").addEventListener("change", (event) => log.classList.toggle("wrapped", event.target.checked));
  byId("which").addEventListener("change", sift);
  addEventListener("hashchange", follow);
  addEventListener("keydown", (event) => {
    if (event.target === box || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      box.focus();
      box.select();
    } else if (event.key === "n") go(now + 1);
    else if (event.key === "N") go(now - 1);
    else if (event.key === "]") step(1);
    else if (event.key === "[") step(-1);
  });
  if (matchMedia("(max-width: 52rem)").matches) list.open = false;
  const places = new Map(chunks.map((chunk, at) => [chunk, at]));
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const at = places.get(entry.target);
      if (entry.isIntersecting) near.add(at);
      else near.delete(at);
    }
    if (hits.length > 0) paint();
  }, { rootMargin: "200px" });
  for (const chunk of chunks) watch.observe(chunk);
  document.body.dataset.ready = "yes";
  follow();
})();
