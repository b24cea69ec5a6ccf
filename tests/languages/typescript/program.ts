// Does the documented job with the types that openapi-typescript makes of the contract, and streams one turn.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { env } from "node:process";
import createClient from "openapi-fetch";
import { WebSocket } from "ws";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
type Message = Schemas["Message"];

const { SEC_GEMINI_API_HTTP_URL: baseUrl, SEC_GEMINI_API_WEBSOCKET_URL: socketUrl, SEC_GEMINI_API_KEY: key } = env;
assert(baseUrl && socketUrl && key && env.NEWER_SERVICE_URL && env.PROMPT, "the environment names no service");
const connect = (url: string, apiKey: string) =>
  createClient<paths>({ baseUrl: url, headers: { "x-api-key": apiKey } });
const api = connect(baseUrl, key);

const steps: Record<string, string> = {};
async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  steps[name] = "failed";
  const result = await work();
  steps[name] = "ok";
  return result;
}

/** The body of a successful answer; what the service said otherwise. */
function body<T>({ data, error, response }: { data?: T; error?: unknown; response: Response }): NonNullable<T> {
  assert(data, `${response.status} from ${response.url}: ${JSON.stringify(error)}`);
  return data;
}

function done(answer: { data?: Schemas["OpResult"]; error?: unknown; response: Response }): Schemas["OpResult"] {
  const result = body(answer);
  assert(result.ok && result.status_code === 200, result.status_message);
  return result;
}

const prompt: Schemas["MessageInput"] = {
  id: "7be0a4c19d52",
  parent_id: "3713",
  turn: "d3760be94a1c",
  group: "c1d7a9f04be84d2cb6a3e95f20d81c77",
  created_at: 1795347000.25,
  role: "user",
  state: "query",
  message_type: "query",
  mime_type: "text/plain",
  content: env.PROMPT,
};

/** Yield the messages of one turn, asked over the WebSocket, as `x-websocket` describes it. */
async function* stream(sessionId: string, query: Schemas["MessageInput"]): AsyncGenerator<Message> {
  const address = new URL("/v1/stream", socketUrl);
  address.search = new URLSearchParams({ api_key: key!, session_id: sessionId }).toString();
  const socket = new WebSocket(address);
  const frames: Message[] = [];
  let wake: (failure?: Error) => void = () => {};
  socket.on("open", () => socket.send(JSON.stringify(query)));
  socket.on("message", (frame) => (frames.push(JSON.parse(String(frame)) as Message), wake()));
  socket.on("error", (error) => wake(error));
  socket.on("close", (code) => wake(new Error(`closed with ${code} before the end of the turn`)));
  try {
    for (;;) {
      if (!frames.length) await new Promise<void>((go, fail) => (wake = (error) => (error ? fail(error) : go())));
      for (let message; (message = frames.shift()); ) {
        yield message;
        if (message.message_type === "info" && message.state === "end") return;
      }
    }
  } finally {
    socket.close(1000);
  }
}

async function main() {
  const me = await step("user_info", async () => body(await api.GET("/v1/user/info")));
  const model = me.available_models[0];
  assert(model);
  const session: Schemas["SessionInput"] = {
    id: randomUUID(), user_id: me.user.id, org_id: me.user.org_id, model, ttl: 3600, can_log: true,
    name: "typescript", description: "The contract in TypeScript",
  };
  const id = session.id!;
  const get = async (client = api, session_id = id) => client.GET("/v1/session/get", { params: { query: { session_id } } });

  await step("register", async () => done(await api.POST("/v1/session/register", { body: session })));
  await step("attach_file", async () => {
    const content = Buffer.from("The host evil[.]example[.]com answered.\n").toString("base64");
    const file = { session_id: id, filename: "notes.txt", content };
    assert.equal(done(await api.POST("/v1/session/attach_file", { body: file })).data?.["name"], "notes.txt");
  });
  const answer = await step("generate", async () => {
    const response = body(await api.POST("/v1/session/generate", { body: { id, messages: [prompt] } }));
    const result = response.messages.find((message) => message.message_type === "result");
    assert(response.status_code === 200 && result?.content);
    return result;
  });
  await step("list", async () => assert(body(await api.GET("/v1/session/list")).some((listed) => listed.id === id)));
  await step("update", async () => {
    done(await api.POST("/v1/session/update", { body: { ...session, name: "typescript, renamed" } }));
    assert.equal(body(await get()).name, "typescript, renamed");
  });
  const history = await step("history", async () => body(await get()).messages);
  assert.equal(history[0]?.content, prompt.content);
  assert(history.some((message) => message.id === answer.id));
  await step("feedback", async () => {
    const feedback: Schemas["Feedback"] = { session_id: id, type: "user_feedback", score: 1, comment: "Thank you" };
    done(await api.POST("/v1/session/feedback", { body: feedback }));
  });
  await step("detach", async () => {
    done(await api.POST("/v1/session/detach_file", { body: { session_id: id, file_idx: 0 } }));
    assert.deepEqual(body(await get()).files, []);
  });
  const passing = { ...session, id: randomUUID() };
  await step("delete", async () => {
    done(await api.POST("/v1/session/register", { body: passing }));
    done(await api.POST("/v1/session/delete", { body: passing }));
  });
  await step("unknown_session", async () => {
    const { error, response } = await get(api, passing.id);
    assert.equal(response.status, 404);
    assert.equal((error as Schemas["ErrorBody"]).detail, "Session not found");
  });
  await step("wrong_key", async () => {
    const { error, response } = await get(connect(baseUrl!, "wrong"));
    assert.equal(response.status, 401);
    assert.equal(typeof error?.detail, "string");
  });
  await step("mime_types", async () => {
    const types: Schemas["MimeType"][] = ["text/c", "text/c++"];
    assert.equal(new Set(types).size, 2);
  });
  const newer = await step("newer_service", async () => {
    const message = body(await get(connect(env.NEWER_SERVICE_URL!, key!))).messages.at(-1);
    assert.equal(message?.message_type, "hologram"); // compared as a string: the type is a union of those that are known
    assert.equal(message?.status_code, 520);
    assert.deepEqual((message as object as Record<string, unknown>)["novelty"], { since: 2027 });
    return message!;
  });
  await step("null", async () => assert.deepEqual([newer.title, newer.mime_type, newer.usage], [null, null, null]));
  await step("stream", async () => {
    const streamed: Message[] = [];
    for await (const message of stream(id, { ...prompt, id: "5d1e07c3a94b" })) streamed.push(message);
    assert(streamed.some((message) => message.message_type === "result"));
    assert.deepEqual(body(await get()).messages.slice(-streamed.length), streamed);
  });
  return { session_id: id, prompt: history[0] };
}

const told = await main().catch((error: unknown) => ({ error: String(error) }));
console.log(JSON.stringify({ language: "typescript", steps, ...told }));
process.exitCode = "error" in told ? 1 : 0;
