"use strict";

// What stands in the viewer's place are the routes in words, for those whose browser does not come this far.
const viewer = document.getElementById("viewer");
const isDark = matchMedia("(prefers-color-scheme: dark)");

const followScheme = () => document.documentElement.classList.toggle("dark-mode", isDark.matches);

// The page has grown since the browser looked for the anchor. Routes have another one in Swagger UI.
const jump = () => {
  const name = decodeURIComponent(location.hash.slice(1));
  if (name) (document.getElementById(name) ?? document.querySelector(`[id$="-${CSS.escape(name)}"]`))?.scrollIntoView();
};

isDark.addEventListener("change", followScheme);
addEventListener("hashchange", jump);
followScheme();
SwaggerUIBundle({
  domNode: viewer,
  url: viewer.dataset.openapi,
  layout: "BaseLayout",
  validatorUrl: null, // it would send the document to another site
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  onComplete: jump,
});
