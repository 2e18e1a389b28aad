// What a program written for the Anthropic API gets from us: the official client, pointed at
// `/api`.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";

const url = process.env.ENTREPOT_URL;
const apiKey = process.env.ENTREPOT_API_KEY;
const client = new Anthropic({ baseURL: `${url}/api`, apiKey, maxRetries: 0, timeout: 30_000 });
const messages = [{ role: "user", content: "Name three rivers." }];
const weather = {
  name: "get_weather",
  description: "Tells the weather of a city.",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

// One whose provider speaks the same dialect, and one whose provider does not.
const models = {};

before(async () => {
  const response = await fetch(`${url}/api/v1/models`);
  const { data } = await response.json();
  const takes = (model) =>
    ["tools", "reasoning"].every((name) => model.supported_parameters.includes(name)) &&
    Number(model.pricing.completion) > 0;
  models.claude = data.find((model) => model.id.startsWith("anthropic/") && takes(model))?.id;
  // Where every endpoint shows thoughts: some simulated ones do not know `enable_thinking`.
  models.another = data.find((model) => model.id.startsWith("openai/") && takes(model))?.id;
  assert.ok(models.claude && models.another, JSON.stringify(models));
});

for (const which of ["claude", "another"]) {
  test(`${which}: answers whole`, async () => {
    const answer = await client.messages.create({ model: models[which], max_tokens: 512, messages });
    assert.equal(answer.type, "message");
    assert.ok(answer.content[0].text.length > 0);
    assert.ok(answer.usage.output_tokens > 0);
  });

  test(`${which}: accumulates with the stream helper`, async () => {
    const stream = client.messages.stream({ model: models[which], max_tokens: 512, messages });
    let text = "";
    stream.on("text", (delta) => (text += delta));
    const final = await stream.finalMessage();
    assert.equal(final.content.map((block) => block.text ?? "").join(""), text);
    assert.equal(final.stop_reason, "end_turn");
  });

  test(`${which}: runs a tool to the end`, async () => {
    const conversation = [{ role: "user", content: "What is the weather in Oslo?" }];
    const ask = { model: models[which], max_tokens: 512, tools: [weather] };
    const first = await client.messages.create({
      ...ask,
      messages: conversation,
      tool_choice: { type: "any" },
    });
    assert.equal(first.stop_reason, "tool_use");
    const call = first.content.find((block) => block.type === "tool_use");
    assert.equal(typeof call.input.city, "string");
    const second = await client.messages.create({
      ...ask,
      messages: [
        ...conversation,
        { role: "assistant", content: first.content },
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: call.id, content: "4 degrees" }],
        },
      ],
    });
    assert.ok(second.content.at(-1).text.length > 0);
  });

  test(`${which}: thinking goes back unchanged`, async () => {
    const ask = {
      model: models[which],
      max_tokens: 4096,
      thinking: { type: "enabled", budget_tokens: 1024 },
    };
    const first = await client.messages.stream({ ...ask, messages }).finalMessage();
    assert.ok(first.content.some((block) => block.type.endsWith("thinking")));
    const second = await client.messages.create({
      ...ask,
      messages: [
        ...messages,
        { role: "assistant", content: first.content },
        { role: "user", content: "And a fourth?" },
      ],
    });
    assert.ok(second.content.at(-1).text.length > 0);
  });
}

test("counts tokens", async () => {
  const counted = await client.messages.countTokens({ model: models.claude, messages });
  assert.ok(counted.input_tokens > 0);
});

test("an abort ends the stream and nothing else", async () => {
  const stream = client.messages.stream({ model: models.claude, max_tokens: 512, messages });
  await assert.rejects(
    (async () => {
      for await (const event of stream) {
        assert.ok(event.type);
        stream.abort();
      }
    })(),
    Anthropic.APIUserAbortError,
  );
  const answer = await client.messages.create({ model: models.claude, max_tokens: 8, messages });
  assert.ok(answer.content.length > 0);
});

test("a wrong key is an AuthenticationError", async () => {
  const stranger = new Anthropic({
    baseURL: `${url}/api`,
    apiKey: `sk-ep-v1-${"0".repeat(64)}`,
    maxRetries: 0,
  });
  await assert.rejects(
    stranger.messages.create({ model: models.claude, max_tokens: 8, messages }),
    (error) => {
      assert.ok(error instanceof Anthropic.AuthenticationError);
      assert.equal(error.error.error.type, "authentication_error");
      return true;
    },
  );
});

test("a wrong request is a BadRequestError that names the field", async () => {
  await assert.rejects(
    client.messages.create({ model: models.claude, max_tokens: 0, messages }),
    (error) => {
      assert.ok(error instanceof Anthropic.BadRequestError);
      assert.match(error.message, /max_tokens/);
      return true;
    },
  );
});
