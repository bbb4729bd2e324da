// Small pieces that every view is made of: icons, buttons, dialogs, labelled fields.
import { html, useLayoutEffect, useRef } from "./html.js";

const PATHS = {
  // 24 x 24, drawn with a line
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  play: "M8 5.5v13l11-6.5z",
  pause: "M8 5v14M16 5v14",
  retry: "M4 12a8 8 0 1 1 2.5 5.8M4 19v-5h5",
  trash: "M5 7h14M10 7V5h4v2M7 7l1 12h8l1-12",
  stop: "M6 6h12v12H6z",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  remix: "M4 7h4l8 10h4M4 17h4l2.2-2.8M13.8 9.8 16 7h4M18 5l2 2-2 2M18 15l2 2-2 2",
  extend: "M3 12h18M7 8l-4 4 4 4M17 8l4 4-4 4",
  infill: "M4 5v14M20 5v14M8 12h1M12 12h1M16 12h1",
  brush: "M14 4l6 6-8 8H6v-6z",
  connect: "M4 12a4 4 0 0 1 4-4h2M20 12a4 4 0 0 1-4 4h-2M9 12h6",
  loop: "M17 4l3 3-3 3M20 7H8a4 4 0 0 0-4 4M7 20l-3-3 3-3M4 17h12a4 4 0 0 0 4-4",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01",
  board: "M3 7h5v10H3zM10 7h5v10h-5zM17 7h4v10h-4z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  compare: "M12 4v16M4 6h5v12H4zM15 6h5v12h-5z",
  sliders: "M4 8h8M16 8h4M4 16h4M12 16h8M14 6v4M10 14v4",
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16 16l4.5 4.5",
  sun:
    "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2" +
    "M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  keys: "M3 7h18v10H3zM7 11h.01M11 11h.01M15 11h.01M8 14h8",
  back: "M14 6l-6 6 6 6",
  up: "M12 19V5M6 11l6-6 6 6",
  frame: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4",
  recut: "M3 8h4v8H3zM17 8h4v8h-4zM9.5 8h5v8h-5zM12 3v2M12 19v2",
  outpaint: "M8 8h8v8H8zM3 7V3h4M17 3h4v4M21 17v4h-4M7 21H3v-4",
  combine: "M4 4h11v11H4zM9 9h11v11H9z",
  origin: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
  flag: "M6 21V4M6 5h11l-2.5 4L17 13H6",
  wand: "M5 19 15 9M17 3v4M15 5h4M19 11v4M17 13h4M9 3v3M7.5 4.5h3",
  settings: "M4 6h16M4 12h10M4 18h6",
  full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  out: "M10 5H5v14h5M14 8l4 4-4 4M18 12H9",
};

// What a control calls with its new value.
export const set = (signal, read = (value) => value) => (value) => {
  signal.value = read(value);
};

export const Icon = ({ name }) =>
  html`<svg class="icon" data-name=${name} viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;

export const Button = ({ icon, label, kind = "", children, ...rest }) => html`
  <button type="button" class=${`button ${kind} ${children ? "" : "bare"}`} title=${label}
    aria-label=${children ? null : label} ...${rest}>
    ${icon && html`<${Icon} name=${icon} />`}${children}
  </button>`;

export const Pill = ({ label, value, options, onChange, icon }) => html`
  <label class="pill" title=${label}>
    ${icon && html`<${Icon} name=${icon} />`}
    <select aria-label=${label} value=${String(value)} onChange=${(event) => onChange(event.target.value)}>
      ${options.map(
        ([key, text]) =>
          html`<option key=${key} value=${String(key)} selected=${String(key) === String(value)}>${text}</option>`,
      )}
    </select>
  </label>`;

export const Toggle = ({ label, icon, on, onChange, ...rest }) => html`
  <button type="button" class=${`pill toggle ${on ? "on" : ""}`} aria-pressed=${on ? "true" : "false"} title=${label}
    onClick=${() => onChange(!on)} ...${rest}>${icon && html`<${Icon} name=${icon} />`}<span>${label}</span></button>`;

export const Slider = ({ label, value, min, max, step, show = String, onChange, ends }) => html`
  <label class="field slider">
    <span class="line"><span>${label}</span><span class="value" aria-hidden="true">${show(value)}</span></span>
    <input type="range" aria-label=${label} value=${value} min=${min} max=${max} step=${step}
      aria-valuetext=${show(value)} style=${{ "--fill": `${((value - min) / (max - min)) * 100}%` }}
      onInput=${(event) => onChange(Number(event.target.value))} />
    ${ends && html`<span class="line small"><span>${ends[0]}</span><span>${ends[1]}</span></span>`}
  </label>`;

export const Text = ({ label, value, onChange, rows = 3, ...rest }) => html`
  <label class="field"><span>${label}</span>
    <textarea rows=${rows} maxlength="32000" value=${value} onInput=${(event) => onChange(event.target.value)}
      ...${rest} /></label>`;

export function Modal({ title, onClose, children, kind = "" }) {
  // A <dialog>: the browser keeps the focus inside and closes on Escape. It gives the focus back when it is closed, not
  // when it is taken out of the page: what is behind an open one cannot take the focus.
  const ref = useRef();
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  const outside = (event) => {
    if (event.target === ref.current && onClose) onClose();
  };
  return html`<dialog ref=${ref} class=${`modal ${kind}`} aria-label=${title} onClick=${outside}
      onCancel=${(event) => {
        event.preventDefault();
        onClose?.();
      }}>
    <div class="inside"><header><h2>${title}</h2>${onClose && html`<${Button} icon="close" label="Close"
      onClick=${onClose} />`}</header>
    ${children}</div></dialog>`;
}

export const Ring = ({ percent }) => html`
  <svg class="ring" viewBox="0 0 36 36" role="progressbar" aria-label="Progress" aria-valuenow=${percent}
    aria-valuemin="0" aria-valuemax="100">
    <circle cx="18" cy="18" r="15" /><circle class="done" cx="18" cy="18" r="15" pathLength="100"
      stroke-dasharray=${`${Math.max(percent, 1)} 100`} /></svg>`;
