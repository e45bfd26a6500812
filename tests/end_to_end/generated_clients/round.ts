// A list taken all the way by the client that @hey-api/openapi-ts makes of the document.
//
//   node round.js BASE_URL TOKEN SEGMENT SOURCE     prints what came of it as one JSON object

import { client } from "./client/client.gen";
import * as api from "./client/index";

declare const process: { argv: string[]; exitCode: number };

const POLL_MS = 100;
const [, , baseUrl, token, segmentKey, source] = process.argv as [
  string, string, string, string, string, string,
];
const path = { projectKey: "default", environmentKey: "production", segmentKey };

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, POLL_MS));
const hasEnded = (status: string): boolean => ["complete", "stopped"].includes(status);

async function imported(importID: string): Promise<api.ImportRepresentation> {
  for (;;) {
    const { data } = await api.getBigSegmentImport<true>({ path: { ...path, importID } });
    if (hasEnded(data.status)) return data;
    await pause();
  }
}

async function exported(): Promise<api.ExportRepresentation> {
  let { data } = await api.createBigSegmentExport<true>({ path });
  while (!hasEnded(data.status)) {
    await pause();
    ({ data } = await api.getBigSegmentExport<true>({ path: { ...path, exportID: data.id } }));
  }
  return data;
}

async function includes(contextKey: string): Promise<[string, boolean]> {
  const { data } = await api.getSegmentMembershipForContext<true>({ path: { ...path, contextKey } });
  return [contextKey, data.included];
}

// Creates a segment of Vercel's dialect, evaluates it, and deletes it.
async function matched(slug: string): Promise<boolean[]> {
  const project = { projectIdOrName: "default" };
  const include = { user: { id: [{ value: "u1" }] } };
  const body = { slug, label: "", hint: "", data: { include } };
  const made = await api.createFlagSegment<true>({ path: project, body });
  const asked = { entities: { user: { id: "u1" } }, segments: [made.data.id] };
  const { data } = await api.evaluateFlagSegments<true>({ path: project, body: asked });
  await api.deleteFlagSegment<true>({ path: { ...project, segmentIdOrSlug: slug } });
  return data.data.map((one) => one.matched);
}

async function main(): Promise<void> {
  client.setConfig({ baseUrl, auth: token, throwOnError: true });
  const made = await api.postSegment<true>({
    path: { projectKey: path.projectKey, environmentKey: path.environmentKey },
    body: { key: segmentKey, name: "Generated", unbounded: true },
  });
  const file = new File(["alice\nbob\n"], "list.csv");
  const started = await api.createBigSegmentImport<true>({ path, body: { file, mode: "replace" } });
  const uploaded = await imported(started.response.headers.get("location")!.split("/").pop()!);
  const accepted = await api.createBigSegmentImportFromSource<true>({ path, body: { source } });
  const merged = await imported(accepted.data.id);
  const written = await exported();
  const got = await api.downloadBigSegmentExport<true>({ path: { ...path, exportID: written.id } });
  const outcome = {
    created: made.data.creationDate,
    accepted: [uploaded, merged].map((one) => one.report?.accepted),
    included: Object.fromEntries(await Promise.all(["alice", "é/?", "zoe"].map(includes))),
    sizeBytes: written.sizeBytes,
    matched: await matched(segmentKey),
    exported: typeof got.data === "string" ? got.data : await got.data.text(),
  };
  console.log(JSON.stringify(outcome));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
