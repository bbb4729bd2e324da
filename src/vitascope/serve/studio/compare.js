// Two videos side by side, played as one, and what was different about making them.
import { html, useEffect } from "./html.js";
import * as api from "./api.js";
import * as state from "./state.js";
import { Button } from "./parts.js";
import { Screen, Timeline, usePlayer } from "./player.js";
import { facts } from "./words.js";

export function Compare({ ids }) {
  const first = state.useVideo(ids[0]),
    second = state.useVideo(ids[1]),
    gone = first === null || second === null;
  const ready = first?.status === "completed" && second?.status === "completed";
  return html`<main class="compare" id="content">
    <nav class="trail"><${Button} icon="back" label="Back to the library (Esc)" onClick=${() => state.go()}>Library<//>
      ${
        ready &&
        html`<${Button} icon="connect" label="Connect the two" onClick=${() => {
          state.dialog.value = { kind: "connect", ids };
        }}>Connect<//>`
      }</nav>
    ${
      ready
        ? html`<${Pair} key=${ids.join()} first=${first} second=${second} />`
        : html`<p class="nothing">${gone ? "One of the two is not there any more." : "…"}</p>`
    }
  </main>`;
}

function Pair({ first, second }) {
  const fps = Math.max(first.vitascope.settings.fps, second.vitascope.settings.fps);
  const leader = usePlayer(fps),
    follower = usePlayer(fps);
  useEffect(() => {
    // the second goes where the first one is
    const { current } = follower.video;
    if (!current) return;
    if (leader.playing.value === current.paused)
      leader.playing.value ? current.play().catch(() => {}) : current.pause();
    const at = Math.min(leader.time.value, (follower.length.value || 1) - 0.001);
    if (Math.abs(current.currentTime - at) > (leader.playing.value ? 0.25 : 0.01)) current.currentTime = at;
  }, [leader.time.value, leader.playing.value, follower.length.value]);
  useEffect(() => {
    const actions = { " ": leader.toggle, ArrowLeft: () => leader.step(-1), ArrowRight: () => leader.step(1) };
    const press = (event) => {
      if (!actions[event.key] || /^(INPUT|BUTTON)$/.test(event.target.tagName) || state.dialog.value) return;
      event.preventDefault();
      actions[event.key]();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  const other = new Map(facts(second)),
    mine = new Map(facts(first));
  const names = [...new Set([...mine.keys(), ...other.keys()])];
  return html`
    <div class="pairs">${[
      [first, leader],
      [second, follower],
    ].map(
      ([video, player]) => html`<figure key=${video.id}>
      <${Screen} player=${player} src=${api.contentUrl(video.id)} label=${video.prompt} autoplay=${player === leader} />
      <figcaption><a href=${`#/video/${video.id}`}>${video.prompt}</a></figcaption></figure>`,
    )}</div>
    <${Timeline} player=${leader} />
    <div class="scroll"><table><caption class="hidden">Settings of both videos</caption>
      <thead><tr><th scope="col"><span class="hidden">Setting</span></th><th scope="col">Left</th>
        <th scope="col">Right</th></tr></thead>
      <tbody>${names.map(
        (name) => html`<tr class=${String(mine.get(name)) === String(other.get(name)) ? "" : "differs"}>
        <th scope="row">${name}</th><td>${mine.get(name) ?? "–"}</td><td>${other.get(name) ?? "–"}</td></tr>`,
      )}</tbody></table></div>`;
}
