/** Record types with names in their data that CoreDNS maps back with the answer. */
const MAPPED = ['CNAME', 'DNAME', 'MX', 'NAPTR', 'NS', 'PTR', 'SOA', 'SRV'];
/** Record types with a name in their data that comes as it is. */
const KEPT = ['HTTPS', 'SVCB'];
/** Types without a name of a host in their data. */
const NAMELESS = ['A', 'AAAA', 'CAA', 'SSHFP', 'TLSA', 'TXT'];

export const answerTypes: readonly string[] = [...MAPPED, ...KEPT, ...NAMELESS].sort();

/** What becomes of the names in the data of an answer. The owner is always the name that was asked for. */
export function namesInAnswers(type: string): 'mapped' | 'kept' | 'none' {
  if (MAPPED.includes(type)) return 'mapped';
  return KEPT.includes(type) ? 'kept' : 'none';
}
