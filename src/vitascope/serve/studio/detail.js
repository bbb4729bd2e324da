// One video: played frame by frame, what it was made of, what became of it.
import { html, useEffect, useSignal } from "./html.js";
import * as api from "./api.js";
import * as media from "./media.js";
import * as drafts from "./draft.js";
import * as state from "./state.js";
import { usePicture } from "./composer.js";
import { askRemove, cancel, retry } from "./library.js";
import { MaskCanvas, useMask } from "./mask.js";
import { Button, Icon, Ring } from "./parts.js";
import { Screen, Timeline, usePlayer } from "./player.js";
import { RANGED, TOOLS } from "./tools.js";
import { TASKS, facts, standing } from "./words.js";

// ------------------------------------------------------------------------------------------------------ facts, lineage

const roleOf = (role) => ({ video: "From", other: "And" })[role] ?? (role.startsWith("clip-") ? "On a card" : role);

function Relative({ id, label }) {
  const video = state.useVideo(id);
  if (video === null) return html`<li class="gone"><span></span><small>${label}<br />removed</small></li>`;
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
          html`<${Relative} key=${id} id=${id}
            label=${`Seed ${state.videos.value.get(id)?.vitascope.settings.seed ?? ""}`} />`,
      ),
    )}
    ${row(
      "Became",
      children.map((one) => html`<${Relative} key=${one.id} id=${one.id} label=${TASKS[one.vitascope.task]} />`),
    )}</section>`;
}

function Facts({ video }) {
  return html`<section class="about"><p class="prompt">${video.prompt}</p>
    <dl class="facts">${facts(video).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></section>`;
}

// ------------------------------------------------------------------------------------------------------------ the view

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
    drafts.change(fields);
    state.say(words);
    state.go();
  };
  const Tool = TOOLS[tool.value][2],
    ranged = RANGED.includes(tool.value),
    ready = !ranged || range.value;
  return html`
    <div class="left">
      <${Screen} player=${player} src=${api.contentUrl(video.id)} label=${video.prompt}
        range=${ranged ? range : off}>
        ${tool.value === "inpaint" && html`<${MaskCanvas} mask=${mask} />`}<//>
      <${Timeline} player=${player} range=${ranged ? range : null} />
      <div class="row actions">
        <a class="button" href=${api.contentUrl(video.id)} download=${`${video.id}.mp4`}>
          <${Icon} name="download" />Download</a>
        <${Button} icon="settings" label="Write all settings into the composer"
          onClick=${() => again(drafts.fromSettings(video), "All settings are in the composer.")}>Use settings<//>
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
        id=${`tab-${name}`} aria-controls="tool" class="tab" aria-selected=${tool.value === name ? "true" : "false"}
          onClick=${() => {
          tool.value = name;
        }}><${Icon} name=${icon} />${label}</button>`,
      )}</div>
        <div class="tool" id="tool" role="tabpanel" aria-labelledby=${`tab-${tool.value}`} key=${tool.value}>
          ${ready && html`<${Tool} video=${video} range=${range} mask=${mask} />`}</div></section>
    </aside>`;
}

function Unfinished({ video }) {
  const failed = video.status === "failed",
    seen = video.vitascope.preview > 0,
    [width, height] = video.size.split("x").map(Number);
  return html`
    <div class="left"><div class="screen pending" style=${{ aspectRatio: `${width} / ${height}` }}>
        ${!failed && seen && html`<img src=${api.previewUrl(video)} alt="What is seen so far" />`}
        ${
          failed
            ? html`<p class="cause"><${Icon} name="close" />
              <b>${video.error.code === "cancelled" ? "Cancelled" : "It was not made"}</b>
              <span>${video.error.message}</span></p>`
            : html`<div class="cause"><${Ring} percent=${video.progress} />
              <span>${standing(video, state.now.value)}</span></div>`
        }</div>
      <div class="row actions">${
        failed
          ? html`<${Button} icon="retry" kind="main" label="Try again" onClick=${async () => {
              const again = await retry(video);
              if (again) state.go("video", again.id);
            }}>Try again<//>
            <${Button} icon="settings" label="Write all settings into the composer" onClick=${() => {
              drafts.change(drafts.fromSettings(video));
              state.go();
            }}>Use settings<//>
            <${Button} icon="trash" label="Remove" onClick=${() => askRemove([video.id], () => state.go())} />`
          : html`<${Button} icon="stop" label="Cancel" disabled=${video.vitascope.cancelling}
            onClick=${() => cancel(video)}>Cancel<//>`
      }</div>
      <${Lineage} video=${video} /></div>
    <aside class="right"><${Facts} video=${video} /></aside>`;
}

export function Detail({ id }) {
  const video = state.useVideo(id);
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
          html`<${Button} label=${label} disabled=${!near(step)}
            onClick=${() => state.go("video", near(step))}>${label}<//>`,
      )}</span></nav>
    ${video === undefined && html`<p class="nothing">…</p>`}
    ${video === null && html`<p class="nothing">There is no such video. It may have been removed.</p>`}
    ${
      video &&
      html`<div class="columns" key=${id}>${
        video.status === "completed"
          ? html`<${Finished} key="done" video=${video} />`
          : html`<${Unfinished} key="wait" video=${video} />`
      }</div>`
    }
  </main>`;
}
