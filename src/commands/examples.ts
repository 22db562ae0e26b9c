/** Examples at the end of `postern COMMAND --help`: a command line, and what it is for. */
export const EXAMPLES: Readonly<Record<string, readonly (readonly [line: string, what: string])[]>> = {
  validate: [
    ['postern validate envs/*.yaml', 'several specs, one report'],
    ["postern validate 'envs/**/postern.yaml'", 'all of them in any folder, in one process'],
  ],
  test: [['postern test --coverage --fail-under 90%', 'fail where requests are left that no test touches']],
  lint: [
    ['postern lint --explain form-body', 'the page of a finding'],
    ['postern lint --fail-on note', 'nothing may be left to improve'],
  ],
  verify: [
    ['postern verify --engine nginx --requests 1000', 'a quick look at one engine'],
    ['postern verify --requests 1000000 --shard 7/20', 'the seventh part of a long run, the same whenever it is made'],
  ],
  prove: [
    [
      'postern prove --engine nginx --confirm',
      'the files of one engine, for all requests; a difference is tried on it',
    ],
    ['postern prove --engine nginx --certificate access.json', 'also write down what a small checker shows'],
    ['postern prove --live nginx=live.txt', 'what runs, as "nginx -T" prints it'],
    ['postern prove --live coredns=live.yaml', 'the ConfigMap that runs, for all names'],
  ],
  generate: [
    ['postern generate --check', 'exit 1 where a file is not what the spec makes'],
    ['postern generate --target nginx --out build', 'one target, elsewhere'],
    ['postern generate --prove', 'nothing is written that is not proved to decide as the spec does'],
    ['postern generate --watch', 'again at each change of the spec or of a file that it names'],
  ],
  diff: [
    ['postern diff --base git:origin/main --fail-on widening', 'exit 1 where somebody may do more than before'],
    ['postern diff --live coredns=live.txt', 'what runs, against what the spec makes'],
  ],
  secrets: [['postern secrets render', 'follow the references, and write the files of secrets']],
  keys: [['postern keys rotate partner', 'give a caller a second key']],
  ranges: [['postern ranges update cloudflare download.json', 'a newer list, its access change first']],
  shadow: [['postern shadow report access.log', 'what the next policy would refuse of what got through']],
  explain: [
    ['postern explain GET /api/v4/user --key partner', 'one request, and the line that decides it'],
    ['postern explain --requests requests.jsonl', 'many requests, a line each'],
  ],
  show: [['postern show --access --format markdown', 'who may do what, as a table']],
  report: [['postern report --out report.html --base git:origin/main', 'with what changed since then']],
  fmt: [['postern fmt --check', 'exit 1 where the layout would change']],
  schema: [['postern schema > postern.schema.json', 'for editors']],
  docs: [['postern docs vault', 'pages about one thing']],
  completion: [
    ['postern completion bash > /etc/bash_completion.d/postern', 'for everybody on this machine'],
    ['postern completion fish > ~/.config/fish/completions/postern.fish', 'for you'],
  ],
  import: [
    ['postern import nginx /etc/nginx > postern.yaml', 'what cannot be said is listed'],
    ['postern import openapi api.yaml --tag projects', 'a part of a description'],
  ],
  audit: [
    ['postern audit --nginx /etc/nginx --operations operations.txt', 'started on loopback, in front of a recorder'],
  ],
  learn: [['postern learn access.log --within postern.yaml', 'the smallest spec, and nothing beyond this one']],
  init: [['postern init --openapi api.yaml', 'start from a description']],
};
