// Takes the scripts that TypeDoc writes into its pages out into a file: the site's content-security policy lets pages run files of their own, and
// nothing that stands in the page.
//
//   node reference.mjs FOLDER
import fs from "node:fs";
import path from "node:path";

const folder = process.argv[2];
const scripts = new Map();
for (const name of fs.readdirSync(folder, { recursive: true })) {
  if (!name.endsWith(".html")) continue;
  const file = path.join(folder, name);
  const page = fs.readFileSync(file, "utf8");
  const apart = page.replace(/<script>([^<]+)<\/script>/gu, (_, code) => {
    if (!scripts.has(code)) scripts.set(code, `assets/inline-${scripts.size}.js`);
    const script = path.relative(path.dirname(name), scripts.get(code));
    return `<script src="${script}"></script>`;
  });
  if (/<script>/u.test(apart)) throw new Error(`${file} still has a script within`);
  fs.writeFileSync(file, apart);
}
for (const [code, name] of scripts) fs.writeFileSync(path.join(folder, name), code);
