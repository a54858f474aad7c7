// Run a Python program of this repository under Pyodide, as a browser would, in Node:
//
//     node tools/pyodide.mjs --pyodide FOLDER [--with NAME,NAME] PROGRAM ARGUMENTS
//
// FOLDER (or the environment variable PYODIDE_DIR) is an unpacked distribution of Pyodide with
// NumPy's wheel, and nothing is loaded from anywhere else. Packages after --with come from there
// if it has them, and otherwise, if they are pure Python, from the site-packages of --site (.venv
// without it). The repository is the working directory; no byte code is written into it.

import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const USAGE = "node tools/pyodide.mjs --pyodide FOLDER [--with NAMES] [--site FOLDER] PROGRAM ...";

function fail(message) {
  console.error(message);
  process.exit(2);
}

/** Split the command line into our options and the program with its arguments. */
function read(words) {
  const options = { pyodide: process.env.PYODIDE_DIR, with: "", site: undefined };
  while (words.length && words[0].startsWith("--")) {
    const name = words.shift().slice(2);
    if (!(name in options)) fail(`unknown option --${name}; usage: ${USAGE}`);
    options[name] = words.shift();
  }
  if (!options.pyodide || !words.length) fail(`usage: ${USAGE}`);
  if (!existsSync(join(options.pyodide, "pyodide.mjs"))) {
    fail(`${options.pyodide} holds no pyodide.mjs; expected an unpacked distribution of Pyodide`);
  }
  return { ...options, with: options.with.split(",").filter(Boolean), program: words };
}

/** Return the site-packages of .venv, on Windows too. */
function sitePackages() {
  const lib = join(ROOT, ".venv", "lib");
  const pythons = existsSync(lib) ? readdirSync(lib).filter((n) => n.startsWith("python")) : [];
  return pythons.length
    ? join(lib, pythons[0], "site-packages")
    : join(ROOT, ".venv", "Lib", "site-packages");
}

/** Tell whether the distribution holds the wheel of a package. */
function offered(folder, name) {
  const lock = JSON.parse(readFileSync(join(folder, "pyodide-lock.json"), "utf8"));
  const entry = lock.packages[name];
  return entry !== undefined && existsSync(join(folder, entry.file_name));
}

/** Make a pure Python package or module of this machine importable. */
function lend(pyodide, site, name) {
  const [folder, file] = [join(site, name), join(site, `${name}.py`)];
  if (existsSync(folder) && statSync(folder).isDirectory()) {
    pyodide.FS.mkdirTree(`/lent/${name}`);
    pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: folder }, `/lent/${name}`);
  } else if (existsSync(file)) {
    pyodide.FS.mkdirTree("/lent");
    pyodide.FS.writeFile(`/lent/${name}.py`, readFileSync(file));
  } else {
    fail(`${name} is neither in the distribution of Pyodide nor in ${site}`);
  }
}

const options = read(process.argv.slice(2));
const folder = resolve(options.pyodide);
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")));
const pyodide = await loadPyodide({
  indexURL: folder + "/",
  env: { PYTHONDONTWRITEBYTECODE: "1", MPLBACKEND: "Agg", HOME: "/tmp" },
});
const wanted = ["numpy", ...options.with];
const own = wanted.filter((name) => offered(folder, name));
await pyodide.loadPackage(own, { messageCallback: () => {} });
const site = options.site ? resolve(options.site) : sitePackages();
for (const name of wanted.filter((name) => !own.includes(name))) lend(pyodide, site, name);
pyodide.FS.mkdirTree("/repository");
pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: ROOT }, "/repository");

pyodide.globals.set("words", pyodide.toPy(options.program));
const status = await pyodide.runPythonAsync(`
import os, runpy, sys, traceback
os.chdir("/repository")
sys.argv = list(words)
sys.path[:0] = [os.path.dirname(os.path.abspath(words[0])), "/repository"]
sys.path.append("/lent")
def status():
    try:
        runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return int(end.code or 0)  # True is a status too
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
status()
`);
process.exit(status);
