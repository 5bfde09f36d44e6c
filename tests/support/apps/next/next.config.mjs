/** Every page is rendered in advance, and any host of files can serve it. */
export default { output: "export" };
