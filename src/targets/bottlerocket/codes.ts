import { code, defineCodes } from '../../diagnostics/codes.ts';

export const bottlerocketCodes = defineCodes('bottlerocket', {
  'no-mirror': code<Record<never, never>>({
    severity: 'warning',
    message: () => 'no registry is mirrored, so these settings change nothing',
    hint: () => 'write containerRegistry: true at the rewrites of names that images are pulled by',
  }),
  'own-order': code<{ registry: string; first: string }>({
    severity: 'warning',
    message: ({ registry, first }) =>
      `nodes with containerd 2 try the endpoints of "${registry}" by name, so ${first} is asked first`,
    hint: () => 'order them by name, or leave one: the order of this list holds for nodes with containerd 1.7 only',
  }),
  'bad-pki': code<{ file: string; problem: string; hint: string }>({
    severity: 'error',
    message: ({ file, problem }) => `"${file}" ${problem}`,
    hint: ({ hint }) => hint,
  }),
  'bad-merge': code<{ file: string; problem: string; hint: string }>({
    severity: 'error',
    message: ({ file, problem }) => `"${file}" ${problem}`,
    hint: ({ hint }) => hint,
  }),
  'too-large': code<{ bytes: number; limit: number }>({
    severity: 'error',
    message: ({ bytes, limit }) => `the user data has ${bytes} bytes, and EC2 takes ${limit}`,
    hint: () => 'put fewer certificates into pki, or set some mirrors through apiclient instead',
  }),
});
