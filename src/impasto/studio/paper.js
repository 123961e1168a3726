// A drawing over a picture: strokes are kept in a canvas as they are, so that undoing is putting an older one back.
const LONGEST = 640;
const MOST_UNDOS = 20;
// what is updated later comes without the rest
const { told, needs, label } = props;
const paper = element.querySelector(".paper");
paper.innerHTML = `
  <div class="inks" role="radiogroup" aria-label="Colour"></div>
  <div class="tools">
    <div role="radiogroup" aria-label="Tool" class="choice">
      <label><input type="radio" name="tool" value="brush" checked>Brush</label>
      <label><input type="radio" name="tool" value="fill">Fill</label>
      <label><input type="radio" name="tool" value="erase">Erase</label>
      <label><input type="radio" name="tool" value="pick">Pick a colour</label>
    </div>
    <label>Width <input type="range" class="width" min="4" max="120" value="48"></label>
    <button type="button" class="undo">Undo</button>
    <button type="button" class="clear">Clear</button>
  </div>
  <div class="sheet"><img alt=""><canvas tabindex="0" role="img"></canvas></div>
  <p class="hint"></p>`;
const find = (name) => paper.querySelector(name);
const canvas = find("canvas"), picture = find("img"), inks = find(".inks"), hint = find(".hint");
const context = canvas.getContext("2d", { willReadFrequently: true });
const names = `ink-${Math.random().toString(36).slice(2)}`;
for (const each of paper.querySelectorAll("[name=tool]")) each.name = `${names}-tool`;
let undos = [], last = null, cross = null;

const tool = () => paper.querySelector(`[name=${names}-tool]:checked`).value;
const color = () => inks.querySelector("input:checked")?.value;
const keep = () => {
  undos.push(context.getImageData(0, 0, canvas.width, canvas.height));
  if (undos.length > MOST_UNDOS) undos.shift();
};
const tell = () => {
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const blank = !data.some((sample, index) => index % 4 === 3 && sample > 127);
  props.value = blank ? "" : canvas.toDataURL("image/png");
};

const stroke = (from, to) => {
  context.globalCompositeOperation = tool() === "erase" ? "destination-out" : "source-over";
  context.strokeStyle = color() ?? "#000";
  context.lineWidth = find(".width").valueAsNumber;
  context.lineCap = "round";
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x + 0.01, to.y);
  context.stroke();
  context.globalCompositeOperation = "source-over";
};

const fill = ({ x, y }) => {
  const { width, height } = canvas;
  const image = context.getImageData(0, 0, width, height);
  const samples = new Uint32Array(image.data.buffer);
  const wanted = document.createElement("canvas").getContext("2d");
  wanted.fillStyle = color();
  wanted.fillRect(0, 0, 1, 1);
  const [ink] = new Uint32Array(wanted.getImageData(0, 0, 1, 1).data.buffer);
  const start = Math.floor(y) * width + Math.floor(x), old = samples[start];
  if (old === ink) return;
  const waiting = [start];
  while (waiting.length) {
    const place = waiting.pop();
    if (samples[place] !== old) continue;
    samples[place] = ink;
    const column = place % width;
    if (column > 0) waiting.push(place - 1);
    if (column < width - 1) waiting.push(place + 1);
    if (place >= width) waiting.push(place - width);
    if (place < width * (height - 1)) waiting.push(place + width);
  }
  context.putImageData(image, 0, 0);
};

const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return {
    x: ((event.clientX - box.left) / box.width) * canvas.width,
    y: ((event.clientY - box.top) / box.height) * canvas.height,
  };
};
const pick = ({ x, y }) => {
  const [red, green, blue, opaque] = context.getImageData(Math.floor(x), Math.floor(y), 1, 1).data;
  if (opaque < 128) return;
  const apart = (ink) => [red, green, blue].reduce(
    (sum, sample, index) => sum + Math.abs(sample - parseInt(ink.value.slice(1 + 2 * index, 3 + 2 * index), 16)), 0);
  const [nearest] = [...inks.querySelectorAll("input")].sort((one, other) => apart(one) - apart(other));
  nearest.checked = true;
};
const begin = (at) => {
  if (!color()) return;
  if (tool() === "pick") { pick(at); return; }
  keep();
  if (tool() === "fill") { fill(at); tell(); return; }
  last = at;
  stroke(at, at);
};
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  begin(place(event));
});
canvas.addEventListener("pointermove", (event) => {
  if (!last) return;
  const at = place(event);
  stroke(last, at);
  last = at;
});
const end = () => { if (last) { last = null; tell(); } };
canvas.addEventListener("pointerup", end);
canvas.addEventListener("pointercancel", end);
canvas.addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  cross ??= { x: canvas.width / 2, y: canvas.height / 2 };
  if (moves[event.key]) {
    const [right, down] = moves[event.key], step = find(".width").valueAsNumber / 2;
    cross.x = Math.min(canvas.width - 1, Math.max(0, cross.x + right * step));
    cross.y = Math.min(canvas.height - 1, Math.max(0, cross.y + down * step));
    canvas.setAttribute("aria-label", `At ${Math.round((100 * cross.x) / canvas.width)} % across, ${Math.round((100 * cross.y) / canvas.height)} % down`);
  } else if (event.key === " " || event.key === "Enter") {
    begin(cross);
    end();
  } else return;
  event.preventDefault();
});
find(".undo").addEventListener("click", () => {
  if (undos.length) context.putImageData(undos.pop(), 0, 0);
  tell();
});
find(".clear").addEventListener("click", () => {
  keep();
  context.clearRect(0, 0, canvas.width, canvas.height);
  tell();
});

const drawInks = () => {
  const before = color();
  inks.replaceChildren(...props.colors.map(({ color: ink, name }, index) => {
    const label = document.createElement("label");
    const pick = Object.assign(document.createElement("input"), { type: "radio", name: names, value: ink });
    pick.checked = before ? ink === before : index === 0;
    const dot = document.createElement("span");
    dot.className = "dot";
    dot.style.background = ink;
    label.append(pick, dot, name);
    return label;
  }));
  if (!color() && inks.firstChild) inks.querySelector("input").checked = true;
};
// a drawing that was made elsewhere waits for the picture that it belongs on
let waiting = "", onPaper = null;
const drawDrawing = () => {
  if (!waiting || onPaper !== props.picture) return;
  const drawing = Object.assign(new Image(), { src: waiting });
  waiting = "";
  drawing.decode().then(() => {
    keep();
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(drawing, 0, 0, canvas.width, canvas.height);
    tell();
  });
};
const drawPicture = () => {
  const ready = Boolean(props.picture && props.colors.length);
  paper.classList.toggle("ready", ready);
  hint.textContent = ready ? told : needs;
  if (!props.picture || props.picture === picture.src) return;
  picture.src = props.picture;
  picture.decode().then(() => {
    const shrink = Math.min(1, LONGEST / Math.max(picture.naturalWidth, picture.naturalHeight));
    canvas.width = Math.max(1, Math.round(picture.naturalWidth * shrink));
    canvas.height = Math.max(1, Math.round(picture.naturalHeight * shrink));
    canvas.setAttribute("aria-label", label ?? "Drawing");
    undos = [];
    cross = null;
    props.value = "";
    onPaper = props.picture;
    drawDrawing();
  });
};
drawInks();
drawPicture();
watch("colors", () => { drawInks(); drawPicture(); });
watch("picture", drawPicture);
watch("drawing", () => { waiting = props.drawing; drawDrawing(); });
