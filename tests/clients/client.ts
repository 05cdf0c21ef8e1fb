// Uses the API through the types that openapi-typescript makes of its description.
import createClient from "openapi-fetch";
import type { paths } from "./qa.js";

const client = createClient<paths>({ baseUrl: process.argv[2] });
const question = "How large was the trade turnover with Cambodia in 2018?";

const { data: answer } = await client.GET("/api/v1/search", {
  params: { query: { q: question, limit: 2, type: ["txt"], from: undefined, count: true } },
});
if (!answer) throw new Error("no answer");
const confidence: number = answer.confidence;
const title: string | null = answer.results[0].document.title;

const { data: text } = await client.GET("/api/v1/documents/{document_id}/text", {
  params: { path: { document_id: answer.results[0].document.id } },
  parseAs: "text",
});
const { data: posted } = await client.POST("/api/v1/search", { body: { questions: [question], k: 1 } });
const { data: listed } = await client.GET("/api/v1/documents", { params: { query: { limit: 4 } } });
const { error, response } = await client.GET("/api/v1/search", { params: { query: { q: " " } } });

console.log(
  JSON.stringify({
    confidence,
    title,
    hits: answer.hits,
    quoted: Array.from(text ?? "")
      .slice(answer.results[0].char_start, answer.results[0].char_end)
      .join("") === answer.results[0].text,
    answers: posted && "answers" in posted ? posted.answers.length : 0,
    documents: listed?.documents.length,
    next: listed?.next,
    status: response.status,
    field: error?.errors?.[0].field,
  }),
);
