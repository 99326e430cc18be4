// The line between before and after moves by the keyboard, too (gradio's knows the mouse alone), and what is told is read out.
const NOW = "aria-valuenow";

const press = (target, kind, x, y) =>
  target.dispatchEvent(new MouseEvent(kind, { bubbles: true, view: window, clientX: x, clientY: y }));

// Where the picture is, which may be narrower than its frame.
const around = (line) => {
  const frame = line.parentElement.querySelector("img"), box = frame.getBoundingClientRect();
  const width = frame.naturalWidth * Math.min(box.width / frame.naturalWidth, box.height / frame.naturalHeight);
  return { left: box.left + (box.width - width) / 2, top: box.top, width, height: box.height };
};

const move = (event) => {
  const line = event.currentTarget, whole = around(line);
  const now = Number(line.getAttribute(NOW));
  const next = { ArrowLeft: now - 5, ArrowDown: now - 5, ArrowRight: now + 5, ArrowUp: now + 5, Home: 0, End: 100 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  const wanted = Math.min(100, Math.max(0, next)), y = whole.top + whole.height / 2;
  const at = (percent) => whole.left + (whole.width * percent) / 100;
  press(line.querySelector(".inner"), "mousedown", at(now), y);
  press(window, "mousemove", at(wanted), y);
  press(window, "mouseup", at(wanted), y);
  line.setAttribute(NOW, wanted);
};

// After a drag by hand: where the line is.
const look = () => {
  for (const line of document.querySelectorAll(`[data-testid="slider"][${NOW}]`)) {
    const whole = around(line), box = line.getBoundingClientRect();
    line.setAttribute(NOW, Math.round((100 * (box.left + box.width / 2 - whole.left)) / whole.width));
  }
};
for (const kind of ["pointerup", "touchend"]) window.addEventListener(kind, () => requestAnimationFrame(look));

new MutationObserver(() => {
  for (const line of document.querySelectorAll('[data-testid="slider"]:not([tabindex])')) {
    const about = { tabindex: 0, role: "slider", "aria-label": "before and after", "aria-valuemin": 0, "aria-valuemax": 100 };
    for (const [name, value] of Object.entries({ ...about, [NOW]: 50 })) line.setAttribute(name, value);
    line.addEventListener("keydown", move);
  }
  for (const words of document.querySelectorAll(".told:not([aria-live])")) words.setAttribute("aria-live", "polite");
}).observe(document, { childList: true, subtree: true });
