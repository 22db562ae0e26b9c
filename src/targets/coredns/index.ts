import { type Diagnostic, resultOf } from '../../diagnostics/diagnostic.ts';
import type { Policy } from '../../policy/types.ts';
import { defineTarget } from '../target.ts';
import { answerTypes, namesInAnswers } from './answers.ts';
import { inlineLimit } from './blocks.ts';
import { corednsCodes } from './codes.ts';
import { corefileModel, defaultClusterDomain, isBelow, type Surroundings } from './corefile.ts';
import { formFile } from './forms.ts';
import { compareCoredns } from './live.ts';
import { mergedFile } from './merged.ts';
import { type CorednsForm, type CorednsOptions, corednsOptions } from './options.ts';

export const coredns = defineTarget({
  name: 'coredns',
  summary: 'DNS for pods: the old name resolves to the new one',
  options: corednsOptions,
  plan({ policy, options, at, read }) {
    const problems: Diagnostic[] = [];
    const form = options.form ?? 'corefile';
    if (options.merge !== undefined) return mergedFile({ policy, at, read, form, file: options.merge });
    const model = corefileModel(policy.rewrites, options, surroundingsOf(form, options));
    const blocks = model.blocks.length - 1;
    const says = { names: policy.rewrites.length, blocks, limit: inlineLimit };
    if (policy.rewrites.length === 0) problems.push(corednsCodes.report('no-rewrite', at, {}));
    if (blocks > 0) problems.push(corednsCodes.report('many-names', at, says));
    if (form === 'nodeLocal') {
      problems.push(...clusterNames(policy, options));
      // It would print a Corefile that listens nowhere or everywhere, so there is nothing to show without.
      if (options.bind === undefined)
        return { diagnostics: [...problems, corednsCodes.report('missing-bind', at, {})] };
    }
    return resultOf(formFile(form, { name: policy.name, options, model }), problems);
  },
  files: (file) => [file],
  live: compareCoredns,
  names: {
    types: answerTypes,
    namesIn: namesInAnswers,
    kept: ({ origin }, asked) => corednsCodes.report('inner-target', origin, asked),
  },
});

function surroundingsOf(form: CorednsForm, { port }: CorednsOptions): Surroundings {
  const resolver = form === 'nodeLocal' ? '__PILLAR__UPSTREAM__SERVERS__' : '/etc/resolv.conf';
  const standalone = form === 'corefile' || form === 'import';
  const inCluster = !standalone && form !== 'nodeLocal';
  // The chart has a field for it, and writes that behind the last name only.
  if (form === 'helm') return { port, bareLast: true, inCluster, resolver };
  // In a cluster the port is written out, because kubeadm writes it and its Service counts on it.
  return { port: port ?? (standalone ? undefined : 53), inCluster, resolver };
}

function clusterNames({ rewrites }: Policy, options: CorednsOptions): Diagnostic[] {
  const domain = options.clusterDomain ?? defaultClusterDomain;
  return rewrites.flatMap((rewrite) =>
    (['from', 'to'] as const)
      .filter((side) => isBelow(rewrite[side], domain))
      .map((side) => corednsCodes.report('cluster-name', [...rewrite.origin, side], { name: rewrite[side], domain })),
  );
}
