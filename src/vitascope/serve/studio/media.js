// Files in the browser: the settings inside our MP4s, pictures cut to a frame's size, stills of a video.
import { randomToken } from "./api.js";
import { EMPTY, sized } from "./draft.js";

const PATH = ["moov", "udta", "meta", "ilst", "©cmt", "data"]; // where an MP4 keeps its comment
const LARGEST = 1 << 20; // bytes of a comment that is ours

class Unfit extends Error {
  forUser = true;
}

export const isVideo = (file) => /^(video\/|image\/gif)/.test(file.type);
export const isPicture = (file) => /^image\/(png|jpeg|webp)/.test(file.type);

// -------------------------------------------------------------------------------------------------- settings in a file

export async function readSettings(file) {
  // What `draft` was when the file was made; null if it is not one of ours.
  const document = await readDocument(file);
  const made = document?.vitascope;
  if (!made || typeof made !== "object") return null;
  const settings = made.settings ?? made;
  if (typeof settings.prompt !== "string") return null;
  const cards = (settings.storyboard ?? [])
    .filter((card) => card.prompt)
    .map(({ prompt, at, cut }) => ({ id: randomToken(), prompt, at, cut }));
  const size = settings.size ?? (settings.width ? `${settings.width}x${settings.height}` : null);
  return {
    ...EMPTY,
    prompt: settings.prompt,
    negative: settings.negative ?? "",
    style: settings.style ?? "",
    camera: settings.camera ?? "",
    expand: Boolean(settings.expanded),
    expanded: settings.expanded ?? "",
    expandedFrom: settings.expanded ? settings.prompt : "",
    cards,
    board: cards.length > 0,
    loop: Boolean(settings.loop),
    seconds: settings.seconds ?? EMPTY.seconds,
    ...(size ? sized(size) : {}),
    seed: settings.seed === null || settings.seed === undefined ? "" : String(settings.seed),
    steps: settings.steps ?? "",
    guidance: settings.guidance ?? "",
  };
}

async function readDocument(file) {
  const data = await findBox(file);
  if (!data) return null;
  try {
    return JSON.parse(await file.slice(...data).text());
  } catch {
    return null; // somebody else's comment
  }
}

async function findBox(file) {
  // First and last + 1 byte of the comment's text; boxes are [length, name, content], nested along PATH.
  let start = 0,
    end = file.size,
    depth = 0;
  while (start + 8 <= end) {
    const head = new DataView(await file.slice(start, start + 16).arrayBuffer());
    const name = String.fromCharCode(...[4, 5, 6, 7].map((place) => head.getUint8(place)));
    let length = head.getUint32(0),
      content = start + 8;
    if (length === 1 && head.byteLength === 16) [length, content] = [Number(head.getBigUint64(8)), start + 16];
    if (length === 0) length = end - start;
    if (length < 8) return null;
    if (name !== PATH[depth]) {
      start += length;
      continue;
    }
    end = Math.min(start + length, end);
    depth += 1;
    const text = content + 8; // after type and language
    if (depth === PATH.length) return end - text <= LARGEST ? [text, end] : null;
    start = content + (name === "meta" ? 4 : 0); // `meta` has a version first
  }
  return null;
}

// ---------------------------------------------------------------------------------------------------------- pictures

export async function cover(blob, width, height) {
  // The middle of a picture, as PNG of exactly width x height.
  const picture = await createImageBitmap(blob).catch(() => {
    throw new Unfit("The browser cannot read this picture.");
  });
  const scale = Math.max(width / picture.width, height / picture.height);
  const [w, h] = [picture.width * scale, picture.height * scale];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
  return toFile(await canvas.convertToBlob({ type: "image/png" }), "reference.png");
}

export async function still(video) {
  // What a <video> shows, as PNG of its own size.
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  canvas.getContext("2d").drawImage(video, 0, 0);
  return toFile(await canvas.convertToBlob({ type: "image/png" }), "frame.png");
}

export async function firstFrame(file) {
  const video = Object.assign(document.createElement("video"), { muted: true, src: URL.createObjectURL(file) });
  try {
    await new Promise((resolve, reject) => {
      video.onloadeddata = resolve;
      video.onerror = () => reject(new Unfit("The browser cannot play this video."));
    });
    return await still(video);
  } finally {
    URL.revokeObjectURL(video.src);
  }
}

export const toFile = (blob, name) => new File([blob], name, { type: blob.type });
