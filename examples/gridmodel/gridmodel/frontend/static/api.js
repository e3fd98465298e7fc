// The service, as the page sees it: an answer, or an Error whose message a person can read.

export const health = () => ask("/api/health");
export const network = (nBuses) => ask(`/api/network?n_buses=${encodeURIComponent(nBuses)}`);
export const generate = (body) => ask("/api/generate-data", body);
export const forecast = (body) => ask("/api/advanced/forecasting", body);
export const estimate = (body) => ask("/api/advanced/state-estimation", body);
export const dispatch = (body) => ask("/api/advanced/opf", body);

async function ask(path, body) {
  const options = body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("the page's own server does not answer");
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok || answer === null) {
    throw new Error(answer?.reason ?? `the answer to ${path} cannot be read`);
  }
  return answer;
}
