// Cards on the timeline of one clip: each says what is seen from its moment on; a cut starts a new shot there.
import { html, useEffect, useRef, useState } from "./html.js";
import { contentUrl, getPicture, keepPicture, randomToken, removePicture } from "./api.js";
import { isPicture } from "./media.js";
import * as drafts from "./draft.js";
import * as state from "./state.js";
import { Button, Icon } from "./parts.js";

const STEP = 0.25; // seconds
const MOST = 20; // cards
let fresh = null; // the card that was just added, to be written on at once

const clamp = (at, seconds) => Math.min(Math.max(Math.round(at / STEP) * STEP, 0), Math.max(seconds - STEP, 0));
export const inOrder = (cards) => [...cards].sort((a, b) => a.at - b.at);

export function fields(draft) {
  // The storyboard as the API takes it; undefined if there is none.
  const cards = inOrder(draft.cards).filter((card) => says(card) && card.at < draft.seconds);
  return draft.board && cards.length ? cards.map(asked) : undefined;
}
const says = (card) => card.prompt.trim() || card.picture || card.clip;
const asked = ({ prompt, at, cut, picture, clip }) => ({
  at,
  cut,
  ...(prompt.trim() && { prompt }),
  ...(picture && { input_reference: { file_id: picture.id } }),
  ...(clip && { video: { id: clip.id }, range: clip.range ?? undefined }),
});

export function addClip(video, [first, last]) {
  // A part of a video as a card, with room to be made before and after it, or behind what is there.
  const { cards, seconds, board } = drafts.draft.value,
    length = last - first,
    others = board ? inOrder(cards).filter(says) : [];
  const room = drafts.SECONDS.find((one) => one >= 2 * length) ?? drafts.SECONDS.at(-1);
  const before = others.at(-1),
    free = before && before.at + (before.clip?.range ? before.clip.range[1] - before.clip.range[0] : 1);
  const at = before ? free : Math.max((room - length) / 2, 0);
  const wanted = before ? (drafts.SECONDS.find((one) => one >= Math.max(at + length, seconds)) ?? seconds) : room;
  const clip = { id: video.id, range: [first, last] };
  const card = { id: randomToken(), at: clamp(at, wanted), prompt: "", cut: false, clip };
  drafts.change({
    board: true,
    loop: false,
    seconds: wanted,
    cards: inOrder([...others, card]),
    ...(before ? {} : drafts.sized(video.size)),
  });
}

async function addPicture(id, file) {
  const kept = await state.attempt(() => keepPicture(file));
  if (kept) setCard(id, { picture: { id: kept.id }, clip: null });
}
function dropShown(card) {
  if (card.picture) removePicture(card.picture.id).catch(() => {}); // gone already
  setCard(card.id, { picture: null, clip: null });
}

function whatIsShown({ clip }) {
  if (!clip) return "Picture";
  return clip.range ? `${clip.range.map((second) => second.toFixed(2)).join(" to ")} s` : "Video";
}

function Shown({ card, number }) {
  // What a card shows, or the place to put a picture.
  const chooser = useRef(),
    [url, setUrl] = useState(null);
  useEffect(() => {
    let made = null;
    if (card.picture)
      getPicture(card.picture.id).then(
        (blob) => setUrl((made = URL.createObjectURL(blob))),
        (error) => error.status === 404 && setCard(card.id, { picture: null }),
      );
    else if (card.clip)
      state.find(card.clip.id).then(
        (video) => (video ? setUrl(contentUrl(video.id, "thumbnail")) : setCard(card.id, { clip: null })),
        () => {}, // the service does not answer now
      );
    else setUrl(null);
    return () => made && URL.revokeObjectURL(made);
  }, [card.picture?.id, card.clip?.id]);
  if (card.picture || card.clip)
    return html`<div class="shown">${url && html`<img src=${url}
      alt=${card.clip ? "A part of a video" : "A picture"} />`}
      <span>${whatIsShown(card)}</span>
      <${Button} icon="close" label=${`Take it off card ${number}`} onClick=${() => dropShown(card)} /></div>`;
  return html`<div class="shown"><${Button} icon="picture" label=${`A picture for card ${number}`}
    onClick=${() => chooser.current.click()}>Picture<//>
    <input ref=${chooser} type="file" hidden aria-label=${`Picture of card ${number}`}
      accept="image/png,image/jpeg,image/webp" onChange=${(event) => {
      if (event.target.files[0]) addPicture(card.id, event.target.files[0]);
      event.target.value = "";
    }} /></div>`;
}

function addCard(at) {
  const { cards, seconds } = drafts.draft.value,
    id = randomToken();
  if (cards.length >= MOST) return;
  drafts.change({ cards: inOrder([...cards, { id, at: clamp(at, seconds), prompt: "", cut: false }]) });
  fresh = id;
}
const setCard = (id, fields) =>
  drafts.change({
    cards: inOrder(drafts.draft.value.cards.map((card) => (card.id === id ? { ...card, ...fields } : card))),
  });
const dropCard = (id) => drafts.change({ cards: drafts.draft.value.cards.filter((card) => card.id !== id) });

const begin = (id) => (field) => {
  if (field && fresh === id) {
    fresh = null;
    field.focus();
  }
};

function follow(event, move, done) {
  // Calls `move` for every move of the pointer that went down, and `done` where it goes up; `done(null)` if it is taken
  // away.
  const pointer = event.pointerId;
  const own = (action) => (next) => {
    if (next.pointerId === pointer) action(next);
  };
  const moved = own(move),
    up = own((next) => {
      stop();
      done(next);
    }),
    lost = own(() => {
      stop();
      done(null);
    });
  const events = { pointermove: moved, pointerup: up, pointercancel: lost };
  const stop = () => {
    for (const [name, action] of Object.entries(events)) removeEventListener(name, action);
  };
  for (const [name, action] of Object.entries(events)) addEventListener(name, action);
}

function Marker({ card, number, seconds, timeAt }) {
  const drag = (event) => {
    if (event.button) return;
    event.preventDefault();
    event.currentTarget.focus();
    follow(
      event,
      (next) => setCard(card.id, { at: clamp(timeAt(next), seconds) }),
      () => {},
    );
  };
  const press = (event) => {
    const by = { ArrowLeft: -STEP, ArrowRight: STEP, PageDown: -1, PageUp: 1, Home: -1e9, End: 1e9 }[event.key];
    if (by !== undefined) setCard(card.id, { at: clamp(card.at + by, seconds) });
    else if (event.key === "Delete" || event.key === "Backspace") dropCard(card.id);
    else if (event.key === "Enter") document.getElementById(`card-${card.id}`)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<div class=${`marker ${card.cut ? "cut" : ""}`} role="slider" tabindex="0"
    aria-label=${`Card ${number}: ${card.prompt || "empty"}`}
    aria-valuemin="0" aria-valuemax=${seconds} aria-valuenow=${card.at} aria-valuetext=${`${card.at} seconds`}
    style=${{ left: `${(card.at / seconds) * 100}%` }} onPointerDown=${drag} onKeyDown=${press}><b>${number}</b></div>`;
}

export function Storyboard() {
  const { cards, seconds } = drafts.draft.value,
    track = useRef(),
    [ghost, setGhost] = useState(null);
  const timeAt = (event) => {
    const box = track.current.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * seconds;
  };
  const over = (event) => {
    const box = track.current.getBoundingClientRect();
    return (
      event.clientY > box.top - 40 &&
      event.clientY < box.bottom + 40 &&
      event.clientX > box.left - 20 &&
      event.clientX < box.right + 20
    );
  };
  const pull = (event) => {
    // a new card out of the pile
    if (event.button) return;
    event.preventDefault();
    const start = [event.clientX, event.clientY];
    follow(
      event,
      (next) => setGhost({ x: next.clientX, y: next.clientY, over: over(next) }),
      (next) => {
        setGhost(null);
        if (!next) return;
        const still = Math.hypot(next.clientX - start[0], next.clientY - start[1]) < 5;
        if (still) addAfterLast();
        else if (over(next)) addCard(timeAt(next));
      },
    );
  };
  const addAfterLast = () =>
    addCard(cards.length ? Math.min(cards.at(-1).at + Math.max(seconds / 4, STEP), seconds) : 0);
  const every = seconds <= 8 ? 1 : seconds <= 20 ? 2 : 10,
    percent = (at) => `${(at / seconds) * 100}%`;
  return html`
    <section class="board" aria-label="Storyboard">
      <div class="head">
        <button type="button" class="button pile" onPointerDown=${pull} disabled=${cards.length >= MOST}
          onKeyDown=${(event) => {
            if (event.key === "Enter" || event.key === " ") {
              event.preventDefault();
              addAfterLast();
            }
          }}><${Icon} name="plus" />Card</button>
        <span class="hint">Drag a card onto the timeline, or click where it begins.</span>
      </div>
      <div class="track" ref=${track} onClick=${(event) => {
        if (event.target === track.current) addCard(timeAt(event));
      }}>
        ${inOrder(cards).map(
          (card, place, all) => html`<i key=${card.id} class=${`reach ${card.cut ? "cut" : ""}`}
          style=${{ left: percent(card.at), width: percent((all[place + 1]?.at ?? seconds) - card.at) }}></i>`,
        )}
        ${Array.from({ length: Math.floor(seconds / every) + 1 }, (_, place) => html`<span class="tick"
          style=${{ left: percent(place * every) }}>${place * every}</span>`)}
        ${inOrder(cards).map((card, place) => html`<${Marker} key=${card.id} card=${card} number=${place + 1}
          seconds=${seconds} timeAt=${timeAt} />`)}
      </div>
      <ol class="cards">${inOrder(cards).map(
        (card, place) => html`
        <li key=${card.id} onDrop=${(event) => {
          const [file] = event.dataTransfer?.files ?? [];
          if (!file || !isPicture(file)) return;
          event.preventDefault();
          addPicture(card.id, file);
        }}>
          <header><b>${place + 1}</b><label class="at"><span class="hidden">Begins at, seconds</span>
            <input type="number" min="0" max=${seconds} step=${STEP} value=${card.at}
              onChange=${(event) => setCard(card.id, { at: clamp(Number(event.target.value), seconds) })} /> s</label>
            <label class="check"><input type="checkbox" checked=${card.cut}
              onChange=${(event) => setCard(card.id, { cut: event.target.checked })} />Cut</label>
            <${Button} icon="close" label=${`Remove card ${place + 1}`} onClick=${() => dropCard(card.id)} /></header>
          <textarea id=${`card-${card.id}`} ref=${begin(card.id)} rows="2"
            placeholder=${place ? "Then …" : "At first …"} aria-label=${`Card ${place + 1}`} value=${card.prompt}
            onInput=${(event) => setCard(card.id, { prompt: event.target.value })} />
          <${Shown} card=${card} number=${place + 1} />
          ${card.at >= seconds && html`<p class="warn">Begins after the end</p>`}
        </li>`,
      )}</ol>
      ${ghost && html`<span class=${`ghost ${ghost.over ? "over" : ""}`}
        style=${{ left: `${ghost.x}px`, top: `${ghost.y}px` }}>${ghost.over ? "Drop here" : "Card"}</span>`}
    </section>`;
}
