// Ask a question, and print the sentences that answer it, each checked against its document's text.
//
//     node examples/ask.mjs "How large was the trade turnover in 2018?" [ADDRESS]
//
// Needs Node 18 or later alone. Exits with 1 if the documents don't seem to answer the question.
// Put a key into the variable API_KEY if the service wants one.

import { argv, env, exit } from "node:process";

const [question, address = "http://127.0.0.1:8000"] = argv.slice(2);
if (!question) {
  console.error("usage: ask.mjs QUESTION [ADDRESS]");
  exit(2);
}
const headers = env.API_KEY ? { Authorization: `Bearer ${env.API_KEY}` } : {};

async function get(path) {
  const response = await fetch(address + path, { headers });
  if (!response.ok) throw new Error(`${response.status}: ${(await response.json()).detail}`);
  return response;
}

const query = new URLSearchParams({ q: question, k: 3 });
const result = await (await get(`/api/v1/search?${query}`)).json();
if (!result.answerable) console.log("These documents don't seem to answer that.");

for (const hit of result.results) {
  const { document } = hit;
  // Offsets count code points; JavaScript's strings count UTF-16 units.
  const text = Array.from(await (await get(`/api/v1/documents/${document.id}/text`)).text());
  for (const answer of hit.answers) {
    const quotation = text.slice(answer.char_start, answer.char_end).join("");
    if (quotation !== answer.text) throw new Error(`${document.path} does not say: ${answer.text}`);
    const source = [document.title, document.source, document.published ?? document.dateline];
    console.log(`${hit.rank}. “${quotation}”\n   ${source.filter(Boolean).join(", ")}`);
    console.log(`   ${address}${hit.url}\n`);
  }
}
exit(result.answerable ? 0 : 1);
