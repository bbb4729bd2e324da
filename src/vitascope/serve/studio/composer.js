// The composer at the bottom: what is to be made. It shows the draft and turns it into a request.
import { html, useEffect, useLayoutEffect, useRef, useSignal } from "./html.js";
import * as api from "./api.js";
import * as media from "./media.js";
import * as drafts from "./draft.js";
import * as state from "./state.js";
import { Button, Icon, Pill, Text, Toggle, set } from "./parts.js";
import * as board from "./storyboard.js";

const { Storyboard } = board;
const MOST_SEED = 2 ** 53 - 1; // larger ones are not whole numbers in JSON here

// What is asked for, by the sentence or by cards.
export const wordsOf = (draft) =>
  draft.prompt.trim() || (board.fields(draft) ?? []).map((card) => card.prompt?.trim()).filter(Boolean).join(". ");

export async function expand(draft, seed = 0) {
  // The prompt at greater length, which the model reads instead and a person can change.
  const prompt = draft.prompt.trim();
  if (!prompt) return;
  const expanded = await state.attempt(() => api.expandPrompt(prompt, seed));
  if (expanded && drafts.draft.value.prompt.trim() === prompt) drafts.change({ expanded, expandedFrom: prompt });
}

async function submit(draft) {
  const [width, height] = drafts.frameSize(draft);
  const picture = draft.picture && (await media.cover(await api.getPicture(draft.picture.id), width, height));
  const made = await api.createVideo({
    model: state.model,
    prompt: draft.prompt.trim(),
    expanded_prompt: draft.expand && draft.prompt.trim() ? draft.expanded : null,
    size: `${width}x${height}`,
    seconds: String(draft.seconds),
    n: draft.n > 1 ? draft.n : null,
    style: draft.style,
    camera: draft.camera,
    loop: draft.loop || null,
    seed: draft.seed === "" ? null : draft.seed,
    negative_prompt: draft.negative,
    num_inference_steps: draft.steps,
    guidance_scale: draft.guidance,
    input_reference: picture,
    storyboard: board.fields(draft),
  });
  await Promise.all(made.vitascope.variations.map((id) => state.find(id)));
  window.scrollTo({ top: 0, behavior: state.muted.value ? "auto" : "smooth" });
}

export async function usePicture(blob) {
  // A picture as the first frame. The service keeps it, so that it is still there after a reload.
  const kept = await state.attempt(() => api.keepPicture(blob));
  if (!kept) return;
  dropPicture();
  drafts.change({ picture: { id: kept.id, name: kept.filename } });
}
export function dropPicture() {
  const { picture } = drafts.draft.value;
  if (!picture) return;
  drafts.change({ picture: null });
  api.removePicture(picture.id).catch(() => {}); // gone already
}

function Reference({ picture }) {
  const url = useSignal(null);
  useEffect(() => {
    let made;
    api.getPicture(picture.id).then(
      (blob) => {
        url.value = made = URL.createObjectURL(blob);
      },
      (error) => {
        if (error.status === 404) drafts.change({ picture: null });
      },
    );
    return () => URL.revokeObjectURL(made);
  }, [picture.id]);
  return html`<div class="reference">
    ${url.value ? html`<img src=${url.value} alt="First frame" />` : html`<span></span>`}
    <${Button} icon="close" label="Remove the first frame" onClick=${dropPicture} /></div>`;
}

function Expanded({ draft }) {
  const seed = useRef(0),
    prompt = draft.prompt.trim();
  useEffect(() => {
    if (!prompt || prompt === draft.expandedFrom) return;
    const timer = setTimeout(() => expand(drafts.draft.value, seed.current), 500);
    return () => clearTimeout(timer);
  }, [prompt, draft.expandedFrom]);
  return html`<section class="expanded" aria-label="Expanded prompt">
    <${Text} label="What the model reads" rows=${2} value=${prompt ? draft.expanded : ""}
      placeholder="Your sentence at greater length"
      disabled=${!prompt} onChange=${(expanded) => drafts.change({ expanded })} />
    <${Button} icon="retry" label="Other words" disabled=${!prompt}
      onClick=${() => expand(draft, ++seed.current)} /></section>`;
}

function More({ draft }) {
  const number = (name, label, { hint, min, max, step = 1, read = Number }) => html`
    <label class="field"><span>${label}</span><input type="number" value=${draft[name]} placeholder=${hint}
      min=${min} max=${max} step=${step}
      onInput=${({ target: { value } }) => drafts.change({ [name]: value === "" ? "" : read(value) })} /></label>`;
  return html`<section class="more" aria-label="More settings">
    <${Text} label="What must not be seen" rows=${2} value=${draft.negative}
      onChange=${(negative) => drafts.change({ negative })} />
    <div class="numbers">
      <${Pill} label="Camera" value=${draft.camera} options=${drafts.cameras.value}
        onChange=${(camera) => drafts.change({ camera })} />
      ${number("seed", "Seed", { min: 0, max: MOST_SEED, hint: "random", read: String })}
      ${number("steps", "Steps", { min: 1, max: 200, hint: "default" })}
      ${number("guidance", "Guidance", { min: 0, max: 30, step: 0.5, hint: "default" })}
      <${Button} icon="retry" label="Forget all settings" onClick=${() => {
        dropPicture();
        drafts.change(drafts.EMPTY);
      }}>Start afresh<//>
    </div></section>`;
}

export function Composer() {
  const draft = drafts.draft.value,
    more = useSignal(false),
    busy = useSignal(false),
    field = useRef(),
    chooser = useRef();
  useLayoutEffect(() => {
    // as high as its text
    field.current.style.height = "auto";
    field.current.style.height = `${Math.min(field.current.scrollHeight, innerHeight * 0.3)}px`;
  }, [draft.prompt]);
  const send = async () => {
    if (busy.value || !wordsOf(draft)) return field.current.focus();
    busy.value = true;
    if (draft.expand && draft.prompt.trim() !== draft.expandedFrom) await expand(draft);
    await state.attempt(() => submit(drafts.draft.value));
    busy.value = false;
  };
  const press = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    }
    if (event.key === "Escape") field.current.blur();
  };
  const [width, height] = drafts.frameSize(draft);
  const aspects = Object.keys(drafts.ASPECTS).map((aspect) => [aspect, aspect]);
  const sides = drafts.SHORT_SIDES.map((side) => [side, drafts.frameSize({ ...draft, side, size: null }).join(" × ")]);
  const seconds = [...new Set([...drafts.SECONDS, Number(draft.seconds)])]
    .sort((a, b) => a - b)
    .map((value) => [value, `${value} s`]);
  return html`
    <form class="composer" aria-label="New video" onSubmit=${(event) => {
      event.preventDefault();
      send();
    }}>
      ${draft.board && html`<${Storyboard} />`}
      ${more.value && html`<${More} draft=${draft} />`}
      ${draft.expand && html`<${Expanded} draft=${draft} />`}
      <div class="sentence">
        ${draft.picture && html`<${Reference} picture=${draft.picture} />`}
        <textarea id="prompt" ref=${field} rows="1" maxlength="32000" aria-label="Prompt" value=${draft.prompt}
          placeholder=${draft.board ? "What is the same on all cards …" : "Describe a video …"} onKeyDown=${press}
          onInput=${(event) => drafts.change({ prompt: event.target.value })} />
        <button class="send" disabled=${busy.value || !wordsOf(draft)} aria-label="Create" title="Create (Enter)">
          <${Icon} name="up" /></button>
      </div>
      <div class="pills">
        <${Button} icon="picture" kind="pill" label="First frame, or a video to change"
          onClick=${() => chooser.current.click()} />
        <input ref=${chooser} type="file" hidden accept="image/png,image/jpeg,image/webp,image/gif,video/*" onChange=${(
          event,
        ) => {
          accept(event.target.files[0]);
          event.target.value = "";
        }} />
        <${Pill} label="Aspect" icon="frame" value=${draft.size ? "" : draft.aspect}
          options=${draft.size ? [["", "Own"], ...aspects] : aspects}
          onChange=${(aspect) => drafts.change({ aspect, size: null })} />
        <${Pill} label="Size" value=${draft.size ?? draft.side}
          options=${draft.size ? [[draft.size, `${width} × ${height}`], ...sides] : sides}
          onChange=${(side) => drafts.change({ side: Number(side), size: null })} />
        <${Pill} label="Length" value=${draft.seconds} options=${seconds}
          onChange=${(value) => drafts.change({ seconds: Number(value) })} />
        <${Pill} label="Variations" value=${draft.n} options=${[1, 2, 3, 4, 6, 8].map((n) => [n, `${n} ×`])}
          onChange=${(n) => drafts.change({ n: Number(n) })} />
        <${Pill} label="Style" value=${draft.style} options=${drafts.styles.value}
          onChange=${(style) => drafts.change({ style })} />
        <${Toggle} label="Expand" icon="wand" on=${draft.expand} onChange=${(on) => drafts.change({ expand: on })} />
        <${Toggle} label="Loop" icon="loop" on=${draft.loop} onChange=${(loop) => drafts.change({ loop })} />
        <${Toggle} label="Storyboard" icon="board" on=${draft.board} onChange=${(on) => drafts.change({ board: on })} />
        <${Toggle} label="More" icon="sliders" on=${more.value} onChange=${set(more)} />
      </div>
    </form>`;
}

export async function accept(file) {
  // A file that was dropped, chosen or pasted.
  if (!file) return;
  if (state.route.value[0] === "verify") {
    state.examined.value = file;
    return;
  }
  if (media.isPicture(file)) return usePicture(file);
  if (!media.isVideo(file)) return state.say(`${file.name} is neither a picture nor a video.`, { kind: "error" });
  state.dialog.value = { kind: "clip", file, settings: await media.readSettings(file) };
}
