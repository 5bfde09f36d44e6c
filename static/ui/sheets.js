/** Style sheets that come with the parts of the page that need them. The server names those of a run's page at once. */

/** Puts sheets into the page; resolves when they are there, or cannot be had. @param {readonly string[]} names */
export const sheets = (names) => Promise.all(names.filter((name) => !find(name)).map(add));

/** @param {string} name */
const find = (name) => document.querySelector(`link[href*="/ui/${name}.css"]`);

/** @param {string} name */
function add(name) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL(`./${name}.css`, import.meta.url).href.replace(/\?.*$/, "");
  return new Promise((done) => {
    for (const end of ["load", "error"]) link.addEventListener(end, done, { once: true });
    document.head.append(link);
  });
}
