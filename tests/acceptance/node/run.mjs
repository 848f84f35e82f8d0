// Runs every promise of one file: `node run.mjs FILE SERIN`, where SERIN is the
// addresses in JSON. Prints one line of JSON for each promise.
const [, , file, addresses] = process.argv;
const promises = await import(file);

for (const [name, promise] of Object.entries(promises)) {
  let kept;
  try {
    kept = { name, ok: true, found: await promise(JSON.parse(addresses)) };
  } catch (error) {
    kept = { name, ok: false, error: error.stack ?? String(error) };
  }
  console.log(JSON.stringify(kept));
}
// Clients keep connections open, and nobody waits for those.
process.exit(0);
