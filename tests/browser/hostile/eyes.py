"""What a browser is asked about a page that is open in it."""

# At the end of what is asked for in an address: no text that is stored has it.
MARK = "\u00a7"
# Says what the policy of the page has refused: of some of it the browser says nothing else.
WATCH = """
addEventListener("securitypolicyviolation", (told) =>
  console.error(`Refused by ${told.effectiveDirective}: ${told.blockedURI} ${told.sample}`), true);
"""
OPEN_ALL = "document.querySelectorAll('details:not(.menu)').forEach((it) => { it.open = true; })"
# Which of these texts nobody can see: blanks count as one, and what only breaks a line counts as nothing.
HIDDEN = r"""(texts) => {
  const plain = (text) => text.replace(/\u200b/g, "").replace(/\s+/g, " ").trim().toLowerCase();
  const fields = [...document.querySelectorAll("input:not([type=hidden]), textarea")].map((it) => it.value);
  const seen = plain([document.title, document.body.innerText, ...fields].join("\n"));
  return texts.filter((text) => !seen.includes(plain(text)));
}"""
# What no page of ours has: elements that run or fetch, handlers, addresses of elsewhere, and what should be there.
STRANGE = r"""() => {
  const names = (it) => Element.prototype.getAttributeNames.call(it);
  const value = (it, name) => Element.prototype.getAttribute.call(it, name);
  const told = (it) => Element.prototype.cloneNode.call(it, false).outerHTML;
  const ADDRESSES = ["href", "src", "action", "formaction", "data", "poster", "background", "ping", "srcdoc", "srcset",
    "xlink:href", "manifest", "code", "codebase", "hx-get", "hx-post", "hx-put", "hx-delete", "hx-patch"];
  const HANDLERS = /^(on|x-|v-|ng-|@|:|_|hx-on|hx-vals|hx-vars|hx-headers|data-hx|data-bs-(?!theme))/i;
  const isPath = (address) => /^\/(?!\/)/.test(address);
  const isOurs = (address) => {
    try { return new URL(address, location.href).origin === location.origin; } catch { return false; }
  };
  const found = [];
  for (const it of document.querySelectorAll("*")) {
    const own = names(it);
    const handlers = own.filter((name) => HANDLERS.test(name));
    const away = own.filter((name) => ADDRESSES.includes(name.toLowerCase()) &&
      !(name.startsWith("hx-") ? isPath : isOurs)(value(it, name)));
    if (handlers.length || (away.length && !Element.prototype.matches.call(it, "img.qr"))) found.push(told(it));
  }
  const not = "iframe, frame, frameset, object, embed, applet, base, math, foreignObject, animate, set, template," +
    " portal, video, audio, source, marquee, plaintext, xmp, body style, body link, body meta," +
    " body title:not(svg title), svg script, svg a, svg image, svg use, img:not(.qr), [style]:not(canvas, body > i)," +
    " script:not([src]):not([type='application/json'])";
  for (const it of document.querySelectorAll(not)) found.push(told(it));
  if (window.hacked !== undefined || {}.hacked !== undefined) found.push("hacked");
  if (!document.querySelector("body > dialog#keys")) found.push("the end of the page is missing");
  if (document.querySelectorAll("main").length !== 1) found.push("not one main");
  return found;
}"""
# What reaches beyond the screen, where the page does: not what scrolls within the page. Charts are drawn anew in the
# next frames.
BESIDE = r"""async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  for (let tries = 0; tries < 9 && document.documentElement.scrollWidth > innerWidth; tries++) await frame();
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const scrolls = (it) => it && (getComputedStyle(it).overflowX !== "visible" || scrolls(it.parentElement));
  const told = (it) => Element.prototype.cloneNode.call(it, false).outerHTML + it.textContent.slice(0, 60);
  return [...document.querySelectorAll("main *, header *")]
    .filter((it) => it.getBoundingClientRect().right > innerWidth + 1 && !scrolls(it.parentElement))
    .slice(0, 4).map(told);
}"""
# How many there are of each element and of each of its attributes, as the page comes from the server. What depends on
# the length of a text or on the minute is left out: breaks in long words, what differs in two, rows of charts.
COUNTED = r"""(text) => {
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const it of page.querySelectorAll(".twin-rows *, mark, wbr, .run, .ticks i")) it.remove();
  const counts = {};
  for (const it of page.querySelectorAll("*")) {
    for (const name of ["", ...Element.prototype.getAttributeNames.call(it)]) {
      const key = `${it.localName} ${name}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
  }
  return counts;
}"""
# The same of pages that nobody opens, their statuses, and whether they say anything of their address.
FETCHED = f"""async (paths) => {{
  const found = [];
  for (const path of paths) {{
    const answer = await fetch(path);
    const text = await answer.text();
    found.push([answer.status, ({COUNTED})(text), text.includes("{MARK}") || text.includes(encodeURI("{MARK}"))]);
  }}
  return found;
}}"""
