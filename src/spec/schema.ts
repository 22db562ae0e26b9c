import * as z from 'zod';
import { clientIp } from './clientIp.ts';
import { cors } from './cors.ts';
import { ipRanges } from './rangeSchema.ts';
import {
  byteSize,
  duration,
  expiry,
  headerName,
  headSize,
  identifier,
  mediaType,
  rangeItem,
  rangeList,
  said,
  secretReference,
} from './scalars.ts';
import { vault } from './vaultSchema.ts';

/** Options schema of each target that exists, by name; handed in so that the spec layer knows no target. */
export type TargetOptionSchemas = Readonly<Record<string, z.ZodType>>;

/** A spec of which something is made, version 1. Every object is strict: an unknown key is a mistake, never ignored. */
export function specSchema(targets: TargetOptionSchemas) {
  return z.strictObject({
    $schema: z.string().optional().describe('JSON Schema of this file, for editors'),
    version: z.literal(1).describe('Version of the spec format'),
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, { error: 'must hold only lower case letters, digits and "-", 63 at most' })
      .describe('Name of this spec; appears in every generated file'),
    include: include.optional(),
    ipRanges: ipRanges.optional(),
    upstreams: upstreams.optional(),
    routes: routes.optional(),
    apiKeys: apiKeys.optional(),
    proxies: proxies.optional(),
    domainRewrites: domainRewrites.optional(),
    vault: vault.optional(),
    targets: z
      .strictObject(Object.fromEntries(Object.entries(targets).map(([name, options]) => [name, options.optional()])))
      .optional()
      .describe('A target is rendered when its key is present'),
    shadow: z
      .string()
      .min(1)
      .optional()
      .describe('Another spec with the same proxies, relative to this file: decided and logged, never enforced'),
    guarantees: guarantees.optional(),
    accepted: accepted.optional(),
    tests: tests.optional(),
  });
}

/** A file that specs include. It never says what listens, what is made or what the whole is called. */
export function fragmentSchema() {
  return specSchema({})
    .omit({ name: true, proxies: true, targets: true, shadow: true, accepted: true })
    .extend({
      fragment: z.literal(true).describe('This file is included by specs, and nothing is made of it alone'),
    });
}

/** The one flat spec that all files add up to. */
export type Spec = Omit<z.infer<ReturnType<typeof specSchema>>, 'targets' | 'include'> & {
  readonly targets?: Readonly<Record<string, unknown>> | undefined;
};

/** One file as it is written: a spec, or a fragment of one. */
export type SpecFile = Omit<Spec, 'name'> & {
  readonly name?: string | undefined;
  readonly fragment?: true | undefined;
  readonly include?: z.infer<typeof include> | undefined;
};

const includePath = z.string().min(1).describe('Path of a fragment, relative to this file');

const presetUse = z
  .strictObject({
    preset: z.string().min(1).describe('Name of a fragment that comes with postern, such as gitlab/read-only@1'),
    as: identifier.optional().describe('Word before the names of all its entries, so that it can be included twice'),
    with: z
      .record(identifier, identifier)
      .optional()
      .describe('Names that the preset refers to and does not define, by what they are called here'),
  })
  .describe('A fragment that comes with postern');

const domainRewrite = z
  .strictObject({
    from: z
      .string()
      .min(1)
      .describe(
        'Name that clients use, such as gitlab.example.com or *.pages.example.com; a registry may have a port, for nodes alone',
      ),
    to: z
      .string()
      .min(1)
      .describe(
        'Name that it stands for inside, such as gitlab.privatelink.example.com; *.name keeps what stands before it',
      ),
    upstream: identifier.optional().describe('Key under upstreams: a proxy site for the private name is rendered too'),
    containerRegistry: z
      .boolean()
      .optional()
      .describe('Nodes pull images by this name: a registry mirror is rendered too'),
  })
  .describe('One name that is another name');

const domainRewrites = z
  .array(domainRewrite)
  .describe('Names that resolve to other names, for pods, nodes and proxy sites alike');

const upstream = z
  .strictObject({
    url: z.string().min(1).describe('Origin only, such as https://gitlab.example.com; https verifies the certificate'),
    servers: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Pool of host:port behind that name; the name itself where absent'),
    tokenHeader: headerName
      .optional()
      .describe(
        'Request header that carries the upstream token; PRIVATE-TOKEN where absent, Authorization where there is a scheme',
      ),
    tokenScheme: z
      .enum(['Bearer', 'token', 'Basic'])
      .optional()
      .describe('Word before the token, as in "Authorization: Bearer …"; Basic takes user:password from the secret'),
    tls: z
      .strictObject({
        serverName: z
          .string()
          .min(1)
          .optional()
          .describe('Name in SNI and in the certificate; the host of the url where absent'),
        caFile: z.string().min(1).optional().describe('PEM bundle, a path on the machine that runs the proxy'),
        insecureSkipVerify: z
          .boolean()
          .optional()
          .describe('Accept any certificate; refused where a token is injected'),
      })
      .optional()
      .describe('How the upstream certificate is verified'),
    timeouts: z
      .strictObject({
        connect: duration.optional().describe('5s where absent'),
        read: duration.optional().describe('Longest silence of the upstream; 60s where absent'),
        send: duration.optional().describe('Longest pause while sending; 60s where absent'),
      })
      .optional()
      .describe('Upstream timeouts'),
  })
  .describe('A server that requests are forwarded to');

const upstreams = z.record(identifier, upstream).describe('Servers that requests are forwarded to');

const request = z
  .string()
  .min(1)
  .describe('METHOD[,METHOD…] /path/{parameter:type}, for example "GET /api/v4/groups/{group:encodedPath}/members"');

const forwarding = {
  headers: z
    .array(headerName)
    .optional()
    .describe('Request headers that pass in addition to the default list; credential and override headers are refused'),
  contentTypes: z
    .union([z.literal('any'), z.array(mediaType).min(1)])
    .optional()
    .describe('Media types a request body may have; application/json where absent, any where auth is passthrough'),
  maxBody: byteSize.optional().describe('Largest request body; 1MB where absent'),
  websocket: z
    .boolean()
    .optional()
    .describe('Let a WebSocket upgrade through on these routes, with the Origin of its page'),
};

const tokenPattern = z.string().regex(/^(?:env|file|vault|k8s|sops):[^*\s]+\*?$/, {
  error: 'must be a reference such as env:TEAM_TOKEN, or its start and "*", such as vault:gitlab/token/team-*',
});

const envelope = z
  .strictObject({
    allow: z
      .array(z.string().min(1))
      .min(1)
      .describe('Requests that its routes and keys may be about: METHOD[,METHOD…] /path, or * for every method'),
    upstreams: z
      .array(identifier)
      .min(1)
      .optional()
      .describe('Upstreams that they may go to; all where absent. Upstreams are never defined within an envelope'),
    ipRanges: z
      .array(rangeItem)
      .min(1)
      .optional()
      .describe('Addresses that they may come from, CIDRs and @names of sets that the file does not define itself'),
    tokens: z
      .array(tokenPattern)
      .min(1)
      .optional()
      .describe(
        'References that its keys may send as token, "*" at an end for whatever follows; where absent all that no key outside of the envelope sends',
      ),
    ...forwarding,
    owner: said.optional().describe('Who approves changes of this envelope'),
  })
  .describe('What a file may grant at most; headers, bodies and WebSockets beyond the defaults only as far as it says');

const fileUse = z
  .strictObject({
    file: includePath,
    within: envelope.optional(),
    owner: said.optional().describe('Who answers for the file, and approves changes of what it grants'),
    expires: expiry.optional().describe('The include is an error from 00:00 UTC of this day, or from this moment'),
  })
  .describe('A fragment below the project root: the nearest folder with .git, else the folder of the spec');

const include = z
  .array(z.union([includePath, presetUse, fileUse]))
  .describe('Fragments whose entries are added to this file; their order has no meaning');

export type Include = z.infer<typeof include>[number];
export type Within = z.infer<typeof envelope>;

const allowEntry = z.union([
  request,
  z.strictObject({
    request,
    ...forwarding,
    reason: said.optional().describe('Why this is allowed; shown by explain'),
  }),
]);

const routeGroup = z
  .strictObject({
    upstream: identifier.describe('Key under upstreams'),
    auth: z
      .enum(['apiKey', 'passthrough'])
      .optional()
      .describe(
        'apiKey (default): our key is checked and replaced by the upstream token. passthrough: the client authenticates to the upstream itself',
      ),
    ...forwarding,
    allow: z.array(allowEntry).min(1).describe('The requests that this group allows'),
  })
  .describe('A named group of allowed requests');

const routes = z
  .record(identifier, routeGroup)
  .describe('Named groups of allowed requests; keys and proxies refer to the groups');

const apiKey = z
  .strictObject({
    key: z
      .union([secretReference, z.array(secretReference).min(1).max(2)])
      .describe('Reference to the key that the caller sends; two references while the key is being rotated'),
    token: secretReference.describe('Reference to the token that the upstream gets instead of the key'),
    routes: z
      .array(identifier)
      .min(1)
      .optional()
      .describe('Route groups this key may use; every group with auth: apiKey where absent'),
    ipRanges: rangeList.optional().describe("Addresses this key may be used from; the proxy's where absent"),
    expires: expiry.optional().describe('The key stops at 00:00 UTC of this day, or at this moment'),
    rateLimit: z
      .string()
      .regex(/^[1-9][0-9]{0,5}\/[sm](?: burst [1-9][0-9]{0,5})?$/, {
        error: 'must be a rate such as "10/s", "300/m" or "10/s burst 20"',
      })
      .optional()
      .describe('Requests a second or minute for this key, such as "10/s burst 20"'),
    owner: said.optional().describe('Who to ask about this key'),
  })
  .describe('A caller: what it sends, what the upstream gets, what it may do');

const apiKeys = z.record(identifier, apiKey).describe('Callers by id; the id is what logs show');

const answer = z
  .strictObject({
    request: z
      .string()
      .min(1)
      .describe('METHOD[,METHOD…] /path, or "* /path" for every method, answered by the proxy itself, never forwarded'),
    auth: z
      .enum(['apiKey', 'none'])
      .optional()
      .describe('apiKey (default): to callers with a good key. none: to everybody whom the proxy admits'),
    status: z.int().min(200).max(599).describe('Status of the answer'),
    body: z.string().max(2000).optional().describe('JSON text of the answer; {"status":…} where absent'),
  })
  .describe('A request that the proxy answers itself');

const healthPath = z
  .string()
  .regex(/^\//, { error: 'must be a path such as /healthz' })
  .describe('Path such as /healthz, which nothing else matches');

const health = z
  .union([
    healthPath,
    z.strictObject({
      path: healthPath,
      from: rangeList.optional().describe('Addresses that may ask: CIDRs and @sets; everybody where absent'),
    }),
  ])
  .describe("GET is answered with 200 by the proxy itself, without a key, whatever the proxy's own ipRanges");

const proxy = z
  .strictObject({
    listen: z.union([z.int().min(1).max(65535), z.string().min(1)]).describe('Port, or address:port'),
    hosts: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Names that this proxy is asked for, so that several may share a port; any other name is answered 421'),
    tls: z
      .strictObject({
        certFile: z.string().min(1).describe('PEM chain, a path on the machine that runs the proxy'),
        keyFile: z.string().min(1).describe('PEM key, a path on the machine that runs the proxy'),
      })
      .optional()
      .describe(
        'Certificate of the proxy itself, TLS 1.2 and 1.3; plain HTTP where absent. Reload the engine to renew it',
      ),
    ipRanges: rangeList.describe('Client addresses that may connect: CIDRs and @sets; any must be written out'),
    clientIp: clientIp.optional().describe('Where the client address comes from; direct where absent'),
    apiKeyHeader: headerName
      .optional()
      .describe(
        'Request header that carries the key; PRIVATE-TOKEN where absent, Authorization where there is a scheme',
      ),
    apiKeyScheme: z
      .literal('Bearer')
      .optional()
      .describe('Word before the key, byte for byte, as in "Authorization: Bearer …"'),
    publicUrl: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Origin under which clients reach this proxy; Link and Location are mapped to it. The request's own Host where absent",
      ),
    routes: z.array(identifier).min(1).optional().describe('Route groups served here; all where absent'),
    methodNotAllowed: z
      .union([z.literal(405), z.literal(404)])
      .optional()
      .describe('405 (default) names the allowed methods; 404 hides that the path exists'),
    maxRequestHead: headSize
      .optional()
      .describe('Largest head of a request, its line and all header lines together; 16kB where absent'),
    answer: z.array(answer).optional().describe('Requests that the proxy answers itself'),
    health: health.optional(),
    cors: cors.optional(),
    responseHeaders: z.record(headerName, z.string().max(1000)).optional().describe('Headers added to every answer'),
  })
  .describe('A listening proxy that lets through what its routes allow and nothing else');

const proxies = z.record(identifier, proxy).describe('Listening proxies by id');

const requestTest = z.strictObject({
  request: z.string().min(1).describe('METHOD and raw request target'),
  apiKey: identifier.optional().describe('Id of the key that is sent; none where absent'),
  from: z.string().min(1).optional().describe('Client address; one that the proxy admits where absent'),
  headers: z.record(z.string(), z.string()).optional().describe('Further request headers'),
  proxy: identifier.optional().describe('Proxy that is asked; needed where there are several'),
  at: expiry.optional().describe('Day of the request, for keys that expire'),
  expect: z.union([z.literal('allow'), z.int().min(100).max(599)]).describe('allow, or the status of the answer'),
});

const resolveTest = z.strictObject({
  resolve: z.string().min(1).describe('Name that a pod looks up'),
  expect: z.string().min(1).describe('Name whose address it gets; the same name for "left alone"'),
});

const pullTest = z.strictObject({
  pull: z.string().min(1).describe('Image reference that a node pulls'),
  node: z.string().min(1).optional().describe('Target whose nodes are meant, such as containerd; all where absent'),
  expect: z.string().min(1).describe('Host that the node contacts first'),
});

const tests = z
  .array(z.union([requestTest, resolveTest, pullTest]))
  .describe('Requests, look-ups and pulls with the decision that is expected');

const accepted = z
  .array(
    z
      .strictObject({
        finding: z.string().min(1).describe('Code of the finding, such as rule/form-body or form-body'),
        at: z
          .string()
          .min(1)
          .optional()
          .describe('Where alone, as names and numbers with dots: routes.upload, or routes.upload.allow.0'),
        reason: said.describe('Why it is lived with; shown beside the finding'),
        expires: expiry.describe('The finding counts again from 00:00 UTC of this day, or from this moment'),
      })
      .describe('A finding of lint that somebody has looked at'),
  )
  .describe('Findings of lint to live with: listed apart, and no reason for its exit status');

const claim = z.strictObject({
  request: z
    .string()
    .min(1)
    .describe('METHOD[,METHOD…] /path, or * for every method; {name} is any segment here, also one with %2F'),
  keys: z.array(identifier).min(1).optional().describe('Ids of keys; whoever asks where absent'),
  from: z.array(rangeItem).min(1).optional().describe('Addresses and @sets; wherever from where absent'),
  proxy: identifier.optional().describe('The proxy that is meant; each where absent'),
  reason: said.optional().describe('Why it is promised; shown where it does not hold'),
});

const same = z.strictObject({
  as: z.string().min(1).describe('Another spec, relative to this file'),
  except: z
    .array(z.enum(['ipRanges', 'upstreams', 'routes', 'apiKeys', 'proxies', 'domainRewrites']))
    .optional()
    .describe('Sections in which the two may differ'),
});

const guarantees = z
  .array(
    z.union([
      z.strictObject({ never: z.union([z.string().min(1), claim]).describe('A request that never gets through') }),
      z.strictObject({ only: claim.describe('A request that gets through only with these keys, or from there') }),
      z.strictObject({
        always: z
          .union([z.string().min(1), claim])
          .describe('A request that gets through: with each of these keys, from everywhere there'),
      }),
      z.strictObject({ same: same.describe('That somebody may do exactly what another spec lets them do') }),
    ]),
  )
  .describe('What holds for all requests, whatever the rest of the spec says: proven, not sampled');

export type Guarantee = z.infer<typeof guarantees>[number];
