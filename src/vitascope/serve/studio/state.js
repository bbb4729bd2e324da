// What the page knows: the videos as the service last told them, the place, what is selected. The service keeps the
// videos and pictures, the address bar the place, the browser what draft.js has; so a reload shows the same.
import { batch, computed, effect, signal, useEffect, useRef, useSignal } from "./html.js";
import * as api from "./api.js";

const PAGE = 60; // videos asked for at once
const LOOK = 4000; // milliseconds between looks at places in the queue, which events do not tell

// ------------------------------------------------------------------------------------------------ kept in the browser

export function kept(name, initial) {
  // A signal whose value outlives the page.
  const key = `vitascope.${name}`;
  let value = initial;
  try {
    const stored = JSON.parse(localStorage.getItem(key));
    if (stored !== null) value = typeof initial === "object" && initial !== null ? { ...initial, ...stored } : stored;
  } catch {
    /* nothing was kept, or not by this version */
  }
  const state = signal(value);
  effect(() => {
    const text = JSON.stringify(state.value);
    try {
      localStorage.setItem(key, text);
    } catch {
      /* private window: it lives as long as the page */
    }
  });
  return state;
}

// ------------------------------------------------------------------------------------------------------------- videos

export const videos = signal(new Map()); // id → video
export const loaded = signal(false);
export const more = signal(false); // older ones that were not asked for yet
export const connected = signal(true);
export const locked = signal(false); // a key is needed
export const keyed = kept("keyed", false); // this browser was given a key
export const now = signal(Date.now()); // moves while something is made
export let model = null; // the service's own name of its model
export const offers = signal({ styles: {}, cameras: {}, curves: [], report_categories: [] }); // what may be asked of it
let oldest = null,
  newest = 0,
  source = null,
  loading = false;

const place = (video) => video.vitascope.variations.indexOf(video.id);
export const library = computed(() =>
  [...videos.value.values()].sort(
    (a, b) => b.created_at - a.created_at || place(a) - place(b) || (a.id < b.id ? 1 : -1),
  ),
);
export const live = (video) => video.status === "queued" || video.status === "in_progress";
export const waiting = computed(() =>
  library.value
    .filter(live)
    .reverse()
    .sort((a, b) => (a.vitascope.queue_position ?? -1) - (b.vitascope.queue_position ?? -1)),
);

function take(entries) {
  const known = new Map(videos.value);
  for (const video of entries) {
    const old = known.get(video.id);
    if (!old || old.vitascope.version <= video.vitascope.version) known.set(video.id, { ...video, heard: Date.now() });
    newest = Math.max(newest, video.vitascope.version);
  }
  videos.value = known;
}

export function forget(id) {
  const known = new Map(videos.value);
  known.delete(id);
  batch(() => {
    videos.value = known;
    selection.value = selection.value.filter((other) => other !== id);
  });
}

export async function start() {
  try {
    const [first, models] = await Promise.all([api.listVideos(null, PAGE), api.listModels()]);
    batch(() => {
      take(first.data);
      model = models.data[0].id;
      offers.value = models.data[0].vitascope;
      if (oldest === null) [oldest, more.value] = [first.last_id, first.has_more];
      loaded.value = connected.value = true;
      locked.value = false;
    });
    follow();
  } catch (error) {
    if (error.status === 401) locked.value = true;
    else {
      connected.value = false;
      setTimeout(start, 2000);
    }
  }
}

export async function loadMore() {
  if (loading || !more.value) return;
  loading = true;
  try {
    const page = await api.listVideos(oldest, PAGE);
    batch(() => {
      take(page.data);
      [oldest, more.value] = [page.last_id ?? oldest, page.has_more];
    });
  } catch (error) {
    if (error.param === "after")
      more.value = false; // the oldest one was deleted meanwhile: a reload finds the rest
    else throw error;
  } finally {
    loading = false;
  }
}

export async function find(id) {
  // A video that may not be among those loaded; null if it is gone.
  if (videos.value.has(id)) return videos.value.get(id);
  try {
    take([await api.getVideo(id)]);
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
  return videos.value.get(id);
}

export function useVideo(id) {
  // A video as it is now; null if there is none (any more), undefined until that is known.
  const seen = useRef(null), // the id that there was a video of
    missed = useSignal(null), // the id that there is none of
    video = videos.value.get(id);
  if (video) seen.current = id;
  useEffect(() => {
    if (seen.current === id) return;
    attempt(async () => {
      if ((await find(id)) === null) missed.value = id;
    });
  }, [id, locked.value]);
  return video ?? (seen.current === id || missed.value === id ? null : undefined);
}

function follow() {
  // Hidden pages hang up, since a browser opens only six connections to a service.
  source?.close();
  source = null;
  if (document.hidden || locked.value) return;
  source = new EventSource(api.eventsUrl(newest));
  source.onopen = () => {
    connected.value = true;
  };
  source.addEventListener("video", (event) => take([JSON.parse(event.data)]));
  source.addEventListener("deleted", (event) => {
    newest = Math.max(newest, Number(event.lastEventId));
    forget(JSON.parse(event.data).id);
  });
  source.onerror = () => {
    connected.value = false;
    if (source?.readyState === EventSource.CLOSED) setTimeout(start, 2000);
  };
}

export function watch() {
  document.addEventListener("visibilitychange", () => (document.hidden ? follow() : start()));
  setInterval(() => {
    if (waiting.value.length && !document.hidden) now.value = Date.now();
  }, 1000);
  setInterval(async () => {
    if (document.hidden || !waiting.value.some((video) => video.status === "queued")) return;
    try {
      take((await api.listVideos(null, PAGE)).data);
    } catch {
      /* the events' connection says so */
    }
  }, LOOK);
  start();
}

// ----------------------------------------------------------------------------------------------------- place, messages

const whereNow = () => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
export const route = signal(whereNow()); // ["video", id], ["compare", id, id], ["verify"], [] for the library
const arrive = () => {
  if (whereNow().join("/") !== route.value.join("/")) route.value = whereNow();
};
window.addEventListener("hashchange", arrive);
export const go = (...parts) => {
  location.hash = `#/${parts.map(encodeURIComponent).join("/")}`;
  arrive(); // the event comes later, and a key pressed until then would be taken for the old place
};

export const toasts = signal([]); // {id, text, kind, action}
export function say(text, { kind = "note", action = null } = {}) {
  const id = api.randomToken();
  toasts.value = [...toasts.value.slice(-2), { id, text, kind, action }];
  setTimeout(
    () => {
      toasts.value = toasts.value.filter((toast) => toast.id !== id);
    },
    kind === "error" ? 9000 : 5000,
  );
}
export async function attempt(action) {
  // Run something and tell if it goes wrong; whether it went well, or its result.
  try {
    return (await action()) ?? true;
  } catch (error) {
    if (error.status === 401) locked.value = true;
    else if (error instanceof api.Refusal || error.forUser) say(error.message, { kind: "error" });
    else throw error;
    return false;
  }
}

export const selection = signal([]); // at most two ids: to compare, to connect
export const toggleSelected = (id) => {
  if (videos.value.get(id)?.status !== "completed") return; // there is nothing to compare or connect
  const others = selection.value.filter((other) => other !== id);
  selection.value = others.length < selection.value.length ? others : [...others.slice(-1), id];
};
export const dialog = signal(null); // {kind, …}: what is asked before going on
export const query = signal("");
export const examined = signal(null); // the file whose origin is asked for
export const muted = signal(false); // no motion on hover where less motion is wished
muted.value = matchMedia("(prefers-reduced-motion: reduce)").matches;
