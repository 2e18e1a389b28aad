// OpenAI's client: Responses, structured output and embeddings.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const url = process.env.ENTREPOT_URL;
const client = new OpenAI({
  baseURL: `${url}/api/v1`,
  apiKey: process.env.ENTREPOT_API_KEY,
  maxRetries: 0,
  timeout: 30_000,
});
const input = "Name three rivers.";
const River = z.object({ name: z.string(), kilometres: z.number().int() });
const weather = {
  type: "function",
  name: "get_weather",
  strict: true,
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
};

let models;
const find = (...parameters) => {
  const found = models.find(
    (model) =>
      parameters.every((name) => model.supported_parameters.includes(name)) &&
      model.architecture.output_modalities.join() === "text" &&
      Number(model.pricing.completion) > 0,
  );
  assert.ok(found, `no model takes ${parameters}`);
  return found.id;
};

before(async () => {
  const response = await fetch(`${url}/api/v1/models`);
  models = (await response.json()).data;
});

test("responds whole", async () => {
  const answer = await client.responses.create({ model: find("tools"), input });
  assert.equal(answer.status, "completed");
  assert.ok(answer.output_text.length > 0);
  assert.ok(answer.usage.total_tokens > 0);
});

test("accumulates with the stream helper", async () => {
  const stream = client.responses.stream({ model: find("tools"), input });
  let text = "";
  stream.on("response.output_text.delta", (event) => (text += event.delta));
  const final = await stream.finalResponse();
  assert.equal(final.output_text, text);
});

test("runs a tool to the end", async () => {
  const conversation = [{ role: "user", content: "What is the weather in Oslo?" }];
  const ask = { model: find("tools"), tools: [weather] };
  const first = await client.responses.create({
    ...ask,
    input: conversation,
    tool_choice: "required",
  });
  const call = first.output.find((item) => item.type === "function_call");
  assert.equal(typeof JSON.parse(call.arguments).city, "string");
  const second = await client.responses.create({
    ...ask,
    input: [
      ...conversation,
      ...first.output,
      { type: "function_call_output", call_id: call.call_id, output: "4 degrees" },
    ],
  });
  assert.ok(second.output_text.length > 0);
});

test("parses into a schema, in both dialects", async () => {
  const model = find("structured_outputs");
  const response = await client.responses.parse({
    model,
    input,
    text: { format: zodTextFormat(River, "river") },
  });
  assert.equal(typeof response.output_parsed.name, "string");
  const completion = await client.chat.completions.parse({
    model,
    messages: [{ role: "user", content: input }],
    response_format: zodResponseFormat(River, "river"),
  });
  assert.equal(typeof completion.choices[0].message.parsed.name, "string");
});

test("makes vectors", async () => {
  const response = await fetch(`${url}/api/v1/embeddings/models`);
  const { data } = await response.json();
  const answer = await client.embeddings.create({ model: data[0].id, input: ["One", "Two"] });
  assert.equal(answer.data.length, 2);
  assert.ok(answer.data[0].embedding.every((number) => typeof number === "number"));
});

test("completes text", async () => {
  const answer = await client.completions.create({
    model: find("tools"),
    prompt: "Once upon a time",
    max_tokens: 16,
  });
  assert.ok(answer.choices[0].text.length > 0);
});

test("a wrong request is a BadRequestError that names the field", async () => {
  await assert.rejects(
    client.responses.create({ model: find("tools"), input, temperature: 9 }),
    (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.param, "temperature");
      return true;
    },
  );
});
