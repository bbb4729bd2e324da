// One video: played frame by frame, what it was made of, what became of it, and all that can be made from it.
import { html, useEffect, useSignal } from "./html.js";
import * as api from "./api.js";
import * as media from "./media.js";
import * as state from "./state.js";
import { usePicture } from "./composer.js";
import { Curve, LENGTHS, Strength, begin } from "./dialogs.js";
import { askRemove, cancel, retry } from "./library.js";
import { MaskCanvas, MaskTools, useMask } from "./mask.js";
import { Button, Icon, Pill, Ring, Text, Toggle } from "./parts.js";
import { Screen, Timeline, clock, usePlayer } from "./player.js";
import { addClip } from "./storyboard.js";

// ------------------------------------------------------------------------------------------------------------ the tools

function useMaking(video) {
  const prompt = useSignal(video.prompt ?? ""),
    busy = useSignal(false);
  const make = (action) => async () => {
    busy.value = true;
    await begin(action, "It is being made.");
    busy.value = false;
  };
  return { prompt, busy, make, ready: prompt.value.trim() && !busy.value };
}
const Prompt = ({ making, label }) =>
  html`<${Text} label=${label} value=${making.prompt.value} onChange=${(text) => {
    making.prompt.value = text;
  }} />`;
const Length = ({ value }) =>
  html`<${Pill} label="Length" value=${value.value} options=${LENGTHS} onChange=${(seconds) => {
    value.value = Number(seconds);
  }} />`;

function Remix({ video }) {
  const making = useMaking(video),
    strength = useSignal(0.6),
    style = useSignal(video.vitascope.settings.style ?? ""),
    loop = useSignal(false),
    n = useSignal(1);
  return html`<${Prompt} making=${making} label="What it should become" /><${Strength} value=${strength} />
    <footer><${Pill} label="Style" value=${style.value} options=${state.styles.value} onChange=${(value) => {
      style.value = value;
    }} />
      <${Pill} label="Variations" value=${n.value} options=${[1, 2, 3, 4].map((value) => [value, `${value} ×`])} onChange=${(
        value,
      ) => {
        n.value = Number(value);
      }} />
      <${Toggle} icon="loop" label="Loop" on=${loop.value} onChange=${(on) => {
        loop.value = on;
      }} />
      <${Button} icon="remix" kind="main" label="Remix" disabled=${!making.ready} onClick=${making.make(() =>
        api.remixVideo(video.id, {
          prompt: making.prompt.value,
          strength: strength.value,
          style: style.value,
          loop: loop.value || null,
          n: n.value > 1 ? n.value : null,
        }),
      )}>Remix<//></footer>`;
}

function Extend({ video }) {
  const making = useMaking(video),
    seconds = useSignal(2),
    n = useSignal(1);
  const extend = (direction) =>
    making.make(() =>
      api.extendVideo({
        prompt: making.prompt.value,
        video: { id: video.id },
        direction,
        seconds: String(seconds.value),
        n: n.value > 1 ? n.value : null,
      }),
    );
  return html`<${Prompt} making=${making} label="What happens there" />
    <footer><${Length} value=${seconds} /><${Pill} label="Variations" value=${n.value} options=${[1, 2, 3, 4].map((value) => [value, `${value} ×`])} onChange=${(
      value,
    ) => {
      n.value = Number(value);
    }} />
      <${Button} icon="back" label="Extend before the beginning" disabled=${!making.ready} onClick=${extend("backward")}>Before<//>
      <${Button} icon="extend" kind="main" label="Extend after the end" disabled=${!making.ready} onClick=${extend("forward")}>After<//></footer>`;
}

function Recut({ video, range }) {
  const [first, last] = range.value;
  return html`<p class="hint">Mark on the timeline what is worth keeping: drag its ends, or press I and O. It becomes a card of a storyboard; what comes before and after it is made.</p>
    <p class="marked"><b>${clock(first)}</b> to <b>${clock(last)}</b></p>
    <footer><${Button} icon="recut" kind="main" label="Onto the storyboard" onClick=${() => {
      addClip(video, range.value);
      state.say("It is on the storyboard. Write what happens around it.");
      state.go();
    }}>Onto the storyboard<//></footer>`;
}

function Infill({ video, range }) {
  const making = useMaking(video),
    [first, last] = range.value;
  return html`<p class="hint">Mark on the timeline what is to be made anew: drag its ends, or press I and O. The rest stays.</p>
    <p class="marked"><b>${clock(first)}</b> to <b>${clock(last)}</b></p>
    <${Prompt} making=${making} label="What happens in it" />
    <footer><${Button} icon="infill" kind="main" label="Fill in" disabled=${!making.ready} onClick=${making.make(() =>
      api.remixVideo(video.id, {
        prompt: making.prompt.value,
        range: `${first.toFixed(3)}-${last.toFixed(3)}`,
        strength: 1,
      }),
    )}>Fill in<//></footer>`;
}

function Inpaint({ video, mask }) {
  const making = useMaking(video),
    strength = useSignal(1);
  return html`<p class="hint">Paint over what is to change. The rest of every frame stays.</p>
    <${MaskTools} mask=${mask} /><${Prompt} making=${making} label="What is seen there" /><${Strength} value=${strength} />
    <footer><${Button} icon="brush" kind="main" label="Inpaint" disabled=${!making.ready || !mask.painted.value} onClick=${making.make(
      async () =>
        api.remixVideo(video.id, { prompt: making.prompt.value, mask: await mask.file(), strength: strength.value }),
    )}>Inpaint<//></footer>`;
}

function Outpaint({ video }) {
  const making = useMaking(video),
    [width, height] = video.size.split("x").map(Number),
    even = (side) => Math.round(side / 16) * 16;
  const sizes = Object.entries(state.ASPECTS)
    .filter(([, ratio]) => Math.abs(ratio / (width / height) - 1) > 0.1)
    .map(([name, ratio]) => [name, ratio > width / height ? [even(height * ratio), height] : [width, even(width / ratio)]]);
  const aspect = useSignal(sizes[0][0]);
  const size = new Map(sizes).get(aspect.value).join("x");
  return html`<p class="hint">All of the picture stays; what is around it is made.</p>
    <${Prompt} making=${making} label="What is seen around it" />
    <footer><${Pill} label="New aspect" icon="outpaint" value=${aspect.value} options=${sizes.map(([name, [w, h]]) => [name, `${name} · ${w} × ${h}`])} onChange=${(
      value,
    ) => {
      aspect.value = value;
    }} />
      <${Button} icon="outpaint" kind="main" label="Outpaint" disabled=${!making.ready} onClick=${making.make(() =>
        api.outpaintVideo({ prompt: making.prompt.value, video: { id: video.id }, size }),
      )}>Outpaint<//></footer>`;
}

function Loop({ video }) {
  const making = useMaking(video),
    seconds = useSignal(1);
  return html`<p class="hint">Its end is led back to its beginning, so that it runs for ever without a seam.</p>
    <${Prompt} making=${making} label="Prompt" />
    <footer><${Length} value=${seconds} /><${Button} icon="loop" kind="main" label="Make a loop" disabled=${!making.ready} onClick=${making.make(() =>
      api.remixVideo(video.id, { prompt: making.prompt.value, loop: true, seconds: String(seconds.value) }),
    )}>Make a loop<//></footer>`;
}

function Others({ video, label, chosen }) {
  // Pictures of the other videos, to choose one.
  const others = state.library.value.filter((one) => one.status === "completed" && one.id !== video.id).slice(0, 40);
  return html`<div class="choice" role="radiogroup" aria-label=${label}>${others.map(
    (one) => html`<button key=${one.id} type="button" role="radio"
      aria-checked=${chosen.value?.id === one.id ? "true" : "false"} title=${one.prompt} aria-label=${one.prompt} onClick=${() => {
        chosen.value = one;
      }}>
      <img loading="lazy" src=${api.contentUrl(one.id, "thumbnail")} alt="" /></button>`,
  )}</div>`;
}

function Connect({ video }) {
  const making = useMaking(video),
    seconds = useSignal(2),
    curve = useSignal("smooth"),
    other = useSignal(null);
  return html`<p class="hint">A passage that leads from this video to another one, whose prompt takes over along the curve.</p>
    <${Others} video=${video} label="To which video" chosen=${other} />
    <${Prompt} making=${making} label="What happens in between" />
    <footer><${Length} value=${seconds} /><${Curve} value=${curve} />
      <${Button} icon="connect" kind="main" label="Connect" disabled=${!making.ready || !other.value} onClick=${making.make(
        () =>
          api.connectVideos({
            prompt: making.prompt.value,
            video: { id: video.id },
            other: { id: other.value.id },
            seconds: String(seconds.value),
            curve: curve.value,
          }),
      )}>Connect<//></footer>`;
}

function Combine({ video }) {
  const making = useMaking(video),
    strength = useSignal(0.5),
    other = useSignal(null);
  return html`<p class="hint">What moves in this video is put into the place of another one; the camera has to stand still.</p>
    <${Others} video=${video} label="Into the place of which video" chosen=${other} />
    <${Prompt} making=${making} label="What is seen then" /><${Strength} value=${strength} />
    <footer><${Button} icon="combine" kind="main" label="Combine" disabled=${!making.ready || !other.value} onClick=${making.make(
      () =>
        api.combineVideos({
          prompt: making.prompt.value,
          video: { id: video.id },
          other: { id: other.value.id },
          strength: strength.value,
        }),
    )}>Combine<//></footer>`;
}

const TOOLS = {
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
const RANGED = ["infill", "recut"]; // tools with a range on the timeline

// ------------------------------------------------------------------------------------------------------ facts, lineage

const roleOf = (role) => ({ video: "From", other: "And" })[role] ?? (role.startsWith("clip-") ? "On a card" : role);

function Relative({ id, label }) {
  const gone = useSignal(false),
    video = state.videos.value.get(id);
  useEffect(() => {
    state.find(id).then(
      (found) => {
        gone.value = found === null;
      },
      () => {},
    );
  }, [id]);
  if (gone.value) return html`<li class="gone"><span></span><small>${label}<br />removed</small></li>`;
  return (
    video &&
    html`<li><a href=${`#/video/${id}`} title=${video.prompt} aria-label=${`${label}: ${video.prompt}`}>${
      video.status === "completed"
        ? html`<img src=${api.contentUrl(id, "thumbnail")} alt="" />`
        : html`<span>${video.status === "failed" ? html`<${Icon} name="close" />` : `${video.progress} %`}</span>`
    }<small>${label}</small></a></li>`
  );
}

function Lineage({ video }) {
  const all = state.library.value,
    parents = Object.entries(video.vitascope.from);
  const children = all.filter((one) => Object.values(one.vitascope.from).includes(video.id)).reverse();
  const twins = video.vitascope.variations.filter((id) => id !== video.id);
  if (!parents.length && !children.length && !twins.length) return null;
  const row = (title, entries) => entries.length > 0 && html`<h3>${title}</h3><ul class="relatives">${entries}</ul>`;
  return html`<section class="lineage" aria-label="Lineage"><h2>Lineage</h2>
    ${row(
      "Made from",
      parents.map(([role, id]) => html`<${Relative} key=${id} id=${id} label=${roleOf(role)} />`),
    )}
    ${row(
      "Variations",
      twins.map(
        (id) =>
          html`<${Relative} key=${id} id=${id} label=${`Seed ${state.videos.value.get(id)?.vitascope.settings.seed ?? ""}`} />`,
      ),
    )}
    ${row(
      "Became",
      children.map((one) => html`<${Relative} key=${one.id} id=${one.id} label=${state.TASKS[one.vitascope.task]} />`),
    )}</section>`;
}

const SHOWN = { card: "a picture", clip: "a video" };

export function facts(video) {
  // Pairs of words: everything that determines a video, besides its prompt.
  const { settings } = video.vitascope,
    given = (value) => value !== null && value !== "" && value !== undefined;
  return [
    ["Size", video.size.replace("x", " × ")],
    ["Length", `${Number(video.seconds)} s, ${settings.fps} frames a second`],
    ["Seed", String(settings.seed)],
    ["Style", state.styleName(settings.style)],
    given(settings.camera) && ["Camera", settings.camera],
    ["Model", video.model],
    given(settings.expanded) && ["Read as", settings.expanded],
    given(settings.then) && ["Turns into", settings.then],
    given(settings.negative) && ["Not seen", settings.negative],
    given(settings.steps) && ["Steps", settings.steps],
    given(settings.guidance) && ["Guidance", settings.guidance],
    settings.loop && ["Loop", "yes"],
    ["edit", "combine"].includes(video.vitascope.task) && ["Strength", settings.strength],
    settings.span && ["Range", `${clock(settings.span[0])} to ${clock(settings.span[1])}`],
    settings.storyboard.length > 0 && [
      "Storyboard",
      settings.storyboard.map((card) => `${card.at} s${card.cut ? " (cut)" : ""}: ${card.prompt || SHOWN[card.shows.split("-")[0]]}`).join("; "),
    ],
    ["Made", new Date(video.created_at * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })],
  ].filter(Boolean);
}

function Facts({ video }) {
  return html`<section class="about"><p class="prompt">${video.prompt}</p>
    <dl class="facts">${facts(video).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></section>`;
}

// ------------------------------------------------------------------------------------------------------------- the view

function Finished({ video }) {
  const [width, height] = video.size.split("x").map(Number),
    { fps } = video.vitascope.settings;
  const player = usePlayer(fps),
    tool = useSignal("remix"),
    range = useSignal(null),
    mask = useMask(width, height),
    off = useSignal(null);
  useEffect(() => {
    const length = player.length.value;
    if (length && !range.value)
      range.value = [Math.round((length / 3) * fps) / fps, Math.round(((length * 2) / 3) * fps) / fps];
  }, [player.length.value]);
  useEffect(() => {
    const actions = {
      " ": player.toggle,
      ArrowLeft: () => player.step(-1),
      ArrowRight: () => player.step(1),
      f: () => player.video.current?.requestFullscreen?.(),
      i: () => bound(0),
      o: () => bound(1),
      Delete: removeIt,
    };
    const bound = (place) => {
      const [first, last] = range.value,
        at = player.time.value;
      range.value = place ? [Math.min(first, at - 1 / fps), at] : [at, Math.max(last, at + 1 / fps)];
      if (!RANGED.includes(tool.value)) tool.value = "infill";
    };
    const press = (event) => {
      const action = actions[event.key];
      if (
        !action ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        /^(TEXTAREA|INPUT|SELECT)$/.test(event.target.tagName) ||
        state.dialog.value
      )
        return;
      if (event.key === " " && event.target.tagName === "BUTTON") return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [video.id]);
  const removeIt = () => askRemove([video.id], () => state.go());
  const asFrame = () =>
    state.attempt(async () => {
      await usePicture(await media.still(player.video.current));
      state.say("This frame is the first one of the next video.");
      state.go();
    });
  const again = (fields, words) => {
    state.change(fields);
    state.say(words);
    state.go();
  };
  const Tool = TOOLS[tool.value][2];
  return html`
    <div class="left">
      <${Screen} player=${player} src=${api.contentUrl(video.id)} label=${video.prompt} range=${RANGED.includes(tool.value) ? range : off}>
        ${tool.value === "inpaint" && html`<${MaskCanvas} mask=${mask} />`}<//>
      <${Timeline} player=${player} range=${RANGED.includes(tool.value) ? range : null} />
      <div class="row actions">
        <a class="button" href=${api.contentUrl(video.id)} download=${`${video.id}.mp4`}><${Icon} name="download" />Download</a>
        <${Button} icon="settings" label="Write all settings into the composer" onClick=${() => again(state.fromSettings(video), "All settings are in the composer.")}>Use settings<//>
        <${Button} icon="frame" label="This frame as the first one of a new video" onClick=${asFrame}>Use frame<//>
        <${Button} icon="compare" label="Select to compare" onClick=${() => {
          state.toggleSelected(video.id);
          state.go();
        }}>Compare<//>
        <${Button} icon="flag" label="Report" onClick=${() => {
          state.dialog.value = { kind: "report", id: video.id };
        }} />
        <${Button} icon="trash" label="Remove (Delete)" onClick=${removeIt} />
      </div>
      <${Lineage} video=${video} />
    </div>
    <aside class="right">
      <${Facts} video=${video} />
      <section class="tools"><div class="tabs" role="tablist" aria-label="Make something from it">${Object.entries(
        TOOLS,
      ).map(
        ([name, [label, icon]]) => html`<button key=${name} type="button" role="tab"
        id=${`tab-${name}`} aria-controls="tool" class="tab" aria-selected=${tool.value === name ? "true" : "false"} onClick=${() => {
          tool.value = name;
        }}><${Icon} name=${icon} />${label}</button>`,
      )}</div>
        <div class="tool" id="tool" role="tabpanel" aria-labelledby=${`tab-${tool.value}`} key=${tool.value}>
          ${(!RANGED.includes(tool.value) || range.value) && html`<${Tool} video=${video} range=${range} mask=${mask} />`}</div></section>
    </aside>`;
}

function Unfinished({ video }) {
  const failed = video.status === "failed",
    [width, height] = video.size.split("x").map(Number);
  return html`
    <div class="left"><div class="screen pending" style=${{ aspectRatio: `${width} / ${height}` }}>
        ${!failed && video.vitascope.preview > 0 && html`<img src=${api.previewUrl(video)} alt="What is seen so far" />`}
        ${
          failed
            ? html`<p class="cause"><${Icon} name="close" /><b>${video.error.code === "cancelled" ? "Cancelled" : "It was not made"}</b><span>${video.error.message}</span></p>`
            : html`<div class="cause"><${Ring} percent=${video.progress} /><span>${state.standing(video, state.now.value)}</span></div>`
        }</div>
      <div class="row actions">${
        failed
          ? html`<${Button} icon="retry" kind="main" label="Try again" onClick=${async () => {
              const again = await retry(video);
              if (again) state.go("video", again.id);
            }}>Try again<//>
            <${Button} icon="settings" label="Write all settings into the composer" onClick=${() => {
              state.change(state.fromSettings(video));
              state.go();
            }}>Use settings<//>
            <${Button} icon="trash" label="Remove" onClick=${() => askRemove([video.id], () => state.go())} />`
          : html`<${Button} icon="stop" label="Cancel" disabled=${video.vitascope.cancelling} onClick=${() => cancel(video)}>Cancel<//>`
      }</div>
      <${Lineage} video=${video} /></div>
    <aside class="right"><${Facts} video=${video} /></aside>`;
}

export function Detail({ id }) {
  const gone = useSignal(false),
    video = state.videos.value.get(id);
  useEffect(() => {
    gone.value = false;
    state.attempt(async () => {
      gone.value = (await state.find(id)) === null;
    });
  }, [id, state.locked.value]);
  const list = state.library.value.filter((one) => one.status === "completed"),
    at = list.findIndex((one) => one.id === id);
  const near = (step) => at >= 0 && list[at + step]?.id;
  return html`<main class="detail" id="content">
    <nav class="trail"><${Button} icon="back" label="Back to the library (Esc)" onClick=${() => state.go()}>Library<//>
      <span class="row">${[
        [-1, "Newer"],
        [1, "Older"],
      ].map(
        ([step, label]) =>
          html`<${Button} label=${label} disabled=${!near(step)} onClick=${() => state.go("video", near(step))}>${label}<//>`,
      )}</span></nav>
    ${!video && html`<p class="nothing">${gone.value ? "There is no such video. It may have been removed." : "…"}</p>`}
    ${video && html`<div class="columns" key=${id}>${video.status === "completed" ? html`<${Finished} key="done" video=${video} />` : html`<${Unfinished} key="wait" video=${video} />`}</div>`}
  </main>`;
}
