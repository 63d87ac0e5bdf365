// The shop's pages speak to /api/v1/ as a mini-program does: with a token kept by the customer's device.
const TOKEN = "tongdao.token";
const NAME = "tongdao.name";
const API = "/api/v1/";

export const shop = document.getElementById("shop");
export const words = JSON.parse(document.getElementById("words").textContent);

export class Refused extends Error {
  constructor(status, error) {
    super(error.detail);
    this.status = status;
    this.code = error.code;
    this.nextStep = error.next_step;
  }
}

export function isSignedIn() {
  return Boolean(localStorage.getItem(TOKEN));
}

// Goes to the other side and comes back to this page with a login code.
export function signIn() {
  if (!shop.dataset.signIn) {
    showError(new Refused(401, { detail: words.open_in_app, code: "not_authenticated", next_step: "" }));
    return;
  }
  const back = location.pathname + location.search;
  location.assign(`${shop.dataset.signIn}?return_to=${encodeURIComponent(back)}`);
}

export async function signOut() {
  try {
    await call("POST", "sign-out/");
  } catch {
    // The token is forgotten here in any case.
  }
  forget();
  location.assign(document.querySelector(".topbar .brand").href);
}

function forget() {
  localStorage.removeItem(TOKEN);
  localStorage.removeItem(NAME);
}

export async function call(method, path, { body, key } = {}) {
  const headers = { Accept: "application/json" };
  const token = localStorage.getItem(TOKEN);
  if (token) headers.Authorization = `Token ${token}`;
  if (method !== "GET") headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  let response;
  try {
    response = await fetch(API + path, { method, headers, body: method === "GET" ? undefined : JSON.stringify(body ?? {}) });
  } catch {
    throw new Refused(0, { detail: words.offline, code: "offline", next_step: words.offline_next });
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({ errors: [] }));
  if (response.ok) return answer;
  const error = answer.errors?.[0] ?? { detail: words.broken, code: "error", next_step: words.broken_next };
  if (response.status === 401 && token) forget();
  throw new Refused(response.status, error);
}

// A code that came back in the address becomes a token; true when that happened now.
export async function finishSignIn() {
  const code = new URLSearchParams(location.hash.slice(1)).get("login_code");
  if (!code) return false;
  history.replaceState(null, "", location.pathname + location.search);
  const answer = await call("POST", "customers/sign-in/", { body: { login_code: code } });
  localStorage.setItem(TOKEN, answer.token);
  localStorage.setItem(NAME, answer.customer.nickname || `****${answer.customer.phone_tail}`);
  return true;
}

// A page of one's own: signs in first, then loads; what fails is said on the page and can be tried again.
export async function openOwnPage(load) {
  try {
    await finishSignIn();
    if (!isSignedIn()) return signIn();
    await load();
    showAccount();
  } catch (error) {
    if (error.status === 401) return signIn();
    showError(error, () => openOwnPage(load));
  } finally {
    const loading = document.getElementById("loading");
    if (loading) loading.hidden = true;
  }
}

function showAccount() {
  const account = document.getElementById("account");
  if (!account) return;
  account.hidden = false;
  account.querySelector('[data-slot="account"]').textContent = words.signed_in_as.replace(
    "{name}",
    localStorage.getItem(NAME) ?? "",
  );
  document.getElementById("sign-out").onclick = signOut;
}

export function showError(error, retry) {
  if (!(error instanceof Refused)) throw error;
  const notice = document.getElementById("notice");
  const note = document.createElement("div");
  note.className = "note note-bad";
  const text = document.createElement("span");
  text.textContent = [error.message, error.nextStep].filter(Boolean).join(" ");
  note.append(text);
  if (retry && error.status !== 404) {
    const again = document.createElement("button");
    again.type = "button";
    again.className = "btn btn-sm ms-auto";
    again.textContent = words.retry;
    again.onclick = () => {
      clearError();
      retry();
    };
    note.append(again);
  }
  notice.replaceChildren(note);
  notice.scrollIntoView({ block: "nearest" });
}

export function clearError() {
  document.getElementById("notice").replaceChildren();
}

// randomUUID is missing where the page came over plain http.
export function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
