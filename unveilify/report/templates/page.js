// Columns sort by their heads: as numbers where they are, what has none last; pictures open large, with arrow keys for the next.
const number = (row, column) => {
  const words = row.cells[column].firstChild?.textContent.trim() ?? "", value = parseFloat(words.replace("−", "-"));
  return Number.isNaN(value) ? null : value;
};
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  table.querySelectorAll("thead button").forEach((button) => button.addEventListener("click", () => {
    const head = button.parentElement, column = head.cellIndex, up = head.ariaSort === "descending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...body.rows].map((row) => [number(row, column), row]);
    rows.sort(([a], [b]) => (a === null) - (b === null) || (up ? a - b : b - a));
    body.append(...rows.map(([, row]) => row));
  }));
}
const dialog = document.querySelector("dialog"), words = dialog.querySelector("p"), large = new Image();
words.before(large);
let strip = [], shown = 0;
const show = (at) => {
  shown = (at + strip.length) % strip.length;
  large.src = strip[shown].src;
  words.textContent = large.alt = strip[shown].alt;
};
for (const button of document.querySelectorAll("button.open")) button.addEventListener("click", () => {
  strip = [...button.closest(".strip").querySelectorAll("img")];
  show(strip.indexOf(button.firstElementChild));
  dialog.showModal();
});
dialog.addEventListener("keydown", ({ key }) => {
  if (key === "ArrowLeft" || key === "ArrowRight") show(shown + (key === "ArrowRight" ? 1 : -1));
});
dialog.addEventListener("click", ({ target }) => target === large ? show(shown + 1) : target === dialog && dialog.close());
