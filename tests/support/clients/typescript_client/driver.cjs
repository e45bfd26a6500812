// Runs LaunchDarkly's TypeScript client, unmodified, for tests that are written in Python.
//
//   node driver.cjs BASE_URL     with NODE_PATH at the folder that holds the client
//
// First it prints one line: the names of the client's operations on segments. Then each line in
// is a call, and the line out is what came of it; one after the other.
//
//   in:  {"operation": "getSegment", "token": "…", "arguments": ["default", "production", "vip"]}
//   out: {"status": 200, "headers": {…}, "data": {…}}
//   out: {"fault": "…"}          no answer came, or the client refused the call
//
// An argument {"listFile": {"name": …, "content": …}} becomes a file; null one that is not given.
"use strict";

const { File } = require("node:buffer");
const { createInterface } = require("node:readline");
const { Configuration, SegmentsApi } = require("launchdarkly-api-typescript");

const TIMEOUT_MS = 30_000;
const [basePath] = process.argv.slice(2);

function argument(given) {
  const file = given?.listFile;
  return file ? new File([file.content], file.name, { type: "text/csv" }) : (given ?? undefined);
}

async function outcome({ operation, token, arguments: given }) {
  const baseOptions = { timeout: TIMEOUT_MS };
  const segments = new SegmentsApi(new Configuration({ apiKey: token, basePath, baseOptions }));
  try {
    return answered(await segments[operation](...given.map(argument)));
  } catch (error) {
    return error.response ? answered(error.response) : { fault: String(error) };
  }
}

function answered({ status, headers, data }) {
  return { status, headers, data };
}

function print(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

async function main() {
  print(Object.getOwnPropertyNames(SegmentsApi.prototype).filter((name) => name !== "constructor"));
  for await (const line of createInterface({ input: process.stdin })) {
    print(await outcome(JSON.parse(line)));
  }
}

main();
