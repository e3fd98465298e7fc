// The page: one data set at a time, and what the models say about it.

import * as api from "./api.js";
import { drawDispatch, drawForecast, drawGrid, drawResiduals, sum } from "./drawings.js";

const HELD_BACK = 5; // steps that are forecast although they are known
const HEALTH_EVERY_MS = 10_000;
const $ = (id) => document.getElementById(id);
let shown = null; // { network, data }
const asked = {}; // how often each drawing has asked

async function showHealth() {
  let status = "down";
  let text;
  try {
    const told = await api.health();
    status = told.status;
    const missing = Object.keys(told.models).filter((name) => told.models[name] !== "ready");
    text = `${status} · version ${told.version}${missing.length ? ` · missing: ${missing.join(", ")}` : ""}`;
  } catch (error) {
    text = `down: ${error.message}`;
  }
  // Said again only when it changes: it is read aloud.
  if ($("health").textContent !== text) $("health").textContent = text;
  $("health").dataset.status = status;
}

async function generate() {
  const wanted = { n_steps: $("n-steps").valueAsNumber, n_buses: Number($("n-buses").value), seed: $("seed").valueAsNumber };
  const told = await newest("data", Promise.all([api.network(wanted.n_buses), api.generate(wanted)]));
  if (!told) return;
  const [network, data] = told;
  shown = { network, data };
  const last = data.node_features.length - 1;
  Object.assign($("step"), { max: last, disabled: false, value: last });
  $("spoil-bus").max = wanted.n_buses - 1;
  showStep();
  await reported(showForecast)();
  await reported(showResiduals)();
  await reported(showDispatch)();
}

function showStep() {
  const step = $("step").valueAsNumber;
  const at = new Date(Date.parse(shown.data.meta.t0) + step * shown.data.meta.dt_min * 60_000);
  $("step-shown").textContent = `${step}, ${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  say("grid", drawGrid($("grid"), shown.network, loadsAt(step), shown.data.edge_targets[step]));
}

async function showForecast() {
  if (!shown) return;
  const loads = shown.data.node_features.map((buses) => buses.map(([pd]) => pd));
  const history = loads.slice(0, -HELD_BACK);
  if (history.length < 4) {
    $("forecast").replaceChildren();
    say("forecast", `At least ${HELD_BACK + 4} steps are needed for a forecast that can be compared.`);
    return;
  }
  const told = await newest("forecast", api.forecast({ history, steps: HELD_BACK, method: $("method").value }));
  if (told) say("forecast", drawForecast($("forecast"), loads.map(sum), told.forecast.map(sum), told), !told.stable);
}

async function showResiduals() {
  if (!shown) return;
  const step = $("step").valueAsNumber;
  const injections = shown.data.node_features[step].map(([pd, , pg]) => pg - pd);
  const bus = $("spoil-bus").valueAsNumber;
  if (!(bus in injections)) throw new Error(`there is no bus ${bus} in this network`);
  injections[bus] += $("spoil-mw").valueAsNumber;
  const question = {
    n_buses: injections.length,
    p_injection_mw: injections,
    p_flow_mw: shown.data.edge_targets[step].map(([pf]) => pf),
  };
  const told = await newest("residuals", api.estimate(question));
  if (told) say("residuals", drawResiduals($("residuals"), told), told.bad_data);
}

async function showDispatch() {
  const told = await newest("dispatch", api.dispatch({ n_buses: shown.network.n_buses, costs: "quadratic" }));
  if (told) say("dispatch", `Base load: ${drawDispatch($("dispatch"), told, shown.network.unit_bus)}`);
}

// The answer to a drawing's last question; null for an earlier one, which may arrive later and must not be drawn over it.
async function newest(drawing, answer) {
  const turn = (asked[drawing] = (asked[drawing] ?? 0) + 1);
  const told = await answer.catch((error) => (turn === asked[drawing] ? Promise.reject(error) : null));
  return turn === asked[drawing] ? told : null;
}

const loadsAt = (step) => shown.data.node_features[step].map(([pd]) => pd);

function say(drawing, text, alarm = false) {
  $(`${drawing}-summary`).textContent = text;
  $(`${drawing}-summary`).classList.toggle("alarm", alarm);
}

// What cannot be done is said on the page; what was drawn before stays.
function reported(work) {
  return async (event) => {
    event?.preventDefault();
    document.body.setAttribute("aria-busy", "true");
    try {
      await work();
      $("message").hidden = true;
    } catch (error) {
      $("message").textContent = `Not done: ${error.message}`;
      $("message").hidden = false;
    } finally {
      document.body.removeAttribute("aria-busy");
    }
  };
}

$("request").addEventListener("submit", reported(generate));
$("spoil").addEventListener("submit", reported(showResiduals));
$("method").addEventListener("change", reported(showForecast));
$("step").addEventListener("input", showStep);
$("step").addEventListener("change", reported(showResiduals));
showHealth();
setInterval(showHealth, HEALTH_EVERY_MS);
reported(generate)();
