// Requests to the public API, and nothing else: the studio asks for what any other program can ask for.

export class Refusal extends Error {
  // An answer of the service that says no. `status` 0: it did not answer.
  constructor(status, { message, code, param } = {}) {
    super(message || `The service answered ${status}.`);
    Object.assign(this, { status, code, param });
  }
}

export function randomToken() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function request(method, path, { body, headers = {} } = {}) {
  const json = body !== undefined && !(body instanceof FormData);
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: json ? { "Content-Type": "application/json", ...headers } : headers,
      body: json ? JSON.stringify(body) : body,
    });
  } catch {
    throw new Refusal(0, { message: "The service does not answer." });
  }
  if (answer.ok) return answer;
  const document = await answer.json().catch(() => ({}));
  throw new Refusal(answer.status, document.error);
}

// Something new. A lost answer is asked for again under the same token, which makes nothing twice.
async function make(path, fields) {
  const headers = { "Idempotency-Key": randomToken() };
  const body = toBody(fields);
  for (const pause of [500, 1500, null]) {
    try {
      return await (await request("POST", path, { body, headers })).json();
    } catch (error) {
      if (pause === null || ![0, 502, 503].includes(error.status)) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

// JSON, or a form if there is a file among the fields.
function toBody(fields) {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== "");
  if (!given.some(([, value]) => value instanceof Blob)) return Object.fromEntries(given);
  const form = new FormData();
  for (const [name, value] of given) {
    const plain = value instanceof Blob || typeof value !== "object";
    form.append(name, plain ? value : JSON.stringify(value));
  }
  return form;
}

const read = async (path) => (await request("GET", path)).json();

export const createVideo = (fields) => make("/v1/videos", fields);
export const editVideo = (fields) => make("/v1/videos/edits", fields);
export const remixVideo = (id, fields) => make(`/v1/videos/${id}/remix`, fields);
export const extendVideo = (fields) => make("/v1/videos/extensions", fields);
export const connectVideos = (fields) => make("/v1/videos/connections", fields);
export const outpaintVideo = (fields) => make("/v1/videos/outpaintings", fields);
export const combineVideos = (fields) => make("/v1/videos/combinations", fields);
export const retryVideo = (id) => make(`/v1/videos/${id}/retry`, {});
export const cancelVideo = async (id) => (await request("POST", `/v1/videos/${id}/cancel`)).json();
export const removeVideo = (id) => request("DELETE", `/v1/videos/${id}`);
export const listModels = () => read("/v1/models");
export const getVideo = (id) => read(`/v1/videos/${id}`);
export const listVideos = (after, limit = 60) =>
  read(`/v1/videos?limit=${limit}${after ? `&after=${encodeURIComponent(after)}` : ""}`);

export const expandPrompt = async (prompt, seed) =>
  (await (await request("POST", "/v1/expansions", { body: { prompt, seed } })).json()).expanded_prompt;
export const reportVideo = (id, fields) => request("POST", `/v1/videos/${id}/report`, { body: fields });
export async function verifyFile(file) {
  const form = new FormData();
  form.append("file", file);
  return (await request("POST", "/v1/verify", { body: form })).json();
}

export const keepPicture = (file) => make("/v1/files", { file });
export const removePicture = (id) => request("DELETE", `/v1/files/${id}`);
export const getPicture = async (id) => (await request("GET", `/v1/files/${id}/content`)).blob();

export const signIn = (key) => request("POST", "/v1/session", { headers: { Authorization: `Bearer ${key}` } });
export const signOut = () => request("DELETE", "/v1/session");

export const contentUrl = (id, variant = "video") => `/v1/videos/${id}/content?variant=${variant}`;
export const previewUrl = (video) => `/v1/videos/${video.id}/preview?number=${video.vitascope.preview}`;
export const eventsUrl = (since) => `/v1/videos/events?since=${since}`;
