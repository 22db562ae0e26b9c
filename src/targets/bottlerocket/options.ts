import * as z from 'zod';
import { byPresence, type Touches } from '../../accessDiff/declared.ts';
import { mirrorsOption, mirrorsTouch } from '../mirrors.ts';

const certificate = z.strictObject({
  file: z.string().min(1).describe('PEM certificates of the authority, a path relative to this spec'),
});

export const bottlerocketOptions = z
  .strictObject({
    form: z
      .enum(['userData', 'eksctl', 'karpenter', 'terraform', 'apiclient'])
      .optional()
      .describe(
        'userData: TOML for the instance (default); eksctl: settings of a node group; karpenter: a patch of an EC2NodeClass; terraform: bootstrap_extra_args; apiclient: JSON for a running node',
      ),
    merge: z.string().min(1).optional().describe('User data to put the settings into; all else of it is kept as it is'),
    nodeClass: z
      .string()
      .regex(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, { error: 'must be the name of a Kubernetes object' })
      .optional()
      .describe('Name of the EC2NodeClass, for karpenter; "default" where absent'),
    mirrors: mirrorsOption,
    pki: z
      // Bottlerocket's own limits; a name that it refuses would cost all of the user data.
      .record(
        z.string().regex(/^[A-Za-z0-9-]{1,76}$/, { error: 'must hold only letters, digits and "-", 76 at most' }),
        certificate,
      )
      .optional()
      .describe('Certificate authorities that the whole node then trusts, by name'),
  })
  .describe('Registry mirrors for Bottlerocket nodes');

export type BottlerocketOptions = z.infer<typeof bottlerocketOptions>;

/** How each option touches access. */
export const bottlerocketAccess: Touches<BottlerocketOptions> = {
  form: { cannotLoosen: 'the node gets the same settings in another way' },
  merge: { kind: 'target', words: 'what else the nodes are told is', absent: 'nothing', isFile: true },
  nodeClass: { kind: 'target', words: 'the settings go to the EC2NodeClass', absent: 'default', byDefault: 'default' },
  mirrors: mirrorsTouch,
  pki: {
    each: {
      fields: {
        file: {
          kind: 'trust',
          words: (path) => `nodes trust the authority "${path.at(-2)}" from`,
          absent: 'no file',
          effect: byPresence,
          isFile: true,
        },
      },
    },
  },
};
export type BottlerocketForm = NonNullable<BottlerocketOptions['form']>;
