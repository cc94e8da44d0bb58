"use strict";
// Sorts and filters the lists of witnesses. It reads only what stands in the table and writes only text and order.
for (const controls of document.querySelectorAll(".controls")) {
  const table = document.getElementById(controls.dataset.for);
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const [words, outcome, status] = ["input", "select", "output"].map((name) => controls.querySelector(name));
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const order = new Intl.Collator("en", { numeric: true }).compare;

  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits = (!outcome.value || row.dataset.outcome === outcome.value)
        && wanted.every((word) => texts.get(row).includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    status.textContent = `${shown} of ${rows.length} shown`;
  };

  const sort = (heading, column) => {
    const falling = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) {
      if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    }
    heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const keyed = rows.map((row) => {
      const cell = row.cells[column];
      const key = cell.dataset.key === undefined ? NaN : Number(cell.dataset.key);
      return { row, key, text: cell.textContent };
    });
    keyed.sort((a, b) => {
      const lost = Number.isNaN(a.key) - Number.isNaN(b.key);
      if (lost) return lost; // what has no number comes last either way
      const found = Number.isNaN(a.key) ? order(a.text, b.text) : a.key - b.key;
      return falling ? -found : found;
    });
    body.append(...keyed.map((entry) => entry.row));
  };

  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    if (rows.some((row) => row.cells[column].querySelector("img"))) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => sort(heading, column));
  });
  words.addEventListener("input", filter);
  outcome.addEventListener("change", filter);
  controls.hidden = false;
  filter();
}
