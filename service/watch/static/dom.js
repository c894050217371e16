// The few steps of DOM that the page needs. Nodes are made once; afterwards only what differs is written.

const SVG = "http://www.w3.org/2000/svg";

const filled = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

export const el = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);

export const svg = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

export const byId = (id) => document.getElementById(id);

// Written into the text node that is there: a new one each second would be garbage.
export function text(node, words) {
  const only = node.firstChild;
  if (node.childNodes.length !== 1 || only.nodeType !== Node.TEXT_NODE) node.textContent = words;
  else if (only.data !== words) only.data = words;
}

export function attribute(node, name, value) {
  const words = String(value);
  if (node.getAttribute(name) !== words) node.setAttribute(name, words);
}

// A number as text, and as a plain number for programs.
export function number(node, value, form) {
  text(node, form(value));
  attribute(node, "data-value", value ?? "");
}

// The children of a parent, one for each item and in their order; made once a key, then updated.
export function rows(parent, items, key, make, update) {
  const present = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, index) => {
    const name = key(item);
    let child = present.get(name);
    present.delete(name);
    if (!child) {
      child = make(item);
      child.dataset.key = name;
    }
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
    update(child, item);
  });
  for (const gone of present.values()) gone.remove();
}

// The first `count` children with a tag, made where they are missing; those beyond are removed.
export function pool(parent, tag, count) {
  while (parent.children.length < count) parent.append(svg(tag));
  while (parent.children.length > count) parent.lastChild.remove();
  return parent.children;
}
