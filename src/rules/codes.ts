import { code, defineCodes } from '../diagnostics/codes.ts';

export const ruleCodes = defineCodes('rule', {
  'expired-key': code<{ key: string; expires: string }>({
    severity: 'error',
    message: ({ key, expires }) => `key "${key}" expired on ${expires}`,
    hint: () => 'extend it, remove it, or pass --allow-expired',
  }),
  'expiring-key': code<{ key: string; expires: string }>({
    severity: 'warning',
    message: ({ key, expires }) => `key "${key}" expires on ${expires}, in less than 14 days`,
    hint: () => 'give the caller a second key, then extend the date',
  }),
  unused: code<{ kind: string; name: string }>({
    severity: 'warning',
    message: ({ kind, name }) => `${kind} "${name}" is used nowhere`,
    hint: () => 'use it or remove it',
  }),
  redundant: code<{ request: string; other: string }>({
    severity: 'warning',
    message: ({ request, other }) => `everything that "${request}" allows is allowed by "${other}" already`,
    hint: () => 'remove it; access is a union, so a narrower pattern takes nothing away',
  }),
  'insecure-tls': code<{ upstream: string }>({
    severity: 'warning',
    message: ({ upstream }) => `the certificate of upstream "${upstream}" is not verified`,
    hint: () => 'give tls.caFile for a private CA instead',
  }),
  'wide-write': code<{ methods: string; path: string }>({
    severity: 'warning',
    message: ({ methods, path }) => `${methods} is allowed on everything below "${path}"`,
    hint: () => 'list the paths that are needed; {name*} also takes what the upstream adds later',
  }),
  'open-to-all': code<{ proxy: string; group: string }>({
    severity: 'warning',
    message: ({ proxy, group }) => `proxy "${proxy}" lets anybody reach group "${group}": no address range and no key`,
    hint: () => 'name the client addresses under ipRanges of the proxy',
  }),
  'untested-policy': code<Record<string, never>>({
    severity: 'warning',
    message: () => 'the spec has proxies or rewrites but no tests',
    hint: () => 'write down what must pass and what must not under tests; validate runs them',
  }),
});
