// What every form has that asks for a video to be made from others: its words, its length, how much may change.
import { html, useSignal } from "./html.js";
import * as state from "./state.js";
import { Pill, Slider, Text, set } from "./parts.js";

const CURVES = {
  // name in the API → words, and how much of the second there is along the way
  smooth: ["Gently at both ends", (s) => s * s * (3 - 2 * s)],
  linear: ["Evenly", (s) => s],
  sharp: ["At once", (s) => Number(s >= 0.5)],
  early: ["Early", Math.sqrt],
  late: ["Late", (s) => s * s],
};
export const STRENGTH = 0.6; // of a change, as the API has it where nothing else is said
const LENGTHS = [1, 2, 4, 8, 12].map((value) => [value, `${value} s`]);
const NUMBERS = [1, 2, 3, 4].map((value) => [value, `${value} ×`]);

export function useMaking(words, done) {
  // A form: its prompt, and `make` for its button. One thing is done at a time; `done` is called when the service has
  // taken the request.
  const prompt = useSignal(words),
    busy = useSignal(false);
  const once = (action) => async () => {
    busy.value = true;
    await action();
    busy.value = false;
  };
  const make = (action) =>
    once(async () => {
      const made = await state.attempt(action);
      if (!made) return;
      await Promise.all(made.vitascope.variations.map((id) => state.find(id)));
      state.dialog.value = null;
      state.say("It is being made.", { action: { label: "Show", run: () => state.go() } });
      done?.();
    });
  return { prompt, busy, once, make, ready: prompt.value.trim() && !busy.value };
}

export const Prompt = ({ making, label, rows }) =>
  html`<${Text} label=${label} rows=${rows} value=${making.prompt.value} onChange=${set(making.prompt)} />`;

export const Length = ({ value, label = "Length" }) =>
  html`<${Pill} label=${label} value=${value.value} options=${LENGTHS} onChange=${set(value, Number)} />`;

export const Variations = ({ value }) =>
  html`<${Pill} label="Variations" value=${value.value} options=${NUMBERS} onChange=${set(value, Number)} />`;

export const Strength = ({ value }) =>
  html`<${Slider} label="Strength" min=${0} max=${1} step=${0.05} value=${value.value} show=${(x) => x.toFixed(2)}
    ends=${["keeps almost everything", "keeps almost nothing"]} onChange=${set(value)} />`;

export function Curve({ value }) {
  // How one gives way to the other, to choose and to see.
  const shape = CURVES[value.value]?.[1];
  const points = Array.from({ length: 41 }, (_, place) => `${place},${(18 * (1 - shape?.(place / 40))).toFixed(1)}`);
  const options = state.offers.value.curves.map((name) => [name, CURVES[name]?.[0] ?? name]);
  return html`<span class="curve">
    <${Pill} label="How one gives way to the other" value=${value.value} options=${options} onChange=${set(value)} />
    ${shape && html`<svg viewBox="-1 -1 42 20" aria-hidden="true"><polyline points=${points.join(" ")} /></svg>`}
  </span>`;
}
