import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import type { TemporaryFolder } from '../../src/verify/folder.ts';

export interface Image {
  /** Folder in the OCI image layout; its tag is v1. */
  readonly path: string;
  /** Digest of the manifest. */
  readonly digest: string;
}

/** A small image with one layer that does not compress, so that it takes many reads and writes to pass it on. */
export async function writeImage(folder: TemporaryFolder, name: string): Promise<Image> {
  const blob = async (bytes: Buffer) => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    await folder.write(`${name}/blobs/sha256/${hex}`, '');
    await writeFile(`${folder.path}/${name}/blobs/sha256/${hex}`, bytes);
    return { digest: `sha256:${hex}`, size: bytes.length };
  };
  const tar = tarOf('data', randomBytes(3 * 1024 * 1024));
  const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...(await blob(gzipSync(tar))) };
  const rootfs = { type: 'layers', diff_ids: [diffId] };
  const config = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    ...(await blob(jsonOf({ architecture: 'amd64', os: 'linux', config: {}, rootfs }))),
  };
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = await blob(jsonOf({ schemaVersion: 2, mediaType, config, layers: [layer] }));
  const annotations = { 'org.opencontainers.image.ref.name': 'v1' };
  const index = { schemaVersion: 2, manifests: [{ mediaType, ...manifest, annotations }] };
  await folder.write(`${name}/index.json`, JSON.stringify(index));
  await folder.write(`${name}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  return { path: `${folder.path}/${name}`, digest: manifest.digest };
}

function jsonOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** A tar archive of one file. */
function tarOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`;
  header.write(name);
  header.write(octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(content.length, 12) + octal(0, 12), 100);
  // The checksum counts itself as blanks.
  header.write('        0', 148);
  header.write('ustar\x0000', 257);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)]);
}
