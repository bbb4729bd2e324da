// Where does this file come from? The service looks for credentials, for the mark in the pixels, for what it has made.
import { html, useEffect, useRef, useSignal } from "./html.js";
import * as api from "./api.js";
import * as state from "./state.js";
import { Button, Icon } from "./parts.js";

const VERDICTS = {
  ours: ["It was made here", "check"],
  tampered: ["It contradicts itself", "close"],
  unknown: ["Nothing says that it was made here", "search"],
};
const STEPS = {
  credentials: "Content credentials",
  watermark: "The mark in the pixels",
  fingerprint: "Likeness to what was made here",
  traces: "Traces of a model",
};

export function Verify() {
  const chooser = useRef(),
    busy = useSignal(false),
    report = useSignal(null),
    file = state.examined.value;
  useEffect(() => {
    let current = true;
    report.value = null;
    if (!file) return;
    busy.value = true;
    state
      .attempt(() => api.verifyFile(file))
      .then((found) => {
        if (!current) return;
        busy.value = false;
        report.value = found || null;
      });
    return () => {
      current = false;
    };
  }, [file]);
  return html`<main class="verify" id="content">
    <nav class="trail"><${Button} icon="back" label="Back to the library (Esc)"
      onClick=${() => state.go()}>Library<//></nav>
    <h2>Where does this file come from?</h2>
    <p class="hint">Drop a video or a picture. It is compared with what this installation has made and signed; nothing
      of it is kept.</p>
    <button type="button" class="drop" onClick=${() => chooser.current.click()}><${Icon} name="origin" />
      <span>${file ? file.name : "Drop a file here, or choose one"}</span></button>
    <input ref=${chooser} type="file" hidden aria-label="File" accept="video/*,image/*" onChange=${(event) => {
      if (event.target.files[0]) state.examined.value = event.target.files[0];
      event.target.value = "";
    }} />
    <div role="status">${busy.value && file && html`<p class="hint">Looking at it …</p>`}
      ${report.value && html`<${Report} report=${report.value} />`}</div>
  </main>`;
}

function Report({ report }) {
  const [words, icon] = VERDICTS[report.verdict];
  return html`<section class=${`verdict ${report.verdict}`}>
    <h3><${Icon} name=${icon} />${words}</h3>
    ${report.verdict === "unknown" && html`<p>That does not say that no model made it: no evidence is no evidence.</p>`}
    ${report.warnings.map((warning) => html`<p class="warn">${warning}</p>`)}
    <dl>${report.evidence.map(
      (step) => html`<dt>${STEPS[step.step] ?? step.step}</dt>
      <dd><b>${step.found ? "Found" : "Not found"}:</b> ${step.detail}${
        step.found && step.log10_p !== null ? ` (by chance: 1 in 10^${Math.round(-step.log10_p)})` : ""
      }</dd>`,
    )}</dl></section>`;
}
