// All that can be made from one video: a form for each, and the table of them.
import { html, useSignal } from "./html.js";
import * as api from "./api.js";
import * as drafts from "./draft.js";
import * as state from "./state.js";
import { Curve, Length, Prompt, STRENGTH, Strength, Variations, useMaking } from "./making.js";
import { MaskTools } from "./mask.js";
import { Button, Pill, Toggle, set } from "./parts.js";
import { addClip } from "./storyboard.js";
import { clock } from "./words.js";

const several = (n) => (n.value > 1 ? n.value : null);

function Remix({ video }) {
  const making = useMaking(video.prompt ?? ""),
    strength = useSignal(STRENGTH),
    style = useSignal(video.vitascope.settings.style ?? ""),
    loop = useSignal(false),
    n = useSignal(1);
  const remix = making.make(() =>
    api.remixVideo(video.id, {
      prompt: making.prompt.value,
      strength: strength.value,
      style: style.value,
      loop: loop.value || null,
      n: several(n),
    }),
  );
  return html`<${Prompt} making=${making} label="What it should become" /><${Strength} value=${strength} />
    <footer><${Pill} label="Style" value=${style.value} options=${drafts.styles.value} onChange=${set(style)} />
      <${Variations} value=${n} />
      <${Toggle} icon="loop" label="Loop" on=${loop.value} onChange=${set(loop)} />
      <${Button} icon="remix" kind="main" label="Remix" disabled=${!making.ready} onClick=${remix}>Remix<//></footer>`;
}

function Extend({ video }) {
  const making = useMaking(video.prompt ?? ""),
    seconds = useSignal(2),
    n = useSignal(1);
  const extend = (direction) =>
    making.make(() =>
      api.extendVideo({
        prompt: making.prompt.value,
        video: { id: video.id },
        direction,
        seconds: String(seconds.value),
        n: several(n),
      }),
    );
  return html`<${Prompt} making=${making} label="What happens there" />
    <footer><${Length} value=${seconds} /><${Variations} value=${n} />
      <${Button} icon="back" label="Extend before the beginning" disabled=${!making.ready}
        onClick=${extend("backward")}>Before<//>
      <${Button} icon="extend" kind="main" label="Extend after the end" disabled=${!making.ready}
        onClick=${extend("forward")}>After<//></footer>`;
}

const Marked = ({ range: { value } }) =>
  html`<p class="marked"><b>${clock(value[0])}</b> to <b>${clock(value[1])}</b></p>`;

function Recut({ video, range }) {
  const keep = () => {
    addClip(video, range.value);
    state.say("It is on the storyboard. Write what happens around it.");
    state.go();
  };
  return html`<p class="hint">Mark on the timeline what is worth keeping: drag its ends, or press I and O. It becomes a
      card of a storyboard; what comes before and after it is made.</p>
    <${Marked} range=${range} />
    <footer><${Button} icon="recut" kind="main" label="Onto the storyboard"
      onClick=${keep}>Onto the storyboard<//></footer>`;
}

function Infill({ video, range }) {
  const making = useMaking(video.prompt ?? "");
  const fill = making.make(() =>
    api.remixVideo(video.id, {
      prompt: making.prompt.value,
      range: range.value.map((second) => second.toFixed(3)).join("-"),
      strength: 1,
    }),
  );
  return html`<p class="hint">Mark on the timeline what is to be made anew: drag its ends, or press I and O. The rest
      stays.</p>
    <${Marked} range=${range} /><${Prompt} making=${making} label="What happens in it" />
    <footer><${Button} icon="infill" kind="main" label="Fill in" disabled=${!making.ready}
      onClick=${fill}>Fill in<//></footer>`;
}

function Inpaint({ video, mask }) {
  const making = useMaking(video.prompt ?? ""),
    strength = useSignal(1);
  const inpaint = making.make(async () =>
    api.remixVideo(video.id, { prompt: making.prompt.value, mask: await mask.file(), strength: strength.value }),
  );
  return html`<p class="hint">Paint over what is to change. The rest of every frame stays.</p>
    <${MaskTools} mask=${mask} /><${Prompt} making=${making} label="What is seen there" />
    <${Strength} value=${strength} />
    <footer><${Button} icon="brush" kind="main" label="Inpaint" disabled=${!making.ready || !mask.painted.value}
      onClick=${inpaint}>Inpaint<//></footer>`;
}

function Outpaint({ video }) {
  const making = useMaking(video.prompt ?? ""),
    [width, height] = video.size.split("x").map(Number),
    even = (side) => Math.round(side / 16) * 16;
  const around = (ratio) => (ratio > width / height ? [even(height * ratio), height] : [width, even(width / ratio)]);
  const sizes = new Map(
    Object.entries(drafts.ASPECTS)
      .filter(([, ratio]) => Math.abs(ratio / (width / height) - 1) > 0.1)
      .map(([name, ratio]) => [name, around(ratio)]),
  );
  const aspect = useSignal(sizes.keys().next().value);
  const size = sizes.get(aspect.value).join("x");
  const options = [...sizes].map(([name, sides]) => [name, `${name} · ${sides.join(" × ")}`]);
  const outpaint = making.make(() => api.outpaintVideo({ prompt: making.prompt.value, video: { id: video.id }, size }));
  return html`<p class="hint">All of the picture stays; what is around it is made.</p>
    <${Prompt} making=${making} label="What is seen around it" />
    <footer><${Pill} label="New aspect" icon="outpaint" value=${aspect.value} options=${options}
      onChange=${set(aspect)} />
      <${Button} icon="outpaint" kind="main" label="Outpaint" disabled=${!making.ready}
        onClick=${outpaint}>Outpaint<//></footer>`;
}

function Loop({ video }) {
  const making = useMaking(video.prompt ?? ""),
    seconds = useSignal(1);
  const lead = making.make(() =>
    api.remixVideo(video.id, { prompt: making.prompt.value, loop: true, seconds: String(seconds.value) }),
  );
  return html`<p class="hint">Its end is led back to its beginning, so that it runs for ever without a seam.</p>
    <${Prompt} making=${making} label="Prompt" />
    <footer><${Length} value=${seconds} />
      <${Button} icon="loop" kind="main" label="Make a loop" disabled=${!making.ready}
        onClick=${lead}>Make a loop<//></footer>`;
}

function Others({ video, label, chosen }) {
  // Pictures of the other videos, to choose one.
  const others = state.library.value.filter((one) => one.status === "completed" && one.id !== video.id).slice(0, 40);
  return html`<div class="choice" role="radiogroup" aria-label=${label}>${others.map(
    (one) => html`<button key=${one.id} type="button" role="radio" title=${one.prompt} aria-label=${one.prompt}
      aria-checked=${chosen.value?.id === one.id ? "true" : "false"} onClick=${() => set(chosen)(one)}>
      <img loading="lazy" src=${api.contentUrl(one.id, "thumbnail")} alt="" /></button>`,
  )}</div>`;
}

function Connect({ video }) {
  const making = useMaking(video.prompt ?? ""),
    seconds = useSignal(2),
    curve = useSignal("smooth"),
    other = useSignal(null);
  const connect = making.make(() =>
    api.connectVideos({
      prompt: making.prompt.value,
      video: { id: video.id },
      other: { id: other.value.id },
      seconds: String(seconds.value),
      curve: curve.value,
    }),
  );
  return html`<p class="hint">A passage that leads from this video to another one, whose prompt takes over along the
      curve.</p>
    <${Others} video=${video} label="To which video" chosen=${other} />
    <${Prompt} making=${making} label="What happens in between" />
    <footer><${Length} value=${seconds} /><${Curve} value=${curve} />
      <${Button} icon="connect" kind="main" label="Connect" disabled=${!making.ready || !other.value}
        onClick=${connect}>Connect<//></footer>`;
}

function Combine({ video }) {
  const making = useMaking(video.prompt ?? ""),
    strength = useSignal(STRENGTH),
    other = useSignal(null);
  const combine = making.make(() =>
    api.combineVideos({
      prompt: making.prompt.value,
      video: { id: video.id },
      other: { id: other.value.id },
      strength: strength.value,
    }),
  );
  return html`<p class="hint">What moves in this video is put into the place of another one; the camera has to stand
      still.</p>
    <${Others} video=${video} label="Into the place of which video" chosen=${other} />
    <${Prompt} making=${making} label="What is seen then" /><${Strength} value=${strength} />
    <footer><${Button} icon="combine" kind="main" label="Combine" disabled=${!making.ready || !other.value}
      onClick=${combine}>Combine<//></footer>`;
}

export const TOOLS = {
  remix: ["Remix", "remix", Remix],
  extend: ["Extend", "extend", Extend],
  recut: ["Re-cut", "recut", Recut],
  infill: ["Infill", "infill", Infill],
  loop: ["Loop", "loop", Loop],
  inpaint: ["Inpaint", "brush", Inpaint],
  outpaint: ["Outpaint", "outpaint", Outpaint],
  connect: ["Connect", "connect", Connect],
  combine: ["Combine", "combine", Combine],
};
export const RANGED = ["infill", "recut"]; // those with a range on the timeline
