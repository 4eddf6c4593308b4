// Moves the threshold, and says how many of so many pairs it would get wrong.
for (const box of document.querySelectorAll(".slider")) {
  const values = JSON.parse(box.querySelector("script").textContent);
  const range = box.querySelector("input[type=range]");
  const fraction = (rate) => {
    const near = Math.min(rate, 1 - rate);
    return rate.toFixed(near > 0 ? Math.max(3, 1 - Math.floor(Math.log10(near))) : 0);
  };
  const show = () => {
    box.querySelector("output").textContent = values.threshold[range.value];
    range.setAttribute("aria-valuetext", values.threshold[range.value]);
    for (const name of ["far", "frr"]) {
      const rate = values[name][range.value];
      const pairs = Number(box.querySelector(`[data-of=${name}]`).value);
      box.querySelector(`[data-rate=${name}]`).textContent = fraction(rate);
      const count = Math.round(rate * pairs).toLocaleString("en");
      box.querySelector(`[data-count=${name}]`).textContent = count;
    }
  };
  box.addEventListener("input", show);
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
