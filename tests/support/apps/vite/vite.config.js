/** A setting that Next.js puts in by itself. */
export default {
  base: "./",
  define: { "process.env.NEXT_PUBLIC_QUARTERDECK_URL": JSON.stringify(process.env.NEXT_PUBLIC_QUARTERDECK_URL) },
};
