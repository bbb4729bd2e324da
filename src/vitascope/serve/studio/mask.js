// A mask painted over a video: white is made anew, black stays.
import { html, useEffect, useRef, useSignal } from "./html.js";
import { toFile } from "./media.js";
import { Button, Slider, Toggle, set } from "./parts.js";

const PAINT = "#ff3d8b";

export function useMask(width, height) {
  // A canvas of the video's size; what is opaque on it is made anew. `painted` is whether anything is.
  const canvas = useRef(null),
    painted = useSignal(false),
    brush = useSignal(Math.round(Math.min(width, height) / 6)),
    erase = useSignal(false);
  const context = () => canvas.current.getContext("2d");
  const look = () => {
    const { data } = context().getImageData(0, 0, width, height);
    let any = false;
    for (let place = 3; place < data.length && !any; place += 4) any = data[place] > 127;
    painted.value = any;
  };
  const clear = () => {
    context().clearRect(0, 0, width, height);
    painted.value = false;
  };
  const invert = () => {
    context().globalCompositeOperation = "xor";
    context().fillStyle = PAINT;
    context().fillRect(0, 0, width, height);
    look();
  };
  const file = async () => {
    const mask = new OffscreenCanvas(width, height),
      pen = mask.getContext("2d");
    pen.drawImage(canvas.current, 0, 0);
    const image = pen.getImageData(0, 0, width, height);
    for (let place = 0; place < image.data.length; place += 4) {
      image.data.fill(image.data[place + 3] > 127 ? 255 : 0, place, place + 3);
      image.data[place + 3] = 255;
    }
    pen.putImageData(image, 0, 0);
    return toFile(await mask.convertToBlob({ type: "image/png" }), "mask.png");
  };
  return { canvas, painted, brush, erase, context, look, clear, invert, file, width, height };
}

export function MaskCanvas({ mask }) {
  const last = useRef(null),
    size = useSignal(null);
  useEffect(() => {
    // over the picture itself: the <video> may have bars beside it
    const video = mask.canvas.current.parentElement.querySelector("video");
    const fit = () => {
      const scale = Math.min(video.clientWidth / mask.width, video.clientHeight / mask.height);
      size.value = { width: `${mask.width * scale}px`, height: `${mask.height * scale}px` };
    };
    const seen = new ResizeObserver(fit);
    seen.observe(video);
    return () => seen.disconnect();
  }, [mask.width, mask.height]);
  const point = (event) => {
    const box = mask.canvas.current.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * mask.width,
      ((event.clientY - box.top) / box.height) * mask.height,
    ];
  };
  const stroke = (from, to) => {
    const pen = mask.context();
    pen.globalCompositeOperation = mask.erase.value ? "destination-out" : "source-over";
    Object.assign(pen, { strokeStyle: PAINT, lineWidth: mask.brush.value, lineCap: "round" });
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(to[0] + 0.01, to[1]);
    pen.stroke();
  };
  const down = (event) => {
    if (event.button) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    last.current = point(event);
    stroke(last.current, last.current);
  };
  const move = (event) => {
    if (!last.current) return;
    const next = point(event);
    stroke(last.current, next);
    last.current = next;
  };
  const up = () => {
    last.current = null;
    mask.look();
  };
  return html`<canvas ref=${mask.canvas} class="mask" width=${mask.width} height=${mask.height}
    style=${size.value ?? {}} aria-label="Mask: paint what is to change"
    onPointerDown=${down} onPointerMove=${move} onPointerUp=${up} onPointerCancel=${up} />`;
}

export const MaskTools = ({ mask }) => html`<div class="masktools">
  <${Slider} label="Brush" min=${2} max=${Math.round(Math.min(mask.width, mask.height) / 2)} step=${1}
    value=${mask.brush.value} show=${(x) => `${x} px`} onChange=${set(mask.brush)} />
  <div class="row"><${Toggle} label="Erase" on=${mask.erase.value} onChange=${set(mask.erase)} />
    <${Button} kind="pill" label="Invert" onClick=${mask.invert}>Invert<//>
    <${Button} kind="pill" label="Clear" onClick=${mask.clear}>Clear<//></div></div>`;
