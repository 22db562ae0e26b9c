import type * as z from 'zod';
import type { AnyTouches, Touches } from '../accessDiff/declared.ts';
import type { Diagnostic, Result, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Importer, ImportFile, ImportProblem } from '../import/draft.ts';
import type { Enforcement } from '../policy/fields.ts';
import type { ClientAddress, DomainRewrite, Policy, Proxy } from '../policy/types.ts';
import type { FileModel } from '../prove/model.ts';
import type { NameModel } from '../prove/nameModel.ts';
import type { NodeModel } from '../prove/pulls.ts';
import type { OpenedSet } from '../spec/references.ts';

/** One file of a target's output, whole. */
export interface RenderedFile {
  /** Below the output folder, with "/" between parts. */
  readonly path: string;
  /** Ends with a line feed; no trailing blanks. */
  readonly text: string;
  /** How a comment starts in this file's language; `undefined` where it has none and so gets no header. */
  readonly comment?: '#' | '//' | '<!--' | undefined;
  /** The user's file that this is a copy of, with our lines put in. It may hold anything that the original holds. */
  readonly copyOf?: Original | undefined;
}

export interface Original {
  readonly file: string;
  /** Where the spec names it. */
  readonly at: SpecPath;
}

/** Reads a file that the spec names, relative to the spec. `undefined` where it cannot be read. */
export type ReadFile = (path: string) => string | undefined;

/** The input of a target: the policy, the target's options, and where these are in the spec. */
export interface TargetInput<Options> {
  readonly policy: Policy;
  readonly options: Options;
  /** The path of the options, `['targets', name]`. */
  readonly at: SpecPath;
  readonly read: ReadFile;
  /**
   * The secret files of every target of the spec, rendered with these values; absent where one target is rendered
   * alone.
   */
  readonly secretFiles?: (values: SecretsInput['values']) => readonly RenderedFile[];
  /** The files of another target of the spec, without headers; absent where it makes none. */
  readonly filesOf?: (target: string) => readonly RenderedFile[] | undefined;
  /** The program that reads the files of another target; absent where it decides about no requests. */
  readonly programOf?: (target: string) => Reloadable | undefined;
}

/** The input of `secrets render` for a target: the value of each reference of the spec. */
export interface SecretsInput {
  readonly policy: Policy;
  /** By reference text, such as `env:POSTERN_KEY`. Keys are key-shaped, tokens RFC 6750 token characters, none is empty. */
  readonly values: ReadonlyMap<string, string>;
}

/** A capture of a running engine. */
export interface LiveText {
  /** As messages name it. */
  readonly name: string;
  readonly text: string;
}

/** The state that the engine should have. */
export interface Expected<Options = unknown> extends TargetInput<Options> {
  /** Name of the target. */
  readonly target: string;
  /** The files of this target as they are written, with their headers. */
  readonly files: readonly Pick<RenderedFile, 'path' | 'text'>[];
}

/** The differences. Additions of others that cannot affect ours are `foreign`, and no drift. */
export interface LiveDrift {
  readonly drift: readonly Diagnostic[];
  readonly foreign: readonly Diagnostic[];
}

export type CompareLive<Options = unknown> = (live: LiveText, expected: Expected<Options>) => Result<LiveDrift>;

/** What the nodes of one product are configured to do about registries. */
export interface NodeSettings {
  /** Endpoints by registry, in addition to those of the rewrites; "*" is every registry without a mirror of its own. */
  readonly mirrors: Readonly<Record<string, readonly string[]>>;
  /** `always`: the product tries the registry itself in the end and cannot be told not to. */
  readonly fallsBack: 'never' | 'configured' | 'always';
  /** Endpoints by registry of mirrors of somebody else, in a file that ours are merged into. */
  readonly others?: Readonly<Record<string, readonly string[]>>;
  /** Versions of the product that pull in different ways; absent where all do as the settings say. */
  readonly kinds?: readonly NodeKind[];
}

/** A version of a product, and how it reads its settings. */
export interface NodeKind {
  /** As messages name it, such as `containerd 2`. */
  readonly name: string;
  /** The order in which endpoints are asked; that of the spec where absent. */
  readonly ordered?: (endpoints: readonly string[]) => readonly string[];
  /** Registries that bypass the mirror of "*" although they have none of their own. */
  readonly bypassed?: readonly string[];
}

/** Where CI jobs go, as what runs them is told. */
export interface JobSettings {
  /** GitLab by the name that it calls itself, such as `gitlab.example.com`; with its port where that is written. */
  readonly host: string;
  /** What the runner asks for jobs, and what they clone from. */
  readonly asked: string;
  /** The image that clones and carries artifacts. */
  readonly helperImage: string;
  /**
   * Who tells jobs other addresses for rewritten names: `cluster`, the DNS of pods; `own`, a server or a file of theirs.
   * Absent: nothing is said, so that it is the DNS of pods if the spec has a target for it.
   */
  readonly names?: 'cluster' | 'own';
  /** Where these options stand. */
  readonly at: SpecPath;
}

/** How a DNS server that rewrites names writes its answers. */
export interface NameServer {
  /** Record types that it is known to answer, sorted. */
  readonly types: readonly string[];
  /**
   * Whether names in the data of an answer are mapped back, kept, or absent. The owner is always the name that was
   * asked.
   */
  readonly namesIn: (type: string) => 'mapped' | 'kept' | 'none';
  /** Diagnostic for an answer whose names are kept. */
  readonly kept: (rewrite: DomainRewrite, asked: Readonly<Record<'type' | 'name' | 'to', string>>) => Diagnostic;
}

/** A file that the options name, and where. */
export interface NamedFile {
  readonly file: string;
  readonly at: SpecPath;
}

/** The program that reads a target's files, and how `verify` starts it. */
interface Program {
  /** Its name on PATH, such as `nginx`. */
  readonly program: string;
  /** Its arguments. It works in the target's folder, whose absolute path this gets. */
  readonly args: (folder: string) => readonly string[];
  /** Files that it writes into the target's folder, as patterns of .gitignore. */
  readonly leaves: readonly string[];
}

/** Something that no configuration of a program can do. `verify` or `lint` tells it instead of failing. */
export type Limit = 'addressRequests' | 'interimAnswers' | 'unannouncedTrailers';

/** Where sites of domain rewrites listen on this machine. */
export interface SitesHere {
  readonly port: number;
  /** Shown where they speak TLS. */
  readonly certificate: NonNullable<Proxy['tls']>;
  readonly policy: Policy;
}

/** How sites are reached. */
export interface SitesDo {
  readonly speakTls: boolean;
  /** This machine is one of the proxies that they believe, if they believe any. */
  readonly clientIp: ClientAddress;
}

/** A program that decides about requests to the proxies. */
export interface RequestRunner<Options = unknown> extends Program {
  readonly serves: 'requests';
  /** The signal at which it reads its files again, such as `HUP`. */
  readonly reloadSignal: string;
  /** The options without those that proxies do not need and that this machine cannot serve. */
  readonly alone: (options: Options) => unknown;
  /** Whether these options render the sites of domain rewrites. */
  readonly rendersSites: (options: Options) => boolean;
  /** The options with the sites as `verify` starts them, and what these then do. */
  readonly sites: (options: Options, here: SitesHere) => { readonly options: unknown; readonly does: SitesDo };
  readonly enforces: Enforcement;
  /** Limits of the program in the version that the options name; none where absent. */
  readonly limits?: (options: Options) => readonly Limit[];
  /** The access log, a file below the target's folder. */
  readonly accessLog: string;
}

/** What it takes to have a program read its files again. */
export type Reloadable = Pick<RequestRunner, 'program' | 'reloadSignal'>;

/** A program that answers for the names of domain rewrites. */
export interface NameRunner<Options = unknown> extends Program {
  readonly serves: 'names';
  /** The options with a server on this port of 127.0.0.1 that asks this resolver, such as `127.0.0.1:5353`. */
  readonly alone: (options: Options, at: { readonly port: number; readonly resolver: string }) => unknown;
}

export type Runner<Options = unknown> = RequestRunner<Options> | NameRunner<Options>;

/** Loopback ports that a configuration is moved to. */
export interface AuditPorts {
  /** One for each socket that it listens on. */
  readonly listen: readonly number[];
  /** Port of the upstream that records requests. */
  readonly upstream: number;
}

/** A server of the configuration, and where it is asked. */
export interface AuditedServer {
  readonly port: number;
  /** A host name that leads to it. */
  readonly host: string;
}

/** Somebody else's configuration, changed so that it can be started here to see what it lets through. */
export interface Audited {
  /** Below a folder of the target. */
  readonly files: readonly Pick<RenderedFile, 'path' | 'text'>[];
  /** A credential that is admitted, where the configuration lists one. */
  readonly credential?: { readonly header: string; readonly value: string };
  /** Those that forward something; at least one. */
  readonly servers: readonly AuditedServer[];
  /** Names of servers that forward something and that no request can be sure to reach. */
  readonly unasked: readonly string[];
}

/** Such a configuration before it is moved. */
export interface Auditable {
  /** Number of sockets that it listens on. */
  readonly sockets: number;
  readonly moveTo: (ports: AuditPorts) => Audited;
}

/** A file as engines read it: characters are bytes. */
export interface ReadFileText {
  readonly path: string;
  readonly text: string;
}

/**
 * Reads back the files of a target, independently of the code that writes them, as a model of what they decide. Throws
 * `CannotTell` where something is not understood, immediately or when the model is used.
 */
export type ReadBack =
  /** What becomes of requests to a proxy. */
  | {
      readonly decides: 'requests';
      /** `all` are the proxies of the spec: what else is in the files belongs to nobody. */
      readonly read: (files: readonly ReadFileText[], proxy: Proxy, all: readonly Proxy[]) => FileModel;
      /** Writes down what the files decide, so that `check-certificate.js` can compare it with them. */
      readonly certify?: (policy: Policy, files: readonly ReadFileText[]) => object;
    }
  | NameReadBack
  /** Where nodes ask for images: one model for each kind that `nodes` tells apart. */
  | {
      readonly decides: 'pulls';
      readonly read: (files: readonly ReadFileText[]) => readonly NodeModel[];
    };

/** Where names lead. */
export interface NameReadBack {
  readonly decides: 'names';
  readonly read: (files: readonly ReadFileText[], policy: Policy) => NameModel;
  /** Returns a copy of what one socket is told, in which names can be tried on this machine. */
  readonly moved: (files: readonly ReadFileText[], policy: Policy, here: NamesHere) => readonly ReadFileText[];
}

/** Where a copy of the files of a name server listens, and whom it asks, on this machine. */
export interface NamesHere {
  /** Number of the socket in the model. */
  readonly listener: number;
  readonly port: number;
  /** Such as `127.0.0.1:5353`. */
  readonly resolver: string;
}

/** Where a copy of files listens, and what it forwards to, on this machine. */
export interface Here {
  /** Port of the proxy, where PROXY protocol names the client. */
  readonly port: number;
  /** Port in place of another listener; the same one for the same text. */
  readonly elsewhere: (listener: string) => number;
  /** Port in place of a server of an upstream, such as `gitlab.example.com:443`. */
  readonly upstream: (server: string) => number;
  /** What a proxy with TLS shows. */
  readonly certificate: NonNullable<Proxy['tls']>;
  /** File of the authorities that signed the certificates of the upstreams. */
  readonly authorities: string;
}

/** What an engine reads below `secrets/`. */
export interface RenderedKeys {
  /** The files that it includes, such as `secrets/keys*.conf`. No other is looked at. */
  readonly included: readonly string[];
  /** Compares how many keys there are, never what they are. */
  readonly compare: (policy: Policy, files: readonly LiveText[], where: string) => Result<readonly Diagnostic[]>;
}

/** Optional abilities of a target beside rendering files. */
interface Capabilities<Options> {
  /** Files with keys and tokens in them, below the output folder. */
  readonly secrets?: ((input: SecretsInput) => Result<readonly RenderedFile[]>) | undefined;
  /** How the files below `secrets/` are compared with the keys of the spec. */
  readonly renderedKeys?: RenderedKeys | undefined;
  /** Compares what runs with what the spec makes. */
  readonly live?: CompareLive<Options> | undefined;
  /** For targets whose decisions can be compared with the spec's, whatever is asked. */
  readonly readBack?: ReadBack | undefined;
  /** Splits what the engine prints of all files that it has read; `undefined` for a text that is not that. */
  readonly printed?: ((text: string) => readonly ReadFileText[] | undefined) | undefined;
  /** Returns a copy of such files, however they were edited, in which a proxy can be tried on this machine. */
  readonly moved?: ((files: readonly ReadFileText[], proxy: Proxy, here: Here) => readonly ReadFileText[]) | undefined;
  /** For targets that configure nodes which pull images. */
  readonly nodes?: ((options: Options, read: ReadFile) => NodeSettings) | undefined;
  /** For targets that run CI jobs. */
  readonly jobs?: ((options: Options, policy: Policy) => JobSettings) | undefined;
  /** For targets that answer the DNS questions of pods. */
  readonly names?: NameServer | undefined;
  /** For targets with sites of domain rewrites: the certificate that these show, where it is a file. */
  readonly siteCertificate?:
    | ((input: Pick<TargetInput<Options>, 'options' | 'at'>) => NamedFile | undefined)
    | undefined;
  /** Reads somebody else's configuration of the same program as a spec. */
  readonly importer?: Importer | undefined;
  /** Moves such a configuration to loopback, in front of a recording upstream. */
  readonly audited?: ((files: readonly ImportFile[]) => Auditable | ImportProblem) | undefined;
  /**
   * For targets that admit address sets somewhere: those sets, with the place of the options that name them; `all` are
   * the names of all sets.
   */
  readonly opens?: ((options: Options, all: readonly string[]) => readonly OpenedSet[]) | undefined;
  /** For targets whose files a program here can be started on. */
  readonly run?: Runner<Options> | undefined;
}

/** The whole contract of a target. */
export interface Target extends Capabilities<unknown> {
  /** How each option touches access. */
  readonly access: AnyTouches;
  readonly name: string;
  /** One line for the README's table. */
  readonly summary: string;
  /** Schema of `targets.<name>`. */
  readonly options: z.ZodType;
  emit(input: TargetInput<unknown>): Result<readonly RenderedFile[]>;
}

export interface TargetDefinition<Schema extends z.ZodType, Model> extends Capabilities<z.infer<Schema>> {
  readonly name: string;
  readonly summary: string;
  readonly options: Schema;
  readonly access: Touches<z.infer<Schema>>;
  /** Returns the model in the target's terms, in which every string is a token of this target. */
  readonly plan: (input: TargetInput<z.infer<Schema>>) => Result<Model>;
  /** Model → files. */
  readonly files: (model: Model) => readonly RenderedFile[];
}

/** Defines a target. The types of its options and model stay inside, so that all targets fit into one list. */
export function defineTarget<Schema extends z.ZodType, Model>(definition: TargetDefinition<Schema, Model>): Target {
  const { options: schema, plan, files, live, nodes, jobs, siteCertificate, opens, run, ...others } = definition;
  /** Gives the options their type; they were validated with the spec. */
  const typed = <Input extends { readonly options: unknown }>(input: Input) => {
    const { data: options, success, error } = schema.safeParse(input.options);
    if (!success) throw new Error(`options of ${others.name} were not validated with the spec`, { cause: error });
    return { ...input, options };
  };
  const typedOptions = (options: unknown) => typed({ options }).options;
  return {
    ...others,
    options: schema,
    live: live && ((text, expected) => live(text, typed(expected))),
    nodes: nodes && ((options, read) => nodes(typedOptions(options), read)),
    jobs: jobs && ((options, policy) => jobs(typedOptions(options), policy)),
    siteCertificate: siteCertificate && ((input) => siteCertificate(typed(input))),
    opens: opens && ((options, all) => opens(typedOptions(options), all)),
    run: run && typedRunner(run, typedOptions),
    emit(input) {
      const { value, diagnostics } = plan(typed(input));
      return value === undefined ? { diagnostics } : { value: files(value), diagnostics };
    },
  };
}

function typedRunner<Options>(run: Runner<Options>, typed: (options: unknown) => Options): Runner {
  if (run.serves === 'names') return { ...run, alone: (options, at) => run.alone(typed(options), at) };
  return {
    ...run,
    alone: (options: unknown) => run.alone(typed(options)),
    rendersSites: (options) => run.rendersSites(typed(options)),
    sites: (options, here) => run.sites(typed(options), here),
    limits: (options) => run.limits?.(typed(options)) ?? [],
  };
}
