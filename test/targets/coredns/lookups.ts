import type { Question } from './kdig.ts';

export const rewrites = [
  { from: '*.pages.example.com', to: '*.pages.privatelink.example.com' },
  { from: 'gitlab.example.com', to: 'gitlab.privatelink.example.com' },
  { from: 'gone.example.com', to: 'gone.privatelink.example.com' },
  { from: 'registry.example.com', to: 'gitlab-registry.privatelink.example.com' },
  { from: 'special.pages.example.com', to: 'gitlab.privatelink.example.com' },
  { from: '*.deep.pages.example.com', to: '*.pages.privatelink.example.com' },
  { from: '*.dev.example.com', to: 'gitlab.privatelink.example.com' },
  { from: 'stays.dev.example.com', to: 'site.pages.privatelink.example.com' },
  { from: '*.own.example.com', to: 'ingress.own.example.com' },
];

/** Old name → the address that a client gets for it. */
export const ADDRESSES: readonly (readonly [name: string, address: string | undefined])[] = [
  ['gitlab.example.com.', '10.0.0.1'],
  ['GitLab.Example.COM.', '10.0.0.1'],
  ['special.pages.example.com.', '10.0.0.1'],
  ['a.special.pages.example.com.', '10.0.0.5'],
  ['a.pages.example.com.', '10.0.0.5'],
  ['a.b.Pages.example.com.', '10.0.0.5'],
  ['x.gitlab.pages.example.com.', '10.0.0.5'],
  ['x.deep.pages.example.com.', '10.0.0.5'],
  ['pages.example.com.', '192.0.2.5'],
  ['notpages.example.com.', '192.0.2.4'],
  ['notgitlab.example.com.', '192.0.2.2'],
  ['foo.gitlab.example.com.', '192.0.2.3'],
  ['gitlab.privatelink.example.com.', '10.0.0.1'],
  ['a.dev.example.com.', '10.0.0.1'],
  ['A.b.Dev.example.com.', '10.0.0.1'],
  ['stays.dev.example.com.', '10.0.0.6'],
  ['dev.example.com.', undefined],
  ['xdev.example.com.', undefined],
  ['a.dev.example.com.default.svc.cluster.local.', undefined],
  ['a.own.example.com.', '10.0.0.7'],
  ['ingress.own.example.com.', '10.0.0.7'],
  ['gitlab.example.com.default.svc.cluster.local.', undefined],
  ['gitlab.example.com.svc.cluster.local.', undefined],
  ['gitlab.example.community.', undefined],
  ['a.pages.example.com.default.svc.cluster.local.', undefined],
];

/** Records of all types: everything under the old name, in the owner and in the data. */
export const RECORDS: readonly (readonly [...Required<Question>, records: readonly string[]])[] = [
  ['gitlab.example.com.', 'AAAA', ['gitlab.example.com. AAAA fd00::1']],
  ['gitlab.example.com.', 'MX', ['gitlab.example.com. MX 10 mail.gitlab.example.com.']],
  ['a.dev.example.com.', 'AAAA', ['a.dev.example.com. AAAA fd00::1']],
  ['a.dev.example.com.', 'MX', ['a.dev.example.com. MX 10 mail.a.dev.example.com.']],
  ['gitlab.example.com.', 'HTTPS', ['gitlab.example.com. HTTPS 1 . alpn=h2']],
  [
    'alias.pages.example.com.',
    'A',
    ['alias.pages.example.com. CNAME site.pages.example.com.', 'site.pages.example.com. A 10.0.0.6'],
  ],
  [
    'registry.example.com.',
    'A',
    ['registry.example.com. CNAME vpce-1.vpce.example.net.', 'vpce-1.vpce.example.net. A 10.0.0.3'],
  ],
  ['_ssh._tcp.pages.example.com.', 'SRV', ['_ssh._tcp.pages.example.com. SRV 0 0 22 site.pages.example.com.']],
  ['ptr.pages.example.com.', 'PTR', ['ptr.pages.example.com. PTR site.pages.example.com.']],
  // This target keeps its inner name, as the comment in the Corefile warns and `explain` says.
  ['site.pages.example.com.', 'HTTPS', ['site.pages.example.com. HTTPS 1 edge.pages.privatelink.example.com. alpn=h2']],
  ['text.pages.example.com.', 'A', []],
];
