// What is said of videos: how long, how far, how it was made.

const STYLES = { "3d": "Toy 3D", pencil: "Pencil", pixel: "Pixel art", film: "Old film", papercut: "Paper cut" };
export const styleName = (name) => (name ? (STYLES[name] ?? name) : "No style");
export const TASKS = {
  create: "Created",
  edit: "Edited",
  extend: "Extended",
  connect: "Connected",
  outpaint: "Widened",
  combine: "Combined",
};

export const clock = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(2).padStart(5, "0")}`;
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
export function duration(seconds) {
  const whole = Math.max(Math.round(seconds), 0);
  return whole < 60
    ? `${whole} s`
    : whole < 3600
      ? `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`
      : `${(whole / 3600).toFixed(1)} h`;
}
export function left(video, at) {
  // Seconds until a video is done, counted down between two tellings; null if nobody knows.
  const eta = video.vitascope.eta_seconds;
  return eta === null ? null : Math.max(eta - (at - video.heard) / 1000, 0);
}
export function standing(video, at) {
  const { queue_position: position, cancelling, attempt } = video.vitascope;
  if (cancelling) return "Stopping";
  const eta = left(video, at);
  const time = eta === null ? "" : ` · about ${duration(Math.max(eta, 1))}`;
  if (video.status === "in_progress") return `${video.progress} %${attempt > 1 ? " · second try" : ""}${time}`;
  return `${position ? `${position} before it` : "Next"}${time}`;
}

const SHOWN = { card: "a picture", clip: "a video" };
const cardInWords = ({ at, cut, prompt, shows }) =>
  `${at} s${cut ? " (cut)" : ""}: ${prompt || SHOWN[shows.split("-")[0]]}`;

export function facts(video) {
  // Pairs of words: everything that determines a video, besides its prompt.
  const { settings } = video.vitascope,
    given = (value) => value !== null && value !== "" && value !== undefined;
  return [
    ["Size", video.size.replace("x", " × ")],
    ["Length", `${Number(video.seconds)} s, ${settings.fps} frames a second`],
    ["Seed", String(settings.seed)],
    ["Style", styleName(settings.style)],
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
      settings.storyboard.map(cardInWords).join("; "),
    ],
    ["Made", new Date(video.created_at * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })],
  ].filter(Boolean);
}
