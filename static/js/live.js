/* Lists change in place, drafts save themselves, long work reports; htmx does the asking.
   Without this script the same links, forms and buttons load whole pages. */
(function () {
  "use strict";

  var htmx = window.htmx;
  if (!htmx) { return; }

  function main() { return document.getElementById("main"); }

  /* Said aloud once, wherever the page has changed without being loaded. */
  function say(text) {
    var voice = document.getElementById("voice");
    if (voice && text && voice.textContent !== text) { voice.textContent = text; }
  }

  function words(node) { return node ? node.textContent.replace(/[↑↓\s]+/g, " ").trim() : ""; }

  /* Lists: links that change only the question of this page, and filters. -------------------- */

  var PLACES = ["thead", "tfoot", ".views", ".chips", ".tabs"];

  /* Where the reader was: the same link in the new page, else the table itself. */
  function mark(node) {
    var place = PLACES.filter(function (name) { return node.closest(name); })[0];
    return { place: place, words: words(node), filter: Boolean(node.closest(".filters")) };
  }

  function settle(from) {
    var page = main(), next = null;
    if (!page.contains(document.activeElement)) {
      if (from.place) {
        next = Array.prototype.filter.call(page.querySelectorAll(from.place + " a"), function (link) {
          return words(link) === from.words;
        })[0];
      } else if (from.filter) {
        next = page.querySelector(".filters button[type=submit]");
      }
      if (!next) {
        next = page.querySelector(".sheet-frame") || page;
        next.setAttribute("tabindex", "-1");
        if (next.getBoundingClientRect().top < 0) { next.scrollIntoView(); }
      }
      next.focus({ preventScroll: true });
    }
    say(words(page.querySelector(".pager > span") || page.querySelector(".empty__title")));
  }

  function load(address, from) {
    main().setAttribute("aria-busy", "true");
    htmx.ajax("GET", address, {
      target: "#main", select: "#main", selectOOB: "#other-language", swap: "outerHTML show:none", push: "true",
    }).then(function () {
      if (main().getAttribute("aria-busy") !== "true") { settle(from); }
    });
  }

  document.addEventListener("click", function (event) {
    var link = event.target.closest("#main a[href^='?']");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) { return; }
    event.preventDefault();
    load(link.href, mark(link));
  });

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.matches("#main form.filters") || event.defaultPrevented) { return; }
    var address = new URL(form.action);
    if (address.pathname !== location.pathname) { return; }
    event.preventDefault();
    address.search = new URLSearchParams(new FormData(form)).toString();
    address.hash = "";
    load(address.href, mark(event.submitter || form));
  });

  /* What is no list of this page (a refusal, the sign-in) is opened as a page of its own. */
  document.addEventListener("htmx:beforeSwap", function (event) {
    var detail = event.detail;
    if (detail.target.id !== "main") { return; }
    if (detail.xhr.status >= 400 || new URL(detail.xhr.responseURL).pathname !== location.pathname) {
      detail.shouldSwap = false;
      location.assign(detail.xhr.responseURL);
    }
  });
  document.addEventListener("htmx:sendError", function (event) {
    if (event.detail.target.id === "main") { location.assign(event.detail.pathInfo.finalRequestPath); }
  });

  /* Drafts: each saving has a one-time key of its own, so that the form's key is still good. --- */

  document.addEventListener("htmx:configRequest", function (event) {
    var told = event.detail.elt.querySelector(".autosave__told");
    if (event.detail.elt.matches(".autosave") && told) { event.detail.parameters._key = told.dataset.key; }
  });
  document.addEventListener("htmx:afterRequest", function (event) {
    var place = event.detail.elt;
    if (!place.matches || !place.matches(".autosave")) { return; }
    var saved = event.detail.successful && new URL(event.detail.xhr.responseURL).pathname === location.pathname;
    place.classList.toggle("autosave--saved", saved);
    place.classList.toggle("autosave--failed", !saved);
    if (!saved) { place.querySelector(".autosave__told").textContent = place.dataset.failed; }
  });
  document.addEventListener("htmx:beforeSwap", function (event) {
    var detail = event.detail;
    if (detail.elt.matches(".autosave") && new URL(detail.xhr.responseURL).pathname !== location.pathname) {
      detail.shouldSwap = false;
    }
  });

  /* Long work says how it stands; a region that was asked for again no more is finished. ------- */

  document.addEventListener("htmx:load", function (event) {
    var part = event.target;
    var told = part.matches("[data-told]") ? part : part.querySelector("[data-told]");
    if (told) { say(told.dataset.told); }
  });
})();
