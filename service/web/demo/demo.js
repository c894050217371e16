// What a product page needs of the service: GET /products/{id}/page, and the cart. No framework, no build.

import { call, newKey, tell } from "./service.js";

const id = location.pathname.split("/").at(-1);
const $ = (name) => document.getElementById(name);

function el(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function say(words, isBad = false) {
  $("said").classList.toggle("bad", isBad);
  $($("page").hidden ? "state" : "said").textContent = words;
}

tell.waiting = (words) => say(words, true);
tell.answered = (what, answer, milliseconds) => {
  const time = el("small", {}, `${Math.round(milliseconds)} ms`);
  $("requests").prepend(el("li", {}, el("code", {}, what), ` ${answer} `, time));
};

// Pictures and prices

// A name that is reserved for examples (RFC 2606), as in the sample catalogue, has no picture: it is not asked for.
const PICTURE = /^(data:image\/|https:\/\/(?!([^/]+\.)?example(\.(com|net|org))?[:/]))/;
const VIEWS = ["0 0 200 200", "45 22 110 110", "20 62 84 84", "92 90 84 84", "50 96 84 84"];
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 0 });

/** The picture at an address, or a drawing where there is none; alt is "" where text beside it says the same. */
function picture(url, alt, seed, view = 0) {
  const drawing = $("drawing").content.firstElementChild.cloneNode(true);
  drawing.style.setProperty("--hue", (seed * 137) % 360);
  drawing.setAttribute("viewBox", VIEWS[view % VIEWS.length]);
  drawing.setAttribute(alt ? "aria-label" : "aria-hidden", alt || "true");
  if (!PICTURE.test(url ?? "")) return drawing;
  const image = el("img", { src: url, alt });
  image.addEventListener("error", () => image.replaceWith(drawing));
  return image;
}

function price(original, sale) {
  const full = dollars.format(original);
  if (sale === null) return [full];
  return [el("strong", {}, dollars.format(sale)), " ", el("s", {}, el("span", { className: "unseen" }, "was "), full)];
}

/** A radio button for each [value, item] in a fieldset; `draw` gives what its label holds. */
function choices(fieldset, name, entries, draw, chosen) {
  fieldset.querySelector("div").replaceChildren(...entries.map(([value, item], number) => {
    const radio = el("input", { type: "radio", name, value, required: true, disabled: item.quantity === 0 });
    radio.addEventListener("change", () => chosen(item, number));
    return el("label", {}, radio, el("span", {}, ...draw(item, number)));
  }));
  fieldset.hidden = entries.length === 0;
}

function chooseFirst(fieldset) {
  fieldset.querySelector("input")?.click();
}

// The product

let product;

async function showProduct() {
  const { styles, related, ...rest } = await call("GET", `products/${id}/page`);
  product = rest.product;
  document.title = `${product.name} · Product demo`;
  for (const name of ["category", "name", "slogan", "description"]) $(name).textContent = product[name];
  $("features").replaceChildren(...product.features.map(({ feature, value }) => (
    el("div", {}, el("dt", {}, feature), el("dd", {}, value ?? "–")))));
  styles.sort((one, other) => other["default?"] - one["default?"]); // the default style first
  choices($("styles"), "style", styles.map((style) => [style.style_id, style]), (style) => (
    [picture(style.photos[0].thumbnail_url, "", style.style_id), style.name]), showStyle);
  const none = { original_price: product.default_price, sale_price: null, photos: [{ url: null }], skus: {} };
  if (styles.length) chooseFirst($("styles")); else showStyle(none);
  const others = related.filter((each) => each.id !== product.id); // some are related to themselves
  $("cards").replaceChildren(...others.map(card));
  $("related").hidden = others.length === 0;
  $("without").hidden = true;
  $("page").hidden = $("summary").hidden = false;
}

function showStyle({ style_id = product.id, name = "", original_price, sale_price, photos, skus }) {
  say("");
  $("price").replaceChildren(...price(original_price, sale_price));
  const shown = name ? `${product.name}, ${name}` : product.name;
  const alt = (number) => `${shown}, photo ${number + 1} of ${photos.length}`;
  const show = ({ url }, number) => $("photo").replaceChildren(picture(url, alt(number), style_id, number));
  choices($("photos"), "photo", Object.entries(photos), ({ thumbnail_url }, number) => (
    [picture(thumbnail_url, `${number + 1} of ${photos.length}`, style_id, number)]), show);
  chooseFirst($("photos"));
  $("photos").hidden = photos.length === 1;
  const sizes = Object.entries(skus).filter(([sku_id]) => sku_id !== "null"); // "null" stands for no sizes at all
  choices($("sizes"), "sku_id", sizes, ({ size, quantity }) => (
    [el("b", {}, size), el("small", {}, quantity === 0 ? "sold out" : quantity > 99 ? "in stock" : `${quantity} left`)]
  ), ({ quantity }) => { $("count").max = Math.min(quantity, 99); });
  $("add").disabled = sizes.every(([, { quantity }]) => quantity === 0);
  $("stock").textContent = $("add").disabled ? "OUT OF STOCK" : "";
}

function card({ id, name, category, default_price, original_price, sale_price, thumbnail_url }) {
  const cost = el("span", { className: "price" }, ...price(original_price ?? default_price, sale_price));
  const shown = [picture(thumbnail_url, "", id), el("small", {}, category), el("b", {}, name), cost];
  return el("li", {}, el("a", { href: id }, ...shown));
}

// The cart

let last = Promise.resolve();
let unanswered = null; // an addition that was not answered keeps its key: repeated, it counts once

/** Do one thing after the other, each followed by the cart as it is then. */
function inTurn(work, words) {
  last = last.then(work).then(() => call("GET", "cart/lines")).then((cart) => {
    showCart(cart);
    say(words && `${words} ${$("summary").textContent}.`);
  }).catch((refusal) => say(refusal.message, true));
}

async function add(addition) {
  const body = JSON.stringify(addition);
  if (unanswered?.body !== body) unanswered = { body, key: newKey() };
  try {
    await call("POST", "cart", addition, unanswered.key);
    unanswered = null;
  } catch (refusal) {
    if (!refusal.mayPass) unanswered = null;
    throw refusal;
  }
}

$("addition").addEventListener("submit", (event) => {
  event.preventDefault();
  const { sku_id, count } = Object.fromEntries(new FormData(event.target));
  inTurn(() => add({ sku_id, count }), `Added: ${product.name}.`);
});

function showCart({ lines, total }) {
  const items = lines.reduce((sum, { count }) => sum + count, 0);
  const focused = $("lines").contains(document.activeElement) && document.activeElement.id;
  const sum = `${items} item${items === 1 ? "" : "s"}, ${dollars.format(total)}`;
  $("summary").textContent = `Cart: ${items ? sum : "empty"}`;
  $("lines").replaceChildren(...lines.map(line));
  $("total").replaceChildren(...(items ? ["Total ", el("strong", {}, dollars.format(total))] : ["Nothing in it yet."]));
  if (focused) ($(focused) ?? $("cart-title")).focus();
}

function line({ sku_id, count, gone, product_id, product_name, style_id, style_name, size, line_total, ...rest }) {
  const name = gone ? "No longer sold" : product_name;
  const what = gone ? `sku ${sku_id}` : `${product_name}, ${style_name}, ${size}`;
  const stock = gone || rest.in_stock ? "" : rest.available ? `only ${rest.available} in stock` : "out of stock";
  const input = el("input", { type: "number", id: `count-${sku_id}`, min: 0, max: 99, value: count, required: true });
  input.ariaLabel = `Count of ${what}`;
  input.addEventListener("change", () => input.reportValidity() && inTurn(
    () => call("PUT", `cart/${sku_id}`, { count: input.value }), "Changed."));
  const remove = el("button", { type: "button", ariaLabel: `Remove ${what}`, id: `remove-${sku_id}` }, "Remove");
  remove.addEventListener("click", () => inTurn(() => call("DELETE", `cart/${sku_id}`), "Removed."));
  return el("li", {}, picture(rest.thumbnail_url, "", style_id ?? 0),
    el("div", {}, gone ? name : el("a", { href: product_id }, name),
      el("small", {}, gone ? what : `${style_name} · ${size}`), el("small", { className: "bad" }, stock)),
    el("div", {}, input, remove), el("b", {}, line_total === null ? "–" : dollars.format(line_total)));
}

// The page may come back as it was, with another page's changes to the cart.
addEventListener("pageshow", ({ persisted }) => persisted && inTurn(() => {}, ""));

showProduct().then(() => inTurn(() => {}, "")).catch((refusal) => {
  say(refusal.message, true);
  $("elsewhere").hidden = false;
});
