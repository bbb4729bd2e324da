// What is to be made, as far as it was thought of: the composer's fields, kept in the browser, and what may be chosen.
import { computed } from "./html.js";
import { randomToken } from "./api.js";
import { kept, offers } from "./state.js";
import { styleName } from "./words.js";

export const ASPECTS = { "16:9": 16 / 9, "4:3": 4 / 3, "1:1": 1, "3:4": 3 / 4, "9:16": 9 / 16 };
export const SHORT_SIDES = [128, 256, 480, 720];
export const SECONDS = [1, 2, 4, 6, 8, 12, 16, 20, 30, 60];
export const styles = computed(() => ["", ...Object.keys(offers.value.styles)].map((name) => [name, styleName(name)]));
export const cameras = computed(() => [
  ["", "Camera as it comes"],
  ...Object.keys(offers.value.cameras).map((name) => [name, `Camera ${name}`]),
]);
export const EMPTY = {
  prompt: "",
  aspect: "1:1",
  side: 128,
  size: null,
  seconds: 2,
  n: 1,
  style: "",
  camera: "",
  expand: false,
  expanded: "", // what the model reads instead of the prompt
  expandedFrom: "", // the prompt that it was made from
  seed: "",
  negative: "",
  steps: "",
  guidance: "",
  loop: false,
  picture: null,
  board: false,
  cards: [],
};

export const draft = kept("draft", EMPTY);
export const change = (fields) => {
  draft.value = { ...draft.value, ...fields };
};

export function frameSize({ aspect, side, size }) {
  // [width, height]: sides are multiples of 16, as every model here wants them.
  if (size) return size.split("x").map(Number);
  const ratio = ASPECTS[aspect];
  const long = Math.round((side * Math.max(ratio, 1 / ratio)) / 16) * 16;
  return ratio >= 1 ? [long, side] : [side, long];
}

export function fromSettings(video) {
  // A draft that makes a video of the service again.
  const { seed, negative, steps, guidance, style, camera, expanded, loop, storyboard } = video.vitascope.settings;
  return {
    ...EMPTY,
    prompt: video.prompt ?? "",
    seconds: Number(video.seconds),
    seed: String(seed),
    negative,
    steps: steps ?? "",
    guidance: guidance ?? "",
    style: style ?? "",
    camera: camera ?? "",
    expand: Boolean(expanded),
    expanded: expanded ?? "",
    expandedFrom: expanded ? (video.prompt ?? "") : "",
    loop,
    ...sized(video.size),
    cards: storyboard.map(({ shows, range, ...card }) => ({
      ...card,
      id: randomToken(),
      clip: shows?.startsWith("clip-") ? { id: video.vitascope.from[shows], range } : null, // pictures are not kept
    })),
    board: storyboard.length > 0,
  };
}

export function sized(size) {
  // The composer's choice that means a size, or the size itself.
  for (const aspect of Object.keys(ASPECTS))
    for (const side of SHORT_SIDES)
      if (frameSize({ aspect, side }).join("x") === size) return { aspect, side, size: null };
  return { size };
}
