// What is asked before going on: a key, what to do with a dropped video, whether to remove, how to connect; shortcuts.
import { html, useEffect, useMemo, useSignal } from "./html.js";
import * as api from "./api.js";
import * as media from "./media.js";
import * as drafts from "./draft.js";
import * as state from "./state.js";
import { usePicture } from "./composer.js";
import { remove } from "./library.js";
import { Curve, Length, Prompt, STRENGTH, Strength, useMaking } from "./making.js";
import { Button, Icon, Modal, Text, set } from "./parts.js";

const close = () => {
  state.dialog.value = null;
};

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
    <form onSubmit=${enter}>
      <p>It was shown once, by <code>vitascope key create</code>. This browser keeps it in a cookie that no script can
        read.</p>
      <label class="field"><span>API key</span><input type="password" autocomplete="current-password"
        value=${key.value} aria-invalid=${wrong.value ? "true" : "false"}
        onInput=${(event) => {
          key.value = event.target.value;
        }} /></label>
      ${wrong.value && html`<p class="warn" role="alert">The service does not know this key.</p>`}
      <footer><button class="button main" disabled=${!key.value.trim()}>Enter</button></footer></form><//>`;
}

function Remove({ ids, then }) {
  return html`<${Modal} title=${ids.length === 1 ? "Remove this video?" : `Remove ${ids.length} videos?`}
    onClose=${close} kind="small">
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
  const making = useMaking(settings?.prompt ?? ""),
    strength = useSignal(STRENGTH),
    seconds = useSignal(2);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  const apply = (fields, words) => {
    drafts.change(fields);
    close();
    state.say(words);
    state.go();
  };
  const examine = () => {
    state.examined.value = file;
    close();
    state.go("verify");
  };
  const asReference = making.once(async () => {
    const picture = await state.attempt(() => media.firstFrame(file));
    if (!picture) return;
    await usePicture(picture);
    close();
  });
  const restyle = making.make(() =>
    api.editVideo({ prompt: making.prompt.value, video: file, strength: strength.value }),
  );
  const extend = (direction) =>
    making.make(() =>
      api.extendVideo({ prompt: making.prompt.value, video: file, seconds: String(seconds.value), direction }),
    );
  const tabs = {
    ...(settings && { restore: "Settings" }),
    edit: "Restyle",
    extend: "Extend",
    frame: "First frame",
  };
  return html`<${Modal} title=${file.name} onClose=${close}>
    <video class="dropped" src=${url} muted autoplay loop playsinline controls />
    <div class="tabs" role="tablist">${Object.entries(tabs).map(
      ([name, label]) => html`<button type="button" role="tab" class="tab" onClick=${() => set(tab)(name)}
        aria-selected=${tab.value === name ? "true" : "false"}>${label}</button>`,
    )}</div>
    ${
      tab.value === "restore" &&
      html`<p>This file holds the settings that it was made with.</p>
      <dl class="facts"><dt>Prompt</dt><dd>${settings.prompt}</dd>
        <dt>Seed</dt><dd>${settings.seed || "not in the file"}</dd></dl>
      <footer><${Button} icon="settings" kind="main" label="Use all settings"
          onClick=${() => apply(settings, "All settings are back.")}>Use all settings<//>
        <${Button} icon="origin" label="Where does it come from?" onClick=${examine} />
        <${Button} label="Prompt only"
          onClick=${() => apply({ prompt: settings.prompt }, "The prompt is back.")}>Prompt only<//></footer>`
    }
    ${
      tab.value === "edit" &&
      html`<${Prompt} making=${making} label="What it should become" /><${Strength} value=${strength} />
      <footer><${Button} icon="remix" kind="main" label="Restyle" disabled=${!making.ready}
        onClick=${restyle}>Restyle<//></footer>`
    }
    ${
      tab.value === "extend" &&
      html`<${Prompt} making=${making} label="What happens there" />
      <footer><${Length} value=${seconds} label="How much longer" />
        <${Button} icon="back" label="Extend before" disabled=${!making.ready} onClick=${extend("backward")}>Before<//>
        <${Button} icon="extend" kind="main" label="Extend after" disabled=${!making.ready}
          onClick=${extend("forward")}>After<//></footer>`
    }
    ${
      tab.value === "frame" &&
      html`<p>The video's first frame becomes the first frame of the new one.</p>
      <footer><${Button} icon="picture" kind="main" label="Use first frame" disabled=${making.busy.value}
        onClick=${asReference}>Use first frame<//></footer>`
    }<//>`;
}

const selectNothing = () => {
  state.selection.value = [];
};

function Pair({ order, onSwap }) {
  // Two videos that can change places.
  const [first, second] = order.value.map((id) => state.videos.value.get(id));
  const swap = () => {
    order.value = [...order.value].reverse();
    onSwap?.();
  };
  return html`<div class="pair"><${Side} video=${first} /><${Button} icon="remix" label="Swap" onClick=${swap} />
    <${Side} video=${second} /></div>`;
}

const Side = ({ video }) => html`<figure><img src=${api.contentUrl(video.id, "thumbnail")} alt="" />
  <figcaption>${video.prompt}</figcaption></figure>`;

function Connect({ ids }) {
  const order = useSignal(ids),
    making = useMaking("", selectNothing),
    promptOf = (id) => state.videos.value.get(id)?.prompt ?? "",
    then = useSignal(promptOf(ids[1])),
    seconds = useSignal(2),
    curve = useSignal("smooth");
  const connect = making.make(() =>
    api.connectVideos({
      prompt: making.prompt.value,
      video: { id: order.value[0] },
      other: { id: order.value[1] },
      seconds: String(seconds.value),
      curve: curve.value,
      then: then.value,
    }),
  );
  return html`<${Modal} title="Connect two videos" onClose=${close}>
    <${Pair} order=${order} onSwap=${() => set(then)(promptOf(order.value[1]))} />
    <${Prompt} making=${making} label="What happens in between" rows=${2} />
    <${Text} label="What it turns into" rows=${2} value=${then.value} onChange=${set(then)} />
    <footer><${Length} value=${seconds} label="Length of the passage" /><${Curve} value=${curve} />
      <${Button} icon="connect" kind="main" label="Connect" disabled=${!making.ready}
        onClick=${connect}>Connect<//></footer><//>`;
}

function Combine({ ids }) {
  const order = useSignal(ids),
    making = useMaking("", selectNothing),
    strength = useSignal(STRENGTH);
  const combine = making.make(() =>
    api.combineVideos({
      prompt: making.prompt.value,
      video: { id: order.value[0] },
      other: { id: order.value[1] },
      strength: strength.value,
    }),
  );
  return html`<${Modal} title="Combine two videos" onClose=${close}>
    <p class="hint">What moves on the left is put into the place on the right.</p>
    <${Pair} order=${order} />
    <${Prompt} making=${making} label="What is seen then" /><${Strength} value=${strength} />
    <footer><${Button} icon="combine" kind="main" label="Combine" disabled=${!making.ready}
      onClick=${combine}>Combine<//></footer><//>`;
}

const CATEGORIES = {
  self_harm: "self-harm",
  public_figures: "public figures",
  intellectual_property: "somebody's work",
};

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
    }}>${options.map(
      ([name, words]) =>
        html`<option key=${name} value=${name} selected=${name === category.value}>${words}</option>`,
    )}</select></label>
    <${Text} label="In your words" value=${reason.value} maxlength="4000" onChange=${set(reason)} />
    <footer><${Button} icon="flag" kind="main" label="Send" disabled=${busy.value || !reason.value.trim()}
      onClick=${send}>Send<//></footer><//>`;
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
  <p class="hint">A picture or video can be dropped anywhere, or pasted. <a href="/openapi.json">The API</a> can do all
    that the studio does.</p><//>`;

const KINDS = { remove: Remove, clip: Clip, connect: Connect, combine: Combine, report: Report, help: Help };

export function Dialogs() {
  const asked = state.dialog.value;
  if (state.locked.value) return html`<${Key} />`;
  return asked && html`<${KINDS[asked.kind]} ...${asked} />`;
}

export const Toasts = () =>
  html`<div class="toasts" role="status" aria-live="polite">${state.toasts.value.map(
    (toast) => html`
  <div key=${toast.id} class=${`toast ${toast.kind}`}><${Icon} name=${toast.kind === "error" ? "close" : "check"} />
    <span>${toast.text}</span>
    ${
      toast.action &&
      html`<button type="button" class="link" onClick=${toast.action.run}>${toast.action.label}</button>`
    }</div>`,
  )}</div>`;
