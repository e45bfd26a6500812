// Runs LaunchDarkly's SDK for Node, unmodified, for tests that are written in Python.
//
//   node driver.cjs OPTIONS     with NODE_PATH at the folder that holds the SDK
//
// OPTIONS is JSON: {"sdkKey", "url", "redisUrl", "prefix", "stream", "fdv2", "cacheSeconds"}. First
// it prints one line, once the SDK has what it evaluates with: true, or what went wrong. Then each
// line in is a flag and contexts, and the line out an answer for each context; one after the other.
//
//   in:  {"flag": "…", "contexts": [{"kind": "user", "key": "…"}]}
//   out: [{"value": true, "status": "HEALTHY", "error": null}]
//   in:  "log"
//   out: warnings and errors that the SDK has logged since the last time
"use strict";

const { createInterface } = require("node:readline");
const { init } = require("@launchdarkly/node-server-sdk");
const { RedisBigSegmentStore } = require("@launchdarkly/node-server-sdk-redis");

const options = JSON.parse(process.argv[2]);
const logged = [];

function keep(...parts) {
  logged.push(parts.map(String).join(" "));
}

function start() {
  const { hostname, port, pathname } = new URL(options.redisUrl);
  return init(options.sdkKey, {
    baseUri: options.url,
    streamUri: options.url,
    eventsUri: options.url,
    stream: options.stream,
    pollInterval: 30,
    ...(options.fdv2 ? { dataSystem: { dataSource: { dataSourceOptionsType: "standard" } } } : {}),
    logger: { debug() {}, info() {}, warn: keep, error: keep },
    bigSegments: {
      store: RedisBigSegmentStore({
        prefix: options.prefix,
        redisOpts: { host: hostname, port: Number(port), db: Number(pathname.slice(1) || 0) },
      }),
      userCacheTime: options.cacheSeconds,
    },
  });
}

async function answer(client, { flag, contexts }) {
  const answers = [];
  for (const context of contexts) {
    const { value, reason } = await client.variationDetail(flag, context, null);
    const { bigSegmentsStatus: status = null, errorKind: error = null } = reason;
    answers.push({ value, status, error });
  }
  return answers;
}

function print(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

async function main() {
  const client = start();
  try {
    await client.waitForInitialization({ timeout: 30 });
    print(true);
  } catch (error) {
    print(String(error));
  }
  for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    print(asked === "log" ? logged.splice(0) : await answer(client, asked));
  }
  await client.flush();
  client.close();
}

main().then(() => process.exit(0));
