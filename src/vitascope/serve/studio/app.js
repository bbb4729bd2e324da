// The page as a whole: the bar at the top, the view that the address names, files dropped anywhere, the keyboard.
import { html, render, useEffect, useSignal } from "./html.js";
import * as api from "./api.js";
import { Compare } from "./compare.js";
import { Composer, accept } from "./composer.js";
import { Detail } from "./detail.js";
import { Dialogs, Toasts } from "./dialogs.js";
import { Library, askRemove } from "./library.js";
import { Button, Icon } from "./parts.js";
import * as drafts from "./draft.js";
import * as state from "./state.js";
import { Verify } from "./verify.js";

function isDark() {
  return (
    (document.documentElement.dataset.theme ??
      (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark"
  );
}
function turnTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("vitascope.theme", theme);
  } catch {
    /* until the page is closed */
  }
}

function Bar() {
  const dark = useSignal(isDark()),
    home = state.route.value.length === 0;
  return html`<header class="bar">
    <a class="skip" href="#content" onClick=${(event) => {
      event.preventDefault();
      document.querySelector("#content a, #content button")?.focus();
    }}>Skip to the videos</a>
    <a class="brand" href="#/"><img src="icon.svg" alt="" width="26" height="26" /><h1>vitascope</h1></a>
    ${
      home &&
      html`<label class="search"><${Icon} name="search" /><span class="hidden">Search the library</span><input
        type="search" placeholder="Search" value=${state.query.value}
      onInput=${(event) => {
        state.query.value = event.target.value;
        if (event.target.value) state.attempt(state.loadMore);
      }} /></label>`
    }
    <span class="right">
      <${Button} icon="origin" label="Where does a file come from? (V)" onClick=${() => state.go("verify")} />
      <${Button} icon=${dark.value ? "sun" : "moon"} label=${dark.value ? "Light (T)" : "Dark (T)"} id="theme"
        onClick=${() => {
        turnTheme();
        dark.value = isDark();
      }} />
      <${Button} icon="keys" label="Keyboard shortcuts (?)" onClick=${() => {
        state.dialog.value = { kind: "help" };
      }} />
      ${
        state.keyed.value &&
        html`<${Button} icon="out" label="Sign out" onClick=${() =>
          state.attempt(async () => {
            await api.signOut();
            state.keyed.value = false;
            location.reload();
          })} />`
      }
    </span></header>`;
}

function View() {
  const [kind, ...ids] = state.route.value;
  if (kind === "video" && ids.length === 1) return html`<${Detail} id=${ids[0]} />`;
  if (kind === "verify") return html`<${Verify} />`;
  if (kind === "compare" && ids.length === 2) return html`<${Compare} ids=${ids} />`;
  return html`<${Library} />`;
}

function useDropping() {
  const over = useSignal(false);
  useEffect(() => {
    let depth = 0;
    const has = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const handlers = {
      dragenter: (event) => {
        if (has(event)) {
          depth += 1;
          over.value = true;
        }
      },
      dragleave: (event) => {
        if (has(event) && --depth <= 0) {
          depth = 0;
          over.value = false;
        }
      },
      dragover: (event) => {
        if (has(event)) event.preventDefault();
      },
      drop: (event) => {
        if (!has(event)) return;
        depth = 0;
        over.value = false;
        if (event.defaultPrevented) return; // a card has taken it
        event.preventDefault();
        accept(event.dataTransfer.files[0]);
      },
      paste: (event) => {
        if (event.clipboardData?.files.length) {
          event.preventDefault();
          accept(event.clipboardData.files[0]);
        }
      },
    };
    for (const [name, handler] of Object.entries(handlers)) addEventListener(name, handler);
    return () => {
      for (const [name, handler] of Object.entries(handlers)) removeEventListener(name, handler);
    };
  }, []);
  return over.value;
}

// -------------------------------------------------------------------------------------------------------- the keyboard

function walk(event) {
  // From tile to tile: left and right along the order, up and down to the nearest one of another row.
  const tiles = [...document.querySelectorAll(".tile > a")],
    here = tiles.indexOf(document.activeElement);
  if (!tiles.length) return;
  event.preventDefault();
  if (here < 0) return tiles[0].focus();
  if (event.key === "ArrowLeft" || event.key === "ArrowRight")
    return tiles[here + (event.key === "ArrowLeft" ? -1 : 1)]?.focus();
  const middle = (tile) => {
    const box = tile.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  const [x, y] = middle(tiles[here]),
    way = event.key === "ArrowDown" ? 1 : -1;
  const far = (tile) => {
    const [u, v] = middle(tile);
    return (v - y) * way < 20 ? Infinity : Math.abs(u - x) + 3 * Math.abs(v - y);
  };
  const next = tiles.reduce((best, tile) => (far(tile) < far(best) ? tile : best), tiles[here]);
  next.focus();
}

const tileOf = (event) => event.target.closest?.(".tile")?.dataset.id;
const KEYS = {
  "/": () => {
    state.go();
    requestAnimationFrame(() => document.getElementById("prompt")?.focus());
  },
  "?": () => {
    state.dialog.value = { kind: "help" };
  },
  t: () => document.getElementById("theme").click(),
  v: () => state.go("verify"),
  b: () => drafts.change({ board: !drafts.draft.value.board }),
  c: () => {
    if (state.selection.value.length === 2) state.go("compare", ...state.selection.value);
  },
  s: (event) => {
    if (tileOf(event)) state.toggleSelected(tileOf(event));
  },
  Delete: (event) => {
    if (tileOf(event)) askRemove([tileOf(event)]);
  },
  Escape: () => {
    if (state.route.value.length) state.go();
    else state.selection.value = [];
  },
};

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || state.dialog.value || state.locked.value) return;
  if (
    /^(TEXTAREA|SELECT)$/.test(event.target.tagName) ||
    (event.target.tagName === "INPUT" && event.target.type !== "range")
  )
    return;
  if (event.key.startsWith("Arrow") && !state.route.value.length && event.target.getAttribute("role") !== "slider")
    return walk(event);
  const action = KEYS[event.key];
  if (!action || event.defaultPrevented) return;
  event.preventDefault();
  action(event);
}

function Studio() {
  const dropping = useDropping();
  useEffect(() => {
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  useEffect(() => {
    window.scrollTo(0, 0);
  }, [state.route.value.join()]);
  return html`<${Bar} />
    ${!state.connected.value && html`<p class="offline" role="status">The service does not answer. Nothing is lost: the
      page goes on as soon as it does.</p>`}
    <${View} />
    ${state.route.value.length === 0 && html`<${Composer} />`}
    <${Dialogs} /><${Toasts} />
    ${dropping && html`<div class="dropzone" aria-hidden="true"><div><${Icon} name="picture" />
      <b>Drop a picture or a video</b><span>${
      state.route.value[0] === "verify"
        ? "You will be told whether it was made here."
        : "A picture becomes the first frame; one of our videos brings its settings back."
    }</span></div></div>`}`;
}

document.getElementById("studio").replaceChildren();
render(html`<${Studio} />`, document.getElementById("studio"));
state.watch();
