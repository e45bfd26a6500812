// Runs flags-core's client, unmodified, against another server; one JSON value a line, either way.
// Its own address is fixed: the option `fetch` sends the requests elsewhere.
const { createClient } = require("@vercel/flags-core")

const [base] = process.argv.slice(2)
const HOST = "https://flags.vercel.com"
let client
let requests = []

const redirected = async (input, init) => {
  const url = String(input).replace(HOST, base)
  const answer = await fetch(url, init)
  requests.push([init?.method ?? "GET", new URL(url).pathname, answer.status])
  return answer
}

const actions = {
  async open({ key, defaults }) {
    await client?.shutdown()
    requests = []
    const once = { stream: false, polling: false, buildStep: false }
    client = createClient(key, { ...(defaults ? {} : once), fetch: redirected })
    await client.initialize()
  },
  async datafile() {
    const { metrics, ...datafile } = await client.getDatafile()
    return datafile
  },
  async evaluate({ flags, entities }) {
    const keys = flags.map((key) => ({ key }))
    const answers = []
    for (const one of entities) {
      const found = await client.bulkEvaluate(keys, one)
      answers.push(flags.map((key) => found[key].errorMessage ?? found[key].value))
    }
    return answers
  },
  async close() {
    await client.shutdown()
    client = undefined
    return requests
  },
}

async function main() {
  for await (const line of require("readline").createInterface({ input: process.stdin })) {
    const { action, ...given } = JSON.parse(line)
    let answer
    try {
      answer = { result: (await actions[action](given)) ?? null }
    } catch (error) {
      answer = { error: String(error.message ?? error) }
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`)
  }
}

main()
