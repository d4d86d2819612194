// Writes a page that shows one Markdown file much as GitHub does.
//   node page.js FILE NODE_MODULES >PAGE
const { readFileSync } = require("fs");
const { join, resolve } = require("path");

const [, , file, modules] = process.argv;
const script = (path) => `<script src="file://${resolve(join(modules, path))}"></script>`;
const markdown = JSON.stringify(readFileSync(file, "utf8")).replaceAll("<", "\\u003c");

process.stdout.write(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>not drawn yet</title>
<style>
  body { font: 14px/1.5 "Noto Sans", "DejaVu Sans", "Noto Sans CJK KR", "Noto Color Emoji", sans-serif; color: #1f2328; margin: 0; padding: 24px 32px; background: #fff; }
  h3 { font-size: 1.25em; } h4 { font-size: 1em; } h3, h4 { margin: 20px 0 12px; line-height: 1.25; }
  h3:first-child { margin-top: 0; } p, table, pre, ul { margin: 0 0 14px; } ul { padding-left: 2em; }
  table { border-collapse: collapse; } th, td { border: 1px solid #d1d9e0; padding: 5px 12px; }
  tr:nth-child(2n) td { background: #f6f8fa; } th { background: #fff; }
  code { font: 12px "DejaVu Sans Mono", monospace; background: #eff1f3; padding: 2px 5px; border-radius: 6px; }
  pre { background: #f6f8fa; padding: 14px; border-radius: 6px; overflow: hidden; }
  pre code { background: none; padding: 0; white-space: pre; } a { color: #0969da; text-decoration: none; }
</style>
${script("marked/lib/marked.umd.js")}${script("mermaid/dist/mermaid.min.js")}
</head><body><main></main><script>
(async () => {
  try {
    const main = document.querySelector("main");
    main.innerHTML = marked.parse(${markdown}, { gfm: true });
    for (const code of main.querySelectorAll("code.language-mermaid")) {
      const chart = document.createElement("div");
      chart.className = "mermaid";
      chart.textContent = code.textContent;
      code.parentElement.replaceWith(chart);
    }
    mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });
    await mermaid.run({ querySelector: ".mermaid" });
    document.title = String(Math.ceil(document.documentElement.scrollHeight));
  } catch (error) {
    document.title = String(error.message ?? error).split("\\n")[0];
  }
})();
</script></body></html>
`);
