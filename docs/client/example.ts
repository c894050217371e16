// A front end's calls, typed by the contract: what TypeScript accepts here is what the service takes and answers.
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./overview.js";

export type Product = components["schemas"]["Product"];
export type Style = components["schemas"]["Style"];
export type Problem = components["schemas"]["Problem"];

export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** `baseUrl` is where the service is, such as https://shop.example/api/shop. */
export const overview = (baseUrl: string): Client<paths> => createClient<paths>({ baseUrl, credentials: "include" });

export async function product(api: Client<paths>, id: number): Promise<Product> {
  const { data, error } = await api.GET("/products/{product_id}", { params: { path: { product_id: id } } });
  if (error) throw new Refused(error);
  return data;
}

export async function defaultStyle(api: Client<paths>, id: number): Promise<Style | undefined> {
  const { data, error } = await api.GET("/products/{product_id}/styles", { params: { path: { product_id: id } } });
  if (error) throw new Refused(error);
  return data.results.find((style) => style["default?"]) ?? data.results[0];
}

/** Adds once, however often it is repeated with the same key. Resolves to the token of the cart. */
export async function add(api: Client<paths>, skuId: number, count: number, key: string): Promise<string | null> {
  const { error, response } = await api.POST("/cart", {
    params: { header: { "Idempotency-Key": key } },
    body: { sku_id: skuId, count },
    parseAs: "text",
  });
  if (error) throw new Refused(error);
  return response.headers.get("X-Cart-Token");
}
