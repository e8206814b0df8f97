// A gateway as @grpc/grpc-js sees it: answers, deadlines, refusals with their details. Reads GATEWAY (host:port), TOKEN,
// ANCHOR and PROTO (the folder of the proto files) from the environment.

import { credentials, loadPackageDefinition, Metadata, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const { GATEWAY, TOKEN, ANCHOR, PROTO } = process.env;
const PATIENCE_MS = 25_000;

setTimeout(() => {
  console.error(`node: not done within ${PATIENCE_MS} ms`);
  process.exit(1);
}, PATIENCE_MS).unref();

const definition = loadSync("tandem/v1/related_products.proto", { includeDirs: [PROTO], keepCase: true });
const { RelatedProducts } = loadPackageDefinition(definition).tandem.v1;
const client = new RelatedProducts(GATEWAY, credentials.createInsecure());

function expect(condition, what) {
  if (!condition) {
    console.error(`node: ${what}`);
    process.exit(1);
  }
}

function call(request, { token = TOKEN, within = 20_000 } = {}) {
  const metadata = new Metadata();
  if (token) metadata.set("authorization", `Bearer ${token}`);
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + within };
    client.ListRelatedProducts(request, metadata, options, (error, answer) => resolve({ error, answer }));
  });
}

const detail = (error) => error?.metadata?.get("grpc-status-details-bin")[0]?.toString("latin1") ?? "";

const good = await call({ product_id: ANCHOR });
expect(good.answer?.items?.length > 0, `a list: ${good.error}`);

const stranger = (await call({ product_id: ANCHOR }, { token: "" })).error;
expect(stranger?.code === status.UNAUTHENTICATED, `without a token: ${stranger}`);
expect(detail(stranger).includes("google.rpc.ErrorInfo"), "a refusal says no reason");
expect(detail(stranger).includes("TOKEN_MISSING"), "a refusal says another reason");

const nobody = (await call({ product_id: "nobody" })).error;
expect(nobody?.code === status.NOT_FOUND && detail(nobody).includes("google.rpc.ResourceInfo"), `nobody: ${nobody}`);

const late = (await call({ product_id: ANCHOR }, { within: -1 })).error;
expect(late?.code === status.DEADLINE_EXCEEDED, `no time at all: ${late}`);

const burst = await Promise.all(Array.from({ length: 200 }, () => call({ product_id: ANCHOR })));
expect(burst.every(({ answer }) => answer?.items?.length > 0), "one of 200 calls at once has no answer");
client.close();
console.log("node: answers, deadlines and error details are right");
