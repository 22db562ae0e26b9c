import { pathToFileURL } from 'node:url';

// Left to itself, uvu starts at the first pause after a `run()`, and a file that awaits something between two suites
// loses the rest without a word. So uvu is told that somebody else starts it, and it is started when the file is through.
const [, , file = ''] = process.argv;
Object.assign(globalThis, { UVU_DEFER: 1, UVU_QUEUE: [[null]], UVU_INDEX: 0 });
const { exec } = await import('uvu');
await import(pathToFileURL(file).href);
await exec();
