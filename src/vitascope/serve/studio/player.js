// A video with a timeline that goes frame by frame, and on it a range that can be marked.
import { html, useEffect, useRef, useSignal } from "./html.js";
import { Button } from "./parts.js";
import { clock } from "./words.js";

export function usePlayer(fps) {
  // The <video> and where it is. `step` moves by frames.
  const video = useRef(null),
    time = useSignal(0),
    playing = useSignal(false),
    length = useSignal(0);
  const seek = (seconds) => {
    if (video.current)
      video.current.currentTime = time.value = Math.min(Math.max(seconds, 0), Math.max(length.value - 0.001, 0));
  };
  const step = (frames) => {
    if (!video.current) return;
    video.current.pause();
    seek((Math.floor(video.current.currentTime * fps + 0.01) + frames + 0.5) / fps);
  };
  const toggle = () => (video.current?.paused ? video.current.play().catch(() => {}) : video.current?.pause());
  return { video, time, playing, length, seek, step, toggle, fps };
}

export function Screen({ player, src, label, autoplay = true, range = null, children }) {
  const { video, time, playing, length } = player;
  useEffect(() => {
    // `timeupdate` comes four times a second; a timeline wants every frame
    let frame;
    const look = () => {
      const current = video.current;
      if (current && !current.paused) {
        const [first, last] = range?.value ?? [0, Infinity];
        if (current.currentTime < first || current.currentTime >= last) current.currentTime = first;
        time.value = current.currentTime;
      }
      frame = requestAnimationFrame(look);
    };
    frame = requestAnimationFrame(look);
    return () => cancelAnimationFrame(frame);
  }, [src, range]);
  return html`<div class="screen">
    <video ref=${video} src=${src} aria-label=${label} muted loop playsinline autoplay=${autoplay}
      onClick=${player.toggle}
      onLoadedMetadata=${(event) => {
        length.value = event.target.duration;
      }} onPlay=${() => {
        playing.value = true;
      }}
      onPause=${() => {
        playing.value = false;
      }} onSeeked=${(event) => {
        time.value = event.target.currentTime;
      }} />${children}</div>`;
}

export function Timeline({ player, range = null }) {
  const { time, playing, length, fps } = player;
  const percent = (seconds) => `${(seconds / (length.value || 1)) * 100}%`;
  const full = () => player.video.current?.requestFullscreen?.();
  const mark = (place) => (event) => {
    const [first, last] = range.value,
      value = Number(event.target.value),
      gap = 1 / fps;
    range.value = place ? [first, Math.max(value, first + gap)] : [Math.min(value, last - gap), last];
    event.target.value = range.value[place];
    player.video.current?.pause();
    player.seek(Math.min(range.value[place], length.value - gap / 2));
  };
  const bound = (
    place,
    label,
  ) => html`<input class="bound" type="range" aria-label=${label} min="0" max=${length.value} step=${1 / fps}
    value=${range.value[place]} aria-valuetext=${clock(range.value[place])} onInput=${mark(place)} />`;
  return html`<div class="timeline">
    <${Button} icon=${playing.value ? "pause" : "play"} label=${playing.value ? "Pause (Space)" : "Play (Space)"}
      onClick=${player.toggle} />
    <div class="rail">
      ${range?.value && html`<i class="span"
        style=${{ left: percent(range.value[0]), width: percent(range.value[1] - range.value[0]) }}></i>`}
      <input class="scrub" type="range" aria-label="Time" min="0" max=${length.value} step="0.01" value=${time.value}
        aria-valuetext=${clock(time.value)} style=${{ "--fill": percent(time.value) }}
        onInput=${(event) => {
          player.video.current?.pause();
          player.seek(Number(event.target.value));
        }} />
      ${range?.value && html`${bound(0, "Range begins")}${bound(1, "Range ends")}`}
    </div>
    <span class="time">${clock(time.value)} <small>/ ${clock(length.value)}</small></span>
    <${Button} icon="full" label="Full screen (F)" onClick=${full} />
  </div>`;
}
