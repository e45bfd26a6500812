// Runs Vercel's TypeScript client, unmodified, for tests that are written in Python.
//
//   node vercel.cjs BASE_URL     with NODE_PATH at the folder that holds the client
//
// First it prints one line: the names of the client's operations on segments, SDK keys
// and settings. Then each line in
// is a call, and the line out is what came of it; one after the other.
//
//   in:  {"operation": "getFlagSegment", "token": "…", "arguments": [{…}]}
//   out: {"status": 200, "headers": {…}, "data": {…}}
//   out: {"status": 404, "headers": {…}, "data": "…", "error": "SDKError"}
"use strict";

const { createInterface } = require("node:readline");
const { HTTPClient, Vercel } = require("@vercel/sdk");

const [serverURL] = process.argv.slice(2);

async function outcome({ operation, token, arguments: given }) {
  let response;
  const httpClient = new HTTPClient().addHook("response", (got) => (response = got));
  const vercel = new Vercel({ bearerToken: token, httpClient, serverURL });
  try {
    const data = (await vercel.featureFlags[operation](...given)) ?? null;
    return { status: response.status, headers: headers(response), data };
  } catch (error) {
    if (error.statusCode === undefined) return { fault: String(error) };
    const kind = error.constructor.name;
    return {
      status: error.statusCode,
      headers: headers(error),
      data: error.body,
      error: kind,
    };
  }
}

function headers({ headers: found }) {
  return Object.fromEntries(found);
}

function print(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

async function main() {
  const { prototype } = Object.getPrototypeOf(new Vercel().featureFlags).constructor;
  print(Object.getOwnPropertyNames(prototype).filter((name) => /FlagSegment|SDKKey|^(get|update)FlagSettings$/.test(name)));
  for await (const line of createInterface({ input: process.stdin })) {
    print(await outcome(JSON.parse(line)));
  }
}

main();
