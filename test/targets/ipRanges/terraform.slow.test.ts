import { execFile, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../../../src/compile.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';

/** Where the AWS provider stands on this machine: nothing is fetched. */
const PLUGINS = '/opt/tf-plugins';

const provider = `terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
`;

const SPEC = (forms: string) => `version: 1
name: shared
ipRanges:
  offices: [203.0.113.0/24, 198.51.100.7]
  vpn: ["@offices", 192.0.2.0/28, "2001:db8::/32"]
targets:
  ipRanges:
    forms: ${forms}
    spare: 3
    open:
      git: { sets: [offices, vpn], ports: [443, 22] }
      mail: { sets: [vpn], ports: [25], securityGroup: sg-01234567 }
`;

const LISTS = `mock_provider "aws" {}
variables { git-security-group = "sg-89abcdef" }
run "sums" {
  command = apply
  assert {
    condition     = aws_ec2_managed_prefix_list.vpn-ipv4.max_entries == length(aws_ec2_managed_prefix_list.vpn-ipv4.entry) + 3
    error_message = "room"
  }
  assert {
    condition     = length(aws_ec2_managed_prefix_list.vpn-ipv4.entry) == 3
    error_message = "entries"
  }
  assert {
    condition     = output.security-group-rules.git.ipv4 == 2 * (aws_ec2_managed_prefix_list.offices-ipv4.max_entries + aws_ec2_managed_prefix_list.vpn-ipv4.max_entries)
    error_message = "sum of the quota"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.mail-vpn-25-tcp-ipv6.security_group_id == "sg-01234567"
    error_message = "group"
  }
}
`;

const CIDRS = `mock_provider "aws" {}
variables { git-security-group = "sg-89abcdef" }
run "sums" {
  command = apply
  assert {
    condition = output.security-group-rules.git.ipv4 == sum([
      length(aws_vpc_security_group_ingress_rule.git-offices-22-tcp-ipv4),
      length(aws_vpc_security_group_ingress_rule.git-offices-443-tcp-ipv4),
      length(aws_vpc_security_group_ingress_rule.git-vpn-22-tcp-ipv4),
      length(aws_vpc_security_group_ingress_rule.git-vpn-443-tcp-ipv4),
    ])
    error_message = "what is counted is what is made"
  }
  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.git-vpn-443-tcp-ipv4 : rule.cidr_ipv4] == ["192.0.2.0/28"]
    error_message = "no CIDR twice at one port"
  }
}
`;

const test = suite('Terraform');
const missing =
  spawnSync('terraform', ['version']).status === 0 ? undefined : 'terraform not found (it is no package of a registry)';
if (missing !== undefined) console.log(`skipped: ${missing}`);
const when = missing === undefined ? test : test.skip;

for (const [forms, tests] of [
  ['[prefixLists, securityGroups]', LISTS],
  ['[securityGroups]', CIDRS],
] as const) {
  when(`validates, plans and applies with a mocked provider: ${forms}`, async () => {
    const { files = [], diagnostics } = compile(SPEC(forms), { file: 'postern.yaml', read: () => undefined });
    assert.equal(diagnostics, []);
    const { path, remove } = await temporaryFolder();
    try {
      writeFileSync(join(path, 'aws.tf.json'), files.find((file) => file.path.endsWith('aws.tf.json'))?.text ?? '');
      writeFileSync(join(path, 'provider.tf'), provider);
      writeFileSync(join(path, 'sums.tftest.hcl'), tests);
      const env = { ...process.env, TF_CLI_CONFIG_FILE: '/dev/null', CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' };
      const terraform = async (...args: readonly string[]) => {
        const { stdout } = await promisify(execFile)('terraform', [...args], { cwd: path, env });
        return stdout;
      };
      await terraform('init', '-backend=false', `-plugin-dir=${PLUGINS}`, '-no-color');
      assert.match(await terraform('validate', '-no-color'), /The configuration is valid/);
      assert.match(await terraform('test', '-no-color'), /1 passed, 0 failed/);
    } finally {
      await remove();
    }
  });
}

test.run();
