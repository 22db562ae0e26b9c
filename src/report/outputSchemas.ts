import * as z from 'zod';

const nullable = <T extends z.ZodType>(type: T) => z.union([type, z.null()]);
const number = z
  .int()
  .min(1)
  .max(2 ** 31);
const place = {
  file: nullable(z.string()).describe('As given on the command line, or REV:path for a revision'),
  line: nullable(number).describe('From 1'),
  col: nullable(number).describe('From 1, in code points'),
  endLine: nullable(number),
  endCol: nullable(number).describe('Just behind the last character'),
};

const statusSchema = z.union([z.literal(0), z.literal(1), z.literal(2)]);

const diagnosticSchema = z.strictObject({
  ...place,
  severity: z.enum(['error', 'warning', 'note']),
  code: z.string().describe('area/kebab-name'),
  message: z.string(),
  hint: nullable(z.string()),
  related: z.array(z.strictObject({ ...place, message: z.string() })),
});

const change = z
  .strictObject({
    path: z.string().describe('Below the output folder'),
    target: z.string(),
    verb: z.enum(['create', 'change', 'delete', 'same']),
    cause: z.string().optional().describe('Why the file is not what the spec makes'),
    patch: z.string().optional().describe('Unified text'),
  })
  .describe('One generated file');

const request = z
  .strictObject({
    kind: z.literal('request'),
    proxy: z.string(),
    method: z.string(),
    target: z.string(),
    headers: z.array(z.strictObject({ name: z.string(), value: z.string() })),
    from: z.string().describe('Client address'),
    key: nullable(
      z.strictObject({
        id: z.string(),
        reference: z.string(),
        formerly: z.string().optional().describe('What was sent before, where another secret took its place'),
      }),
    ).describe('The key that is sent'),
    at: nullable(z.string()).describe('Moment of the request, where it matters'),
    before: z.string().describe('Decision of the other version'),
    after: z.string().describe('Decision of this version'),
  })
  .describe('A request that the two versions decide differently');

const name = z.strictObject({ kind: z.literal('name'), name: z.string(), before: z.string(), after: z.string() });

const access = z
  .strictObject({
    kind: z.string(),
    effect: z
      .enum(['widening', 'narrowing', 'unclear', 'neutral'])
      .describe('unclear: more may be possible, which a gate against widening does not let pass'),
    message: z.string(),
    version: z.enum(['before', 'after']).describe('The version that file and line are of'),
    ...place,
    approval: z
      .array(z.string())
      .describe('Owners, now and before, of the key, addresses, envelope or include that the change is about'),
    proxies: z.array(z.string()),
    keys: nullable(z.array(z.string())).describe('Ids of keys; null where they are many and stand in keyLists'),
    keyList: nullable(
      z
        .int()
        .min(0)
        .max(2 ** 31),
    ).describe('Index into keyLists'),
    addresses: nullable(z.array(z.string())).describe('CIDRs that were gained or lost'),
    example: nullable(z.union([request, name])),
  })
  .describe('One difference in what somebody can do');

/** The output for several specs at once: that of each, and the worst status. */
function several<Shape extends z.core.$ZodShape>(command: string, one: z.ZodObject<Shape>) {
  return z
    .strictObject({
      command: z.literal(command),
      status: statusSchema.describe('The worst of all'),
      specs: z.array(z.strictObject({ spec: z.string().describe('As given on the command line'), ...one.shape })),
    })
    .describe('Several specs at once');
}

const diff = z.strictObject({
  command: z.literal('diff'),
  status: statusSchema.describe('The exit status: 0 in sync, 1 differences, 2 could not tell'),
  diagnostics: z.array(diagnosticSchema).describe('Problems; of --live the differences too'),
  changes: z.array(change).optional().describe('Files, where these were compared'),
  access: z.array(access).optional().describe('Access, where two versions of the spec were compared'),
  keyLists: z.array(z.array(z.string())).optional().describe('Long lists of keys, each once'),
});

/** What `diff --format json` prints. Keys are added to it, never renamed. */
export const diffSchema = z.union([diff, several('diff', diff)]).describe('Output of "postern diff --format json"');

export function diffJsonSchema(): object {
  return z.toJSONSchema(diffSchema);
}

const test = z.strictObject({
  subject: z.string(),
  passed: z.boolean(),
  expected: z.string(),
  actual: z.string(),
  how: z.string().optional(),
});

const validate = z.strictObject({
  command: z.literal('validate'),
  status: statusSchema.describe('The exit status: 0 valid, 1 not, 2 could not tell'),
  diagnostics: z.array(diagnosticSchema),
  tests: z.array(test).describe('Tests of the spec that were run'),
});

const lint = z.strictObject({
  command: z.literal('lint'),
  status: statusSchema.describe('The exit status: 0 nothing that is not accepted, 1 findings, 2 could not tell'),
  diagnostics: z.array(
    diagnosticSchema.extend({
      accepted: z.boolean().optional().describe('Whether --accept names it; absent where nothing could be told'),
    }),
  ),
});

/** What `validate` and `lint` print with `--format json`. Keys are added to it, never renamed. */
export const checkSchema = z
  .union([validate, lint, several('validate', validate), several('lint', lint)])
  .describe('Output of "postern validate --format json" and "postern lint --format json"');

export function checkJsonSchema(): object {
  return z.toJSONSchema(checkSchema);
}

const refused = z
  .strictObject({
    proxy: z.string(),
    method: z.string(),
    template: z.string().describe('The path as a spec would write it'),
    key: z.string().describe('Id; "" where none was sent'),
    reason: z.string().describe('Why the shadow refuses it, as the access log names reasons'),
    status: z.int().min(400).max(599),
    route: z.string().describe('Route class of the shadow; "" for none'),
    count: z
      .int()
      .min(1)
      .max(2 ** 31),
    last: z.string().describe('When it was last seen, as the log says'),
  })
  .describe('Requests that got through and that the shadow refuses, alike but for what parameters take');

/** What `shadow report --format json` prints. Keys are added to it, never renamed. */
export const shadowReportSchema = z
  .strictObject({
    command: z.literal('shadow report'),
    status: statusSchema.describe('The exit status: 0 nothing would be refused, 1 something would, 2 could not tell'),
    diagnostics: z.array(diagnosticSchema).describe('Problems, and each of refused with what would allow it'),
    refused: z.array(refused).optional().describe('The most frequent first; absent where nothing could be told'),
  })
  .describe('Output of "postern shadow report --format json"');

export function shadowReportJsonSchema(): object {
  return z.toJSONSchema(shadowReportSchema);
}
