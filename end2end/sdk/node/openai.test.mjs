// What a program written for the OpenAI API gets from us: the official client, unchanged but
// for base URL and key.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import OpenAI from "openai";

const url = process.env.ENTREPOT_URL;
const client = new OpenAI({
  baseURL: `${url}/api/v1`,
  apiKey: process.env.ENTREPOT_API_KEY,
  // A second try would hide a first failure.
  maxRetries: 0,
  timeout: 30_000,
});
const messages = [{ role: "user", content: "Name three rivers." }];
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Tells the weather of a city.",
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
    },
  },
};

let model;

before(async () => {
  for await (const candidate of client.models.list()) {
    if (
      candidate.supported_parameters?.includes("tools") &&
      candidate.architecture.output_modalities.join() === "text" &&
      Number(candidate.pricing.completion) > 0
    ) {
      model = candidate.id;
      return;
    }
  }
  assert.fail("the catalog has no priced text model that takes tools");
});

test("lists models", async () => {
  const ids = [];
  for await (const listed of client.models.list()) ids.push(listed.id);
  assert.ok(ids.length >= 30, `only ${ids.length} models`);
  assert.equal(new Set(ids).size, ids.length);
});

test("answers whole", async () => {
  const answer = await client.chat.completions.create({ model, messages, max_tokens: 64 });
  assert.match(answer.id, /^gen-/);
  assert.equal(answer.object, "chat.completion");
  assert.ok(answer.choices[0].message.content.length > 0);
  assert.ok(["stop", "length"].includes(answer.choices[0].finish_reason));
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  assert.ok(answer.usage.cost > 0);
});

test("streams, with usage last", async () => {
  const stream = await client.chat.completions.create({
    model,
    messages,
    max_tokens: 64,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let last;
  let usages = 0;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? "";
    if (chunk.usage) usages += 1;
    last = chunk;
  }
  assert.ok(text.length > 0);
  assert.equal(usages, 1);
  assert.ok(last.usage.cost > 0);
});

test("accumulates with the stream helper", async () => {
  const stream = client.chat.completions.stream({ model, messages, max_tokens: 48 });
  let text = "";
  stream.on("content", (delta) => (text += delta));
  const final = await stream.finalChatCompletion();
  assert.equal(final.choices[0].message.content, text);
});

test("runs a tool to the end", async () => {
  const cities = [];
  const runner = client.chat.completions.runTools({
    model,
    messages: [{ role: "user", content: "What is the weather in Oslo?" }],
    max_tokens: 128,
    tools: [
      {
        type: "function",
        function: {
          ...weather.function,
          parse: JSON.parse,
          function: (input) => {
            cities.push(input);
            return JSON.stringify({ celsius: 4 });
          },
        },
      },
    ],
  });
  const content = await runner.finalContent();
  assert.ok(content.length > 0);
  assert.equal(cities.length, 1);
});

test("an abort ends the stream and nothing else", async () => {
  const stream = await client.chat.completions.create({ model, messages, max_tokens: 256, stream: true });
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    stream.controller.abort();
    break;
  }
  const answer = await client.chat.completions.create({ model, messages, max_tokens: 8 });
  assert.ok(answer.choices[0].message.content);
});

test("a wrong key is an AuthenticationError", async () => {
  const stranger = new OpenAI({ baseURL: `${url}/api/v1`, apiKey: `sk-ep-v1-${"0".repeat(64)}`, maxRetries: 0 });
  await assert.rejects(stranger.chat.completions.create({ model, messages }), (error) => {
    assert.ok(error instanceof OpenAI.AuthenticationError);
    assert.equal(error.status, 401);
    return true;
  });
});

test("an unknown model is named", async () => {
  await assert.rejects(client.chat.completions.create({ model: "nobody/nothing", messages }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError || error instanceof OpenAI.BadRequestError);
    assert.match(error.message, /nobody\/nothing/);
    return true;
  });
});

test("empty messages are a BadRequestError", async () => {
  await assert.rejects(client.chat.completions.create({ model, messages: [] }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.match(error.message, /messages/);
    return true;
  });
});
