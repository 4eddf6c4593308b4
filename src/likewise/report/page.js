// Moves the threshold: the rates and counts of the page's own curve, where it stands.
for (const box of document.querySelectorAll(".slider")) {
  const values = JSON.parse(box.querySelector("script").textContent);
  const range = box.querySelector("input");
  range.addEventListener("input", () => {
    for (const cell of box.querySelectorAll("[data-of]")) {
      cell.textContent = values[cell.dataset.of][range.value];
    }
    range.setAttribute("aria-valuetext", values.thresholds[range.value]);
  });
}
// Draws every figure with the colours of the page, again when light turns dark or dark light, and
// at the width it has, whenever that changes.
(() => {
  const draw = () => {
    const style = getComputedStyle(document.documentElement);
    for (const plot of document.querySelectorAll(".plot")) {
      const text = plot.parentElement.querySelector("script").textContent;
      const colours = {};
      for (const [name, token] of Object.entries(JSON.parse(text).tokens)) {
        colours[token] = style.getPropertyValue(`--${name}`).trim();
      }
      const { data, layout } = JSON.parse(text, (_, value) => colours[value] ?? value);
      Plotly.react(plot, data, layout, { displayModeBar: false });
    }
  };
  draw();
  const fit = ({ target }) => Plotly.relayout(target, { autosize: true });
  const watch = new ResizeObserver((seen) => seen.forEach(fit));
  document.querySelectorAll(".plot").forEach((plot) => watch.observe(plot));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
