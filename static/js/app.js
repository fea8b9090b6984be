/* Small conveniences. Every page works without them: filing, judging and paying need no script. */
(function () {
  "use strict";

  function each(selector, act) {
    Array.prototype.forEach.call(document.querySelectorAll(selector), act);
  }

  function whole(root) {
    return Array.prototype.slice.call(root.querySelectorAll("tbody .check-cell input"));
  }

  /* Messages can be put away. */
  each("[data-dismiss]", function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var message = button.closest(".flash");
      if (message) { message.remove(); }
    });
  });

  /* After a refused form the summary is read first. */
  var summary = document.querySelector(".error-summary");
  if (summary) { summary.focus(); }

  /* Printing from a button. */
  each("[data-print]", function (button) {
    button.hidden = false;
    button.addEventListener("click", function () { window.print(); });
  });

  /* Rows chosen in a list. */
  each("table", function (table) {
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
  });

  /* Files can be dropped on their field. */
  each(".drop", function (zone) {
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
  });

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

  /* Escape closes the menu on a phone. */
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && location.hash === "#menu") { location.hash = "#main"; }
  });
})();
