/* Draws the charts of a page from the option that each carries; see core/web/charts.py. */
(function () {
  "use strict";

  var NAMED = /^(color|backgroundColor|borderColor|fontFamily)$/;

  /* Colours and the font are names of tokens, so that a theme changes them. */
  function resolve(value, style) {
    if (Array.isArray(value)) { return value.map(function (item) { return resolve(item, style); }); }
    if (!value || typeof value !== "object") { return value; }
    Object.keys(value).forEach(function (key) {
      var item = value[key];
      if (NAMED.test(key) && typeof item === "string" && item.slice(0, 2) === "--") {
        value[key] = style.getPropertyValue(item).trim();
      } else {
        value[key] = resolve(item, style);
      }
    });
    return value;
  }

  /* What a pointer is told: the same words as in the table. */
  function told(points) {
    var all = [].concat(points);
    var head = all[0].seriesType === "pie" ? "" : all[0].name + "\n";
    return head + all.map(function (point) {
      var name = point.seriesType === "pie" ? point.name : point.seriesName;
      return (all.length > 1 ? point.marker : "") + (name.indexOf("series\u0000") === 0 ? "" : name + "  ") + point.data.words;
    }).join("\n");
  }

  function picture(plot) {
    var image = new Image();
    image.className = "chart__picture";
    image.alt = plot.getAttribute("aria-label");
    image.src = plot.dataset.picture;
    plot.replaceWith(image);
  }

  /* How many lines the names of the series take at this width: 12 px marks, 16 px between, letters as set. */
  function namesOver(option, width) {
    var lines = 1, used = 0;
    option.series.forEach(function (one) {
      var need = 33;
      for (var place = 0; place < one.name.length; place += 1) {
        need += one.name.charCodeAt(place) > 0x2e7f ? 12 : 6.8;
      }
      if (used > 0 && used + need > width) { lines += 1; used = 0; }
      used += need;
    });
    return lines;
  }

  function draw(plot, echarts) {
    var option = resolve(JSON.parse(plot.dataset.option), getComputedStyle(document.documentElement));
    option.tooltip.formatter = told;
    var chart = echarts.init(plot, null, { renderer: "svg" });
    chart.setOption(option);
    var top = option.grid && option.grid.top;
    /* More lines of names push the drawing down. */
    function makeRoom() {
      if (option.legend && option.grid) {
        chart.setOption({ grid: { top: top + 22 * (namesOver(option, chart.getWidth()) - 1) } });
      }
    }
    makeRoom();
    chart.on("click", function (event) {
      if (event.data && event.data.url) { location.assign(event.data.url); }
    });
    /* A view box lets paper scale what was drawn for the screen. */
    function box() {
      var svg = plot.querySelector("svg");
      if (svg) { svg.setAttribute("viewBox", "0 0 " + chart.getWidth() + " " + chart.getHeight()); }
    }
    box();
    if (window.ResizeObserver) {
      new ResizeObserver(function () {
        if (plot.clientWidth && plot.clientWidth !== chart.getWidth()) { chart.resize(); makeRoom(); box(); }
      }).observe(plot);
    }
  }

  function all(root) {
    var plots = Array.prototype.slice.call(root.querySelectorAll(".chart__plot:not([data-drawn])"));
    plots.forEach(function (plot) {
      plot.dataset.drawn = "";
      plot.style.height = plot.dataset.height + "px";
    });
    if (!plots.length) { return; }
    import(plots[0].dataset.library).then(function (echarts) {
      plots.forEach(function (plot) { draw(plot, echarts); });
    }).catch(function () { plots.forEach(picture); });
  }

  all(document);
  document.addEventListener("htmx:load", function (event) { all(event.target); });
})();
