// Draws the cards once; later only those that are new, so that nothing that is ticked or moved is lost.
const row = element.querySelector(".row");
const one = props.choose === "one";
const group = `cards-${Math.random().toString(36).slice(2)}`;

const tell = () => {
  const chosen = [...row.querySelectorAll(".card")].filter((each) => each.querySelector(".pick").checked);
  for (const each of row.querySelectorAll(".card")) {
    const range = each.querySelector(".weight");
    if (range) range.hidden = !(chosen.length > 1 && chosen.includes(each));
  }
  const weight = (each) => (chosen.length > 1 && each.querySelector(".weight")?.valueAsNumber) || 1;
  props.value = Object.fromEntries(chosen.map((each) => [each.dataset.key, weight(each)]));
};

const draw = (added) => {
  const known = new Set([...row.children].map((each) => each.dataset.key));
  for (const { key, title, picture } of props.cards) {
    if (known.has(key)) continue;
    const each = document.createElement("div");
    each.className = "card";
    each.dataset.key = key;
    const label = document.createElement("label");
    const pick = document.createElement("input");
    pick.type = one ? "radio" : "checkbox";
    pick.name = group;
    pick.className = "pick";
    // what a visitor adds is meant to be used
    pick.checked = key in (props.value ?? {}) || (added && !one);
    const image = document.createElement("img");
    image.src = picture;
    image.alt = "";
    const name = document.createElement("span");
    name.textContent = title;
    label.append(pick, image, name);
    each.append(label);
    if (!one) {
      const range = document.createElement("input");
      Object.assign(range, { type: "range", min: 0.1, max: 2, step: 0.1, value: 1, className: "weight" });
      range.setAttribute("aria-label", `How much of ${title}`);
      range.hidden = true;
      each.append(range);
    }
    row.append(each);
  }
};

draw(false);
watch("cards", () => { draw(true); tell(); trigger("change"); });
watch("value", () => {
  for (const each of row.querySelectorAll(".card")) {
    each.querySelector(".pick").checked = each.dataset.key in (props.value ?? {});
  }
});
element.addEventListener("input", (event) => { event.stopPropagation(); tell(); });
element.addEventListener("change", (event) => { event.stopPropagation(); tell(); trigger("change"); });
