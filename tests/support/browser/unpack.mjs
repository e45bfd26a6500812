// Unpacks the Chromium that @sparticuz/chromium ships, once, beside the packages:
//
//   node unpack.mjs HOME        HOME holds node_modules; the browser comes into HOME/browser
//
// The package brings the libraries that a bare machine lacks (NSS, NSPR, expat) and a font; of the
// machine it needs the C library and libgcc_s. It is for Linux on x86-64, and there is nothing to
// do elsewhere: tests/support/browser/browser.py says what a test does then.
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const home = process.argv[2];
const target = join(home, "browser");

if (process.platform === "linux" && process.arch === "x64") {
  mkdirSync(target);
  process.env.TMPDIR = target; // where the package unpacks
  const entry = createRequire(join(home, "package.json")).resolve("@sparticuz/chromium");
  const { inflate } = await import(pathToFileURL(entry));
  for (const name of ["chromium.br", "al2023.tar.br", "fonts.tar.br"]) {
    await inflate(join(entry, "../../bin", name));
  }
  // The package's own names directories of AWS Lambda.
  const directories = `<dir>${target}/fonts/fonts</dir><cachedir>${target}/fonts-cache</cachedir>`;
  writeFileSync(join(target, "fonts.conf"), `<fontconfig>${directories}</fontconfig>\n`);
}
