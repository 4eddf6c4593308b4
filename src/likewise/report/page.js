// Draws every figure with the colours of the page, again when light turns dark or dark light.
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
      Plotly.react(plot, data, layout, { responsive: true, displayModeBar: false });
    }
  };
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
