"use strict";
// Shows the OpenAPI document with Swagger UI. The token is in Swagger UI's state alone, which is
// gone with the page: nothing is stored, and no address holds it.

const form = document.getElementById("token-form");
const field = document.getElementById("token");
const button = document.getElementById("use-token");
const message = document.getElementById("message");
const isPublic = document.body.dataset.document === "public";
const REFUSED = "The token was refused: it is not known here, or it has expired.";
// What a header can hold; nothing else can be a token.
const SENDABLE = /^[\x21-\x7e]+$/;
// Where the API is, also below a prefix that a proxy removes.
const base = new URL(".", location.href).href.replace(/\/$/, "");

let ui = null;
let schemes = [];

async function fetchDocument(token) {
  const headers = token === null ? {} : { Authorization: token };
  let reply;
  try {
    reply = await fetch("openapi.json", { headers, cache: "no-store", credentials: "omit" });
  } catch {
    throw new Error("The server does not answer: try again in a moment.");
  }
  if (reply.status === 401) throw new Error(REFUSED);
  if (!reply.ok) throw new Error(`The server answered ${reply.status}: try again in a moment.`);
  return reply.json();
}

function show(spec) {
  schemes = Object.entries(spec.components.securitySchemes).filter(
    ([, scheme]) => scheme.type === "apiKey" && scheme.in === "header",
  );
  return new Promise((resolve) => {
    ui = SwaggerUIBundle({
      spec: { ...spec, servers: [{ url: base }] },
      dom_id: "#swagger-ui",
      deepLinking: true,
      defaultModelsExpandDepth: 0,
      persistAuthorization: false,
      validatorUrl: null, // else a document that others can reach is sent to a validator
      responseInterceptor(response) {
        message.textContent = response.status === 401 ? REFUSED : "";
        return response;
      },
      onComplete: resolve,
    });
  });
}

async function use(token) {
  if (token !== null && !SENDABLE.test(token)) throw new Error(REFUSED);
  if (ui === null || !isPublic) {
    const spec = await fetchDocument(token);
    if (ui === null) await show(spec);
  }
  if (token !== null) for (const [name] of schemes) ui.preauthorizeApiKey(name, token);
}

async function attempt(token) {
  message.textContent = "";
  button.disabled = true;
  try {
    await use(token);
    field.value = "";
  } catch (error) {
    message.textContent = error.message;
  } finally {
    button.disabled = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(field.value.trim().replace(/^Bearer +/i, ""));
});
button.disabled = false; // the form is of no use without this script
if (isPublic) attempt(null);
