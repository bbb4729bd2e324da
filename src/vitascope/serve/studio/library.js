// The library: what is being made, and everything that was, day by day; tiles play under the pointer or the focus.
import { html, signal, useEffect, useRef, useState } from "./html.js";
import * as api from "./api.js";
import * as drafts from "./draft.js";
import * as state from "./state.js";
import { Button, Icon, Ring } from "./parts.js";
import { TASKS, duration, left, plural, standing } from "./words.js";

const removing = signal(new Set());

export function cancel(video) {
  return state.attempt(() => api.cancelVideo(video.id));
}
export function retry(video) {
  return state.attempt(async () => {
    const again = await api.retryVideo(video.id);
    state.say(video.status === "failed" ? "Trying again." : "Making it again.");
    return again;
  });
}
export async function remove(ids) {
  removing.value = new Set([...removing.value, ...ids]);
  for (const id of ids) if (await state.attempt(() => api.removeVideo(id))) state.forget(id);
  removing.value = new Set([...removing.value].filter((id) => !ids.includes(id)));
}
export const askRemove = (ids, then) => {
  state.dialog.value = { kind: "remove", ids, then };
};

// ----------------------------------------------------------------------------------------------------------- the queue

const Preview = ({ video }) =>
  video.vitascope.preview
    ? html`<img class="preview" src=${api.previewUrl(video)} alt="What is seen so far" />`
    : html`<span class="preview empty"></span>`;

function Waiting({ video }) {
  return html`
    <li class="waiting" data-id=${video.id} data-status=${video.status}>
      <div class="stage"><${Preview} video=${video} />
        ${video.status === "in_progress" && html`<${Ring} percent=${video.progress} />`}</div>
      <div class="words">
        <p class="prompt">${video.prompt}</p>
        <p class="standing">${standing(video, state.now.value)}</p>
        <div class="bar"><i style=${{ transform: `scaleX(${video.progress / 100})` }}></i></div>
      </div>
      <${Button} icon="stop" label=${`Cancel: ${video.prompt}`} disabled=${video.vitascope.cancelling}
        onClick=${() => cancel(video)} />
    </li>`;
}

function Queue() {
  const list = state.waiting.value;
  if (!list.length) return null;
  const total = list.reduce((most, video) => Math.max(most, left(video, state.now.value) ?? 0), 0);
  const when = total ? ` · all done in about ${duration(total)}` : "";
  return html`
    <section class="queue" aria-label="Being made">
      <h2>Being made <small>${plural(list.length, "video")}${when}</small></h2>
      <ul>${list.map((video) => html`<${Waiting} key=${video.id} video=${video} />`)}</ul>
    </section>`;
}

// ------------------------------------------------------------------------------------------------------------ the grid

const ENDS = { cancelled: "Cancelled", moderation_blocked: "Refused" }; // by the error's code

function Tile({ video }) {
  const [playing, setPlaying] = useState(false),
    timer = useRef();
  const [width, height] = video.size.split("x").map(Number),
    ratio = width / height;
  const failed = video.status === "failed",
    selected = state.selection.value.includes(video.id);
  const facts = [TASKS[video.vitascope.task], `${Number(video.seconds)} s`, video.size.replace("x", " × ")];
  const shape = { "--ratio": String(Math.min(Math.max(ratio, 0.5), 2.4)) };
  const begin = () => {
    if (!state.muted.value && !failed) timer.current = setTimeout(() => setPlaying(true), 90);
  };
  const end = () => {
    clearTimeout(timer.current);
    setPlaying(false);
  };
  useEffect(() => end, []);
  const open = (event) => {
    event.preventDefault();
    if (event.shiftKey || event.metaKey || event.ctrlKey) state.toggleSelected(video.id);
    else state.go("video", video.id);
  };
  return html`
    <article class=${`tile ${selected ? "selected" : ""} ${failed ? "failed" : ""}`} style=${shape} data-id=${video.id}
      data-status=${video.status} data-removing=${removing.value.has(video.id)} onPointerEnter=${begin}
        onPointerLeave=${end}>
      <a href=${`#/video/${video.id}`} onClick=${open} onFocus=${begin} onBlur=${end}
        aria-label=${failed ? null : video.prompt}>
        ${
          failed
            ? html`<span class="cause"><${Icon} name=${video.error?.code === "cancelled" ? "stop" : "close"} />
              <b>${ENDS[video.error?.code] ?? "Failed"}</b>
              ${video.error?.code !== "cancelled" && html`<span>${video.error?.message}</span>`}</span>`
            : html`<img loading="lazy" decoding="async" src=${api.contentUrl(video.id, "thumbnail")} alt=""
              width=${width} height=${height} />`
        }
        ${playing && html`<video src=${api.contentUrl(video.id)} muted autoplay loop playsinline
          disablepictureinpicture />`}
        <span class="caption"><span class="prompt">${video.prompt}</span>
          <span class="facts">${facts.join(" · ")}</span></span>
      </a>
      <div class="corner">
        ${
          failed &&
          html`<${Button} icon="retry" label="Try again" onClick=${() => retry(video)} />
          <${Button} icon="trash" label="Remove" onClick=${() => remove([video.id])} />`
        }
        ${
          !failed &&
          html`<button type="button" class="mark" aria-pressed=${selected ? "true" : "false"}
            title="Select to compare or connect (S)" aria-label=${`Select: ${video.prompt}`}
            onClick=${() => state.toggleSelected(video.id)}><${Icon} name="check" /></button>`
        }
      </div>
    </article>`;
}

function dayOf(video) {
  const date = new Date(video.created_at * 1000),
    today = new Date();
  const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86400000);
  if (days <= 1) return days < 1 ? "Today" : "Yesterday";
  return date.toLocaleDateString(undefined, {
    weekday: days < 7 ? "long" : undefined,
    day: "numeric",
    month: "long",
    year: date.getFullYear() === today.getFullYear() ? undefined : "numeric",
  });
}

function Grid() {
  const end = useRef(),
    words = state.query.value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = state.library.value.filter(
    (video) =>
      !state.live(video) &&
      words.every(
        (word) => (video.prompt ?? "").toLowerCase().includes(word) || video.vitascope.settings.style === word,
      ),
  );
  useEffect(() => {
    const seen = new IntersectionObserver(
      ([entry]) => {
        if (entry.isIntersecting) state.attempt(state.loadMore);
      },
      { rootMargin: "600px" },
    );
    seen.observe(end.current);
    return () => seen.disconnect();
  }, [shown.length, state.more.value]);
  const days = Map.groupBy(shown, dayOf),
    empty = state.loaded.value && !shown.length;
  return html`
    ${[...days].map(
      ([day, videos]) => html`<section key=${day} class="day"><h2>${day}</h2>
      <div class="grid">${videos.map((video) => html`<${Tile} key=${video.id} video=${video} />`)}</div></section>`,
    )}
    ${empty && words.length > 0 && html`<p class="nothing">No video has these words.</p>`}
    ${empty && !words.length && !state.waiting.value.length && html`<${Welcome} />`}
    <div ref=${end} class="end"></div>`;
}

const IDEAS = [
  "a red car drives from left to right through the city at sunset",
  "a dog jumps on the beach in the rain",
  "a rocket takes off over the mountains at night",
];
const Welcome = () => html`
  <section class="welcome"><h2>What should be seen?</h2>
    <p>Write a sentence below, or start from one of these. A picture becomes the first frame; one of your videos can be
      restyled or made longer: drop it anywhere.</p>
    <ul>${IDEAS.map(
      (idea) =>
        html`<li><button type="button" class="button" onClick=${() => {
          drafts.change({ prompt: idea });
          document.getElementById("prompt").focus();
        }}>${idea}</button></li>`,
    )}</ul></section>`;

function Chosen() {
  const ids = state.selection.value.filter((id) => state.videos.value.has(id));
  if (!ids.length) return null;
  return html`<div class="chosen" role="toolbar" aria-label="Selected videos">
    <span>${ids.length === 1 ? "Select one more to compare or connect" : "2 selected"}</span>
    <${Button} icon="compare" label="Compare (C)" disabled=${ids.length < 2}
      onClick=${() => state.go("compare", ...ids)}>Compare<//>
    <${Button} icon="connect" label="Connect" disabled=${ids.length < 2} onClick=${() => {
      state.dialog.value = { kind: "connect", ids };
    }}>Connect<//>
    <${Button} icon="combine" label="Combine" disabled=${ids.length < 2} onClick=${() => {
      state.dialog.value = { kind: "combine", ids };
    }}>Combine<//>
    <${Button} icon="trash" label="Remove" onClick=${() => askRemove(ids)} />
    <${Button} icon="close" label="Select nothing" onClick=${() => {
      state.selection.value = [];
    }} /></div>`;
}

export const Library = () => html`<main class="library" id="content"><${Queue} /><${Grid} /><${Chosen} /></main>`;
