// Answers with Vercel's evaluator and with JavaScript itself: one JSON value a line, either way.
const { evaluate } = require("@vercel/flags-core")

console.error = () => {} // flags-core says there what it catches

const isIn = (segments, id, entities, seed) => {
  const rules = [{ conditions: [["segment", "eq", id]], outcome: 1 }]
  const definition = { variants: [false, true], seed, environments: { p: { rules, fallthrough: 0 } } }
  try {
    return evaluate({ definition, segments, environment: "p", entities }).value
  } catch {
    return "throws"
  }
}

const found = ([pattern, flags, texts]) => {
  let expression
  try {
    expression = new RegExp(pattern, flags.replace(/[gy]/, ""))
  } catch {
    return null
  }
  return texts.map((text) => expression.test(text))
}

const answers = {
  worlds: ({ segments, entities, seed }) =>
    entities.map((one) => Object.keys(segments).map((id) => isIn(segments, id, one, seed))),
  dates: (text) => new Date(text).getTime(), // NaN becomes null
  numbers: (text) => String(Number(text)),
  lower: (text) => text.toLowerCase(),
  patterns: found,
}

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { ask, of } = JSON.parse(line)
    process.stdout.write(`${JSON.stringify(of.map(answers[ask]))}\n`)
  })
