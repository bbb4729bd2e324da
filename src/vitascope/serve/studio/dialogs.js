// What is asked before going on: a key, what to do with a dropped video, whether to remove, how to connect; and the shortcuts.
import { html, useEffect, useMemo, useSignal } from "./html.js";
import * as api from "./api.js";
import * as media from "./media.js";
import * as state from "./state.js";
import { usePicture } from "./composer.js";
import { remove } from "./library.js";
import { Button, Icon, Modal, Pill, Slider, Text } from "./parts.js";

const CURVES = {
  // name in the API → words, and how much of the second there is along the way
  smooth: ["Gently at both ends", (s) => s * s * (3 - 2 * s)],
  linear: ["Evenly", (s) => s],
  sharp: ["At once", (s) => Number(s >= 0.5)],
  early: ["Early", Math.sqrt],
  late: ["Late", (s) => s * s],
};

export function Curve({ value }) {
  // How one gives way to the other, to choose and to see.
  const shape = CURVES[value.value]?.[1];
  const points = Array.from({ length: 41 }, (_, place) => `${place},${(18 * (1 - shape?.(place / 40))).toFixed(1)}`);
  return html`<span class="curve"><${Pill} label="How one gives way to the other" value=${value.value}
      options=${state.offers.value.curves.map((name) => [name, CURVES[name]?.[0] ?? name])} onChange=${(name) => {
        value.value = name;
      }} />${shape && html`<svg viewBox="-1 -1 42 20" aria-hidden="true"><polyline points=${points.join(" ")} /></svg>`}</span>`;
}
export const LENGTHS = [1, 2, 4, 8, 12].map((value) => [value, `${value} s`]);
const close = () => {
  state.dialog.value = null;
};

export async function begin(action, words) {
  // Ask the service for something new, and go to where it can be seen.
  const made = await state.attempt(action);
  if (!made) return false;
  await Promise.all(made.vitascope.variations.map((id) => state.find(id)));
  close();
  state.say(words, { action: { label: "Show", run: () => state.go() } });
  return true;
}

function Key() {
  const key = useSignal(""),
    wrong = useSignal(false);
  const enter = async (event) => {
    event.preventDefault();
    try {
      await api.signIn(key.value.trim());
      wrong.value = false;
      state.keyed.value = true;
      await state.start();
    } catch (error) {
      if (error.status === 401) wrong.value = true;
      else state.say(error.message, { kind: "error" });
    }
  };
  return html`<${Modal} title="This service asks for a key">
    <form onSubmit=${enter}><p>It was shown once, by <code>vitascope key create</code>. This browser keeps it in a cookie that no script can read.</p>
      <label class="field"><span>API key</span><input type="password" autocomplete="current-password" value=${key.value} aria-invalid=${wrong.value ? "true" : "false"}
        onInput=${(event) => {
          key.value = event.target.value;
        }} /></label>
      ${wrong.value && html`<p class="warn" role="alert">The service does not know this key.</p>`}
      <footer><button class="button main" disabled=${!key.value.trim()}>Enter</button></footer></form><//>`;
}

function Remove({ ids, then }) {
  return html`<${Modal} title=${ids.length === 1 ? "Remove this video?" : `Remove ${ids.length} videos?`} onClose=${close} kind="small">
    <p>Its files are deleted. Videos made from it stay.</p>
    <footer><${Button} label="Keep" onClick=${close}>Keep<//>
      <${Button} kind="danger" icon="trash" label="Remove" onClick=${async () => {
        close();
        await remove(ids);
        then?.();
      }}>Remove<//></footer><//>`;
}

function Clip({ file, settings }) {
  const url = useMemo(() => URL.createObjectURL(file), [file]),
    tab = useSignal(settings ? "restore" : "edit");
  const prompt = useSignal(settings?.prompt ?? ""),
    strength = useSignal(0.6),
    seconds = useSignal(2);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  const busy = useSignal(false);
  const once = (action) => async () => {
    busy.value = true;
    await action();
    busy.value = false;
  };
  const apply = (fields, words) => {
    state.change(fields);
    close();
    state.say(words);
    state.go();
  };
  const ask = () => {
    state.examined.value = file;
    close();
    state.go("verify");
  };
  const asReference = once(async () => {
    const picture = await state.attempt(() => media.firstFrame(file));
    if (picture) {
      await usePicture(picture);
      close();
    }
  });
  const make = (task, fields) =>
    once(() => begin(() => task({ prompt: prompt.value, video: file, ...fields }), "It is being made."));
  const tabs = [
    ...(settings ? [["restore", "Settings"]] : []),
    ["edit", "Restyle"],
    ["extend", "Extend"],
    ["frame", "First frame"],
  ];
  return html`<${Modal} title=${file.name} onClose=${close}>
    <video class="dropped" src=${url} muted autoplay loop playsinline controls />
    <div class="tabs" role="tablist">${tabs.map(
      ([
        name,
        label,
      ]) => html`<button type="button" role="tab" class="tab" aria-selected=${tab.value === name ? "true" : "false"}
      onClick=${() => {
        tab.value = name;
      }}>${label}</button>`,
    )}</div>
    ${
      tab.value === "restore" &&
      html`<p>This file holds the settings that it was made with.</p>
      <dl class="facts"><dt>Prompt</dt><dd>${settings.prompt}</dd><dt>Seed</dt><dd>${settings.seed || "not in the file"}</dd></dl>
      <footer><${Button} icon="settings" kind="main" label="Use all settings" onClick=${() => apply(settings, "All settings are back.")}>Use all settings<//>
        <${Button} icon="origin" label="Where does it come from?" onClick=${ask} />
        <${Button} label="Prompt only" onClick=${() => apply({ prompt: settings.prompt }, "The prompt is back.")}>Prompt only<//></footer>`
    }
    ${
      tab.value === "edit" &&
      html`<${Text} label="What it should become" value=${prompt.value} onChange=${(text) => {
        prompt.value = text;
      }} />
      <${Strength} value=${strength} />
      <footer><${Button} icon="remix" kind="main" label="Restyle" disabled=${busy.value || !prompt.value.trim()} onClick=${make(api.editVideo, { strength: strength.value })}>Restyle<//></footer>`
    }
    ${
      tab.value === "extend" &&
      html`<${Text} label="What happens there" value=${prompt.value} onChange=${(text) => {
        prompt.value = text;
      }} />
      <footer><${Pill} label="How much longer" value=${seconds.value} options=${LENGTHS} onChange=${(value) => {
        seconds.value = Number(value);
      }} />
        <${Button} icon="back" label="Extend before" disabled=${busy.value || !prompt.value.trim()} onClick=${make(api.extendVideo, { seconds: String(seconds.value), direction: "backward" })}>Before<//>
        <${Button} icon="extend" kind="main" label="Extend after" disabled=${busy.value || !prompt.value.trim()} onClick=${make(api.extendVideo, { seconds: String(seconds.value) })}>After<//></footer>`
    }
    ${
      tab.value === "frame" &&
      html`<p>The video's first frame becomes the first frame of the new one.</p>
      <footer><${Button} icon="picture" kind="main" label="Use first frame" disabled=${busy.value} onClick=${asReference}>Use first frame<//></footer>`
    }<//>`;
}

export const Strength = ({
  value,
}) => html`<${Slider} label="Strength" min=${0} max=${1} step=${0.05} value=${value.value} show=${(x) => x.toFixed(2)}
  ends=${["keeps almost everything", "keeps almost nothing"]} onChange=${(x) => {
    value.value = x;
  }} />`;

function Connect({ ids }) {
  const order = useSignal(ids),
    prompt = useSignal(""),
    then = useSignal(state.videos.value.get(ids[1])?.prompt ?? ""),
    seconds = useSignal(2),
    curve = useSignal("smooth");
  const [first, second] = order.value.map((id) => state.videos.value.get(id));
  const busy = useSignal(false);
  const make = async () => {
    busy.value = true;
    const done = await begin(
      () =>
        api.connectVideos({
          prompt: prompt.value,
          video: { id: first.id },
          other: { id: second.id },
          seconds: String(seconds.value),
          curve: curve.value,
          then: then.value,
        }),
      "The passage is being made.",
    );
    if (done) state.selection.value = [];
    busy.value = false;
  };
  return html`<${Modal} title="Connect two videos" onClose=${close}>
    <div class="pair"><${Side} video=${first} /><${Button} icon="remix" label="Swap" onClick=${() => {
      order.value = [...order.value].reverse();
      then.value = state.videos.value.get(order.value[1])?.prompt ?? "";
    }} /><${Side} video=${second} /></div>
    <${Text} label="What happens in between" rows=${2} value=${prompt.value} onChange=${(text) => {
      prompt.value = text;
    }} />
    <${Text} label="What it turns into" rows=${2} value=${then.value} onChange=${(text) => {
      then.value = text;
    }} />
    <footer><${Pill} label="Length of the passage" value=${seconds.value} options=${LENGTHS} onChange=${(value) => {
      seconds.value = Number(value);
    }} />
      <${Curve} value=${curve} />
      <${Button} icon="connect" kind="main" label="Connect" disabled=${busy.value || !prompt.value.trim()} onClick=${make}>Connect<//></footer><//>`;
}

const Side = ({ video }) =>
  html`<figure><img src=${api.contentUrl(video.id, "thumbnail")} alt="" /><figcaption>${video.prompt}</figcaption></figure>`;

function Combine({ ids }) {
  const order = useSignal(ids),
    prompt = useSignal(""),
    strength = useSignal(0.5),
    busy = useSignal(false);
  const [subject, place] = order.value.map((id) => state.videos.value.get(id));
  const make = async () => {
    busy.value = true;
    const done = await begin(
      () =>
        api.combineVideos({
          prompt: prompt.value,
          video: { id: subject.id },
          other: { id: place.id },
          strength: strength.value,
        }),
      "It is being made.",
    );
    if (done) state.selection.value = [];
    busy.value = false;
  };
  return html`<${Modal} title="Combine two videos" onClose=${close}>
    <p class="hint">What moves on the left is put into the place on the right.</p>
    <div class="pair"><${Side} video=${subject} /><${Button} icon="remix" label="Swap" onClick=${() => {
      order.value = [...order.value].reverse();
    }} /><${Side} video=${place} /></div>
    <${Text} label="What is seen then" value=${prompt.value} onChange=${(text) => {
      prompt.value = text;
    }} />
    <${Strength} value=${strength} />
    <footer><${Button} icon="combine" kind="main" label="Combine" disabled=${busy.value || !prompt.value.trim()} onClick=${make}>Combine<//></footer><//>`;
}

const CATEGORIES = { self_harm: "self-harm", public_figures: "public figures", intellectual_property: "somebody's work" };

function Report({ id }) {
  const category = useSignal("other"),
    reason = useSignal(""),
    busy = useSignal(false);
  const send = async () => {
    busy.value = true;
    const sent = await state.attempt(() => api.reportVideo(id, { category: category.value, reason: reason.value }));
    busy.value = false;
    if (!sent) return;
    close();
    state.say("Whoever runs this service can read it now. Thank you.");
  };
  const options = state.offers.value.report_categories.map((name) => [name, CATEGORIES[name] ?? name]);
  return html`<${Modal} title="What is wrong with this video?" onClose=${close} kind="small">
    <label class="field"><span>It is about</span><select value=${category.value} onChange=${(event) => {
      category.value = event.target.value;
    }}>${options.map(([name, words]) => html`<option key=${name} value=${name} selected=${name === category.value}>${words}</option>`)}</select></label>
    <${Text} label="In your words" value=${reason.value} maxlength="4000" onChange=${(text) => {
      reason.value = text;
    }} />
    <footer><${Button} icon="flag" kind="main" label="Send" disabled=${busy.value || !reason.value.trim()} onClick=${send}>Send<//></footer><//>`;
}

export const SHORTCUTS = [
  ["/", "Write a prompt"],
  ["Enter", "Create, in the prompt; open, in the library"],
  ["Arrows", "From tile to tile"],
  ["S", "Select a tile, for two at most"],
  ["C", "Compare the two"],
  ["Delete", "Remove"],
  ["Esc", "Back to the library"],
  ["Space", "Play or pause"],
  ["← →", "A frame back or on, in a video"],
  ["I  O", "Begin and end of a range, in a video"],
  ["F", "Full screen"],
  ["B", "Storyboard"],
  ["V", "Where does a file come from?"],
  ["T", "Light or dark"],
  ["?", "These shortcuts"],
];

const Help = () => html`<${Modal} title="Keyboard" onClose=${close}>
  <dl class="shortcuts">${SHORTCUTS.map(([keys, words]) => html`<dt><kbd>${keys}</kbd></dt><dd>${words}</dd>`)}</dl>
  <p class="hint">A picture or video can be dropped anywhere, or pasted. <a href="/openapi.json">The API</a> can do all that the studio does.</p><//>`;

const KINDS = { remove: Remove, clip: Clip, connect: Connect, combine: Combine, report: Report, help: Help };

export function Dialogs() {
  const asked = state.dialog.value;
  if (state.locked.value) return html`<${Key} />`;
  return asked && html`<${KINDS[asked.kind]} ...${asked} />`;
}

export const Toasts = () =>
  html`<div class="toasts" role="status" aria-live="polite">${state.toasts.value.map(
    (toast) => html`
  <div key=${toast.id} class=${`toast ${toast.kind}`}><${Icon} name=${toast.kind === "error" ? "close" : "check"} /><span>${toast.text}</span>
    ${toast.action && html`<button type="button" class="link" onClick=${toast.action.run}>${toast.action.label}</button>`}</div>`,
  )}</div>`;
