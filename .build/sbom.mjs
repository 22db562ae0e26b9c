import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

// What the package is made of, as CycloneDX: each package that runs, with its licence and the digest in the lock file.
// Those of the bundled command stand in it in these very versions. No clock and no serial number, so that the same lock
// file gives the same bytes.
// An install with `--global` would otherwise have npm look for the lock file of all global packages.
const text = execFileSync('npm', ['sbom', '--sbom-format=cyclonedx', '--omit=dev', '--package-lock-only'], {
  env: { ...process.env, npm_config_global: 'false' },
  encoding: 'utf8',
  maxBuffer: 1e8,
});
const { serialNumber: _, ...bom } = JSON.parse(text);
const { timestamp: __, ...metadata } = bom.metadata;
const { name } = JSON.parse(readFileSync('package.json', 'utf8'));
// npm names it after the folder that it was built in.
const component = { ...metadata.component, name };
writeFileSync('dist/sbom.cdx.json', `${JSON.stringify({ ...bom, metadata: { ...metadata, component } }, null, 2)}\n`);
