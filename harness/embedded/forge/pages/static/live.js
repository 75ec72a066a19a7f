// Keeps what carries data-live="<seconds>" up to date, and lets a click copy what carries data-copy.
// Every page is whole without this file.
"use strict";

(() => {
  const regions = () => [...document.querySelectorAll("[data-live]")].filter((one) => Number(one.dataset.live) > 0);
  let mark = "";

  const typing = (region) => {
    const at = document.activeElement;
    return region.contains(at) && ["INPUT", "TEXTAREA", "SELECT"].includes(at.tagName);
  };

  const swap = (old, fresh) => {
    if (typing(old) || old.innerHTML === fresh.innerHTML) return;
    const opened = new Map([...old.querySelectorAll("details[id]")].map((one) => [one.id, one.open]));
    const scrolled = new Map([...old.querySelectorAll(".output")].map((one) => [one.parentElement.id, one.scrollTop + one.clientHeight + 40 >= one.scrollHeight ? -1 : one.scrollTop]));
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const known = new Set(opened.keys());
    old.replaceChildren(...fresh.childNodes);
    old.dataset.live = fresh.dataset.live;
    for (const one of old.querySelectorAll("details[id]")) {
      if (known.has(one.id) && !one.classList.contains("running")) one.open = opened.get(one.id) || one.open;
    }
    for (const one of old.querySelectorAll(".output")) {
      const top = scrolled.get(one.parentElement.id);
      one.scrollTop = top === undefined || top < 0 ? one.scrollHeight : top;
    }
    if (focused) old.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  };

  const refresh = async () => {
    const headers = { accept: "text/html", "x-live": "1" };
    if (mark) headers["if-none-match"] = mark;
    const answer = await fetch(location.href, { headers, credentials: "same-origin", redirect: "error" });
    if (answer.status !== 200) return;
    mark = answer.headers.get("etag") || "";
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of regions()) {
      const fresh = page.getElementById(old.id);
      if (fresh) swap(old, fresh);
    }
  };

  const loop = async () => {
    const wait = Math.min(...regions().map((one) => Number(one.dataset.live)));
    if (!Number.isFinite(wait)) return;
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    if (!document.hidden) {
      try {
        await refresh();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 5000)); // the forge restarts: try again a little later
      }
    }
    loop();
  };

  for (const one of document.querySelectorAll("nav [aria-current]")) {
    const nav = one.closest("nav");
    nav.scrollLeft = one.offsetLeft + one.offsetWidth / 2 - nav.offsetLeft - nav.clientWidth / 2;
  }
  for (const one of document.querySelectorAll(".output")) one.scrollTop = one.scrollHeight;
  for (const one of document.querySelectorAll("[data-copy]")) {
    one.addEventListener("focus", () => one.select());
    if (!navigator.clipboard) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.className = "copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(one.value);
      button.textContent = "Copied";
    });
    one.after(button);
  }
  // One menu at a time, closed by Escape or a click elsewhere.
  const close = (kept) => {
    for (const one of document.querySelectorAll("details.menu[open]")) if (one !== kept && !one.contains(kept)) one.open = false;
  };
  document.addEventListener("click", (event) => close(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.activeElement?.closest("details.menu[open]");
    close(null);
    menu?.querySelector("summary").focus();
  });
  loop();
})();
