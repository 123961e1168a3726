// Shows the picture as it stands, or the finished one beside what it was painted from, parted by a slider.
const easel = element.querySelector(".easel");

const image = (source, alt, name) => Object.assign(new Image(), { src: source, alt, className: name });

const draw = () => {
  const { empty, live, before, after } = props.value ?? {};
  if (live) {
    const shown = easel.querySelector("img.live");
    if (shown) shown.src = live;
    else easel.replaceChildren(image(live, "The picture as it stands", "live"));
  } else if (after) {
    const pair = document.createElement("div");
    pair.className = "pair";
    const range = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100, value: 50 });
    range.setAttribute("aria-label", "How much of the photo is shown before the painted picture");
    const part = () => pair.style.setProperty("--part", `${range.value}%`);
    range.addEventListener("input", part);
    part();
    pair.append(image(after, "The painted picture", "after"), image(before, "The photo", "before"), range);
    easel.replaceChildren(pair);
  } else {
    easel.replaceChildren(Object.assign(document.createElement("p"), { className: "empty", textContent: empty ?? "" }));
  }
};

draw();
watch("value", draw);
