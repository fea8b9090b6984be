/* Small conveniences. Every page works without them: filing, judging and paying need no script. */
(function () {
  "use strict";

  function each(selector, act, root) {
    Array.prototype.forEach.call((root || document).querySelectorAll(selector), act);
  }

  function whole(root) {
    return Array.prototype.slice.call(root.querySelectorAll("tbody .check-cell input"));
  }

  function button(selector, root, act) {
    each(selector, function (node) {
      node.hidden = false;
      node.addEventListener("click", function () { act(node); });
    }, root);
  }

  /* Where one is among tabs and views that do not fit the screen. */
  each(".tabs [aria-current], .views [aria-current], .sections [aria-current]", function (node) {
    var row = node.parentNode;
    row.scrollLeft = Math.max(0, node.offsetLeft - row.offsetLeft - (row.clientWidth - node.offsetWidth) / 2);
  });

  /* Rows chosen in a list. */
  function rows(table) {
    var all = table.querySelector("[data-check-all]");
    function mark() {
      var boxes = whole(table);
      var chosen = boxes.filter(function (box) { return box.checked; });
      boxes.forEach(function (box) {
        var row = box.closest("tr");
        if (row) { row.setAttribute("aria-selected", String(box.checked)); }
      });
      if (all) {
        all.checked = boxes.length > 0 && chosen.length === boxes.length;
        all.indeterminate = chosen.length > 0 && chosen.length < boxes.length;
      }
    }
    if (!table.querySelector(".check-cell")) { return; }
    table.addEventListener("change", function (event) {
      if (event.target === all) {
        whole(table).forEach(function (box) { box.checked = all.checked; });
      }
      mark();
    });
    mark();
  }

  /* Files can be dropped on their field. */
  function drop(zone) {
    var input = zone.querySelector("input[type=file]");
    var words = zone.querySelector("[data-drop-words]");
    if (!input || !window.DataTransfer) { return; }
    if (words) { words.hidden = false; }
    zone.addEventListener("dragover", function (event) { event.preventDefault(); });
    zone.addEventListener("drop", function (event) {
      event.preventDefault();
      if (event.dataTransfer.files.length) {
        input.files = event.dataTransfer.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
      }
    });
  }

  /* A part of a page, as it comes. */
  function dress(root) {
    button("[data-dismiss]", root, function (node) {
      var message = node.closest(".flash");
      if (message) { message.remove(); }
    });
    button("[data-print]", root, function () { window.print(); });
    each("table", rows, root);
    each(".drop", drop, root);
    each(".sheet-frame", reach, root);
  }

  /* What lies beside a narrow screen is reached by keyboard too; a frame that holds links is on the way anyway. */
  function reach(frame) {
    if (frame.scrollWidth <= frame.clientWidth || frame.hasAttribute("tabindex") || frame.querySelector("a, input, select, button, textarea")) { return; }
    var name = frame.querySelector("caption, th");
    frame.setAttribute("tabindex", "0");
    frame.setAttribute("role", "region");
    frame.setAttribute("aria-label", name ? name.textContent.trim() : document.title);
  }

  dress(document);
  window.addEventListener("resize", function () { each(".sheet-frame", reach); });
  document.addEventListener("htmx:load", function (event) {
    if (event.target !== document.body) { dress(event.target); }
  });

  /* After a refused form the summary is read first. */
  var summary = document.querySelector(".error-summary");
  if (summary) { summary.focus(); }

  /* A form is sent once; the server refuses a second time anyway. */
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method !== "post" || event.defaultPrevented) { return; }
    if (form.getAttribute("aria-busy") === "true") { event.preventDefault(); return; }
    form.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", function () {
    each("form[aria-busy]", function (form) { form.removeAttribute("aria-busy"); });
  });

  /* Escape closes what was opened by its address: the menu and the further filters on a phone. */
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && (location.hash === "#menu" || location.hash === "#filters")) {
      var opener = document.querySelector("a[href='" + location.hash + "']");
      location.hash = "#main";
      if (opener) { opener.focus(); }
    }
  });
})();
